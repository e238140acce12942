"""Loss of the UTC day against `max_loss_usd`: yellow, reduce-only, kill."""

from typing import Final

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict, graded

URGENT: Final = 1.5
"""Progress from which no second reading is awaited: half as much again as the kill level is no glitch of one mark."""


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """Loss since the start of the day, transfers removed."""
    loss_usd = snapshot.marks.day_loss_usd
    progress = loss_usd / limits.max_loss_usd
    state = graded(progress, rules.warn_fraction, rules.reduce_fraction)
    if state == RiskState.GREEN:
        return Verdict("loss")
    text = f"loss of the day {loss_usd:.2f} USD is {progress:.0%} of the limit {limits.max_loss_usd:.2f} USD"
    return Verdict("loss", state, text=text, urgent=not progress < URGENT)
