"""A user's TWAP as the venue remembers it, and its wire forms; shapes as the TypeScript SDK types them (HL §1.1)."""

from typing import Any, Final, NamedTuple

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.clearinghouse.orders import SIDE_LETTER
from portfolio_mm.venue.protocol.amounts import usd_text, wire_text

SLICE_MS: Final = 30_000
MINUTE_MS: Final = 60_000


class TwapPlan(NamedTuple):
    """What was asked for; the prices in ticks, `above` None when it begins at once."""

    instrument: Instrument
    side: int
    sz_lots: int
    reduce_only: bool
    minutes: int
    randomize: bool
    start_ticks: int = 0
    above: bool | None = None
    stop_ticks: int | None = None

    @property
    def slices(self) -> int:
        """One at the beginning, then one every 30 s up to the end."""
        return self.minutes * MINUTE_MS // SLICE_MS + 1


class Twap:
    """One TWAP: what it has traded, and when its next slice is due."""

    def __init__(self, plan: TwapPlan, number: int, address: str, now_ms: int) -> None:
        self.plan = plan
        self.number = number
        self.address = address
        self.placed_ms = now_ms
        self.started_ms: int | None = None if plan.above is not None else now_ms
        self.done_slices = 0
        self.executed_lots = self.executed_1e8 = 0

    def due(self, now_ms: int) -> bool:
        """Whether a slice is due."""
        return self.started_ms is not None and now_ms >= self.started_ms + self.done_slices * SLICE_MS

    def state_row(self) -> dict[str, Any]:
        """The `state` of histories and of `twapStates`."""
        plan = self.plan
        return {
            "coin": plan.instrument.coin,
            "user": self.address,
            "side": SIDE_LETTER[plan.side],
            "sz": wire_text(plan.sz_lots, plan.instrument.sz_decimals),
            "executedSz": wire_text(self.executed_lots, plan.instrument.sz_decimals),
            "executedNtl": usd_text(self.executed_1e8),
            "minutes": plan.minutes,
            "reduceOnly": plan.reduce_only,
            "randomize": plan.randomize,
            "timestamp": self.placed_ms,
        }

    def history_row(self, status: str, now_ms: int, description: str | None = None) -> dict[str, Any]:
        """A row of `twapHistory`; its time is in seconds."""
        told = {"status": status} if description is None else {"status": status, "description": description}
        return {"time": now_ms // 1000, "state": self.state_row(), "status": told, "twapId": self.number}
