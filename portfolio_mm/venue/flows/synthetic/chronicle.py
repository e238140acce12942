"""Events of a synthetic market in venue time, told when their block runs though they were drawn long before."""

from typing import Any, Final, TypeVar

from portfolio_mm.venue.flows.synthetic.cascades import Burst
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths, Jump, Switch

KEPT: Final = 10_000
Row = TypeVar("Row", Jump, Switch, Burst)


class Chronicle:
    """Takes jumps, changes of regime and cascades off the paths once their block has come."""

    def __init__(self, params: SyntheticParams, paths: EfficientPaths) -> None:
        self._params = params
        self._paths = paths
        self.events: list[dict[str, Any]] = []
        """The last KEPT events, oldest first."""

    def tell(self, block: int) -> list[dict[str, Any]]:
        """Events up to a block that were not told yet, in time order."""
        coins = self._params.coins
        told: list[dict[str, Any]] = [
            {"event": "jump", "ms": self._ms(jump.block), "coin": coins[jump.coin].coin, "bps": jump.bps}
            | {"common": jump.common}
            for jump in _taken(self._paths.jumps, block)
        ]
        told += [
            {"event": "regime", "ms": self._ms(switch.block), "regime": switch.regime}
            for switch in _taken(self._paths.switches, block)
        ]
        told += [
            {"event": "cascade", "ms": self._ms(burst.block), "coin": coins[burst.coin].coin}
            | {"side": "buy" if burst.side == 0 else "sell", "orders": burst.orders, "impact_bps": burst.impact_bps}
            for burst in _taken(self._paths.bursts, block)
        ]
        told.sort(key=lambda event: int(event["ms"]))
        self.events = (self.events + told)[-KEPT:]
        return told

    def _ms(self, block: int) -> int:
        return self._params.start_ms + block * self._params.block_ms


def _taken(rows: list[Row], block: int) -> list[Row]:
    """Remove and return the rows of blocks up to this one; rows are in order."""
    if not rows or rows[0].block > block:
        return []
    n = next((i for i, row in enumerate(rows) if row.block > block), len(rows))
    taken = rows[:n]
    del rows[:n]
    return taken
