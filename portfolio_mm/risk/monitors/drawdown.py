"""Drawdown from the high-water mark, of the day and since the start: yellow, reduce-only, kill."""

from typing import Final

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict, graded

URGENT: Final = 1.5
"""Progress from which no second reading is awaited."""


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """Kills when the fraction *and* the absolute minimum are exceeded; progress is the lesser of the two."""
    marks = snapshot.marks
    worst = Verdict("drawdown")
    for since, fraction, lost_usd in (
        ("the start", marks.drawdown_fraction, marks.drawdown_usd),
        ("the start of the day", marks.day_drawdown_fraction, marks.day_drawdown_usd),
    ):
        progress = min(fraction / limits.max_drawdown_fraction, lost_usd / limits.min_drawdown_usd)
        state = graded(progress, rules.warn_fraction, rules.reduce_fraction)
        if state > worst.state or (worst.state == RiskState.KILLED == state and progress >= URGENT):
            text = (
                f"drawdown since {since} {fraction:.2%} ({lost_usd:.2f} USD), limit "
                f"{limits.max_drawdown_fraction:.2%} and at least {limits.min_drawdown_usd:.2f} USD"
            )
            worst = Verdict("drawdown", state, text=text, urgent=not progress < URGENT)
    return worst
