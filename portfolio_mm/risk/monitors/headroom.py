"""Distance from liquidation: coins whose money is near its maintenance margin only reduce."""

from typing import Final

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import PotSnapshot, Snapshot
from portfolio_mm.risk.verdict import CoinRestriction, Verdict

LEAST_USD: Final = 0.01
"""Maintenance below a cent is no position."""


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """Each pot of money alone, as the venue judges it (HL §8.3): one that is near stops nobody else's coins."""
    low = [pot for pot in snapshot.pots if _is_low(pot, rules.maintenance_multiple)]
    coins = dict.fromkeys(coin for pot in low for coin in pot.coins)
    texts = [
        f"{pot.name}: equity {pot.equity_usd:.2f} USD is under {rules.maintenance_multiple:g} times its maintenance "
        f"margin {pot.maintenance_usd:.2f} USD; a move of {pot.all_move:.2%} against it liquidates"
        for pot in low
    ]
    return Verdict(
        "headroom", coins=tuple(CoinRestriction(coin, RiskState.REDUCE_ONLY) for coin in coins), text="; ".join(texts)
    )


def _is_low(pot: PotSnapshot, multiple: float) -> bool:
    """Numbers that are none count as low."""
    return not (pot.maintenance_usd < LEAST_USD or pot.equity_usd >= multiple * pot.maintenance_usd)
