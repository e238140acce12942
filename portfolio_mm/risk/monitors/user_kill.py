"""A person asked to stop."""

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """At once, without a second reading."""
    if not snapshot.user_kill:
        return Verdict("user_kill")
    return Verdict("user_kill", RiskState.KILLED, text=f"asked by a person: {snapshot.user_kill}", urgent=True)
