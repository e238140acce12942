"""Actions left at the venue, of the address and of the day: the last ones belong to cancels."""

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """Counts, not shares: an old account lives near its ever growing cap and is well."""
    worst = Verdict("rate")
    for name, used, cap in (
        ("actions of the day", snapshot.day_used, snapshot.day_cap),
        ("requests of the address", snapshot.address_used, snapshot.address_cap),
    ):
        left = cap - used
        if cap <= 0 or left > rules.actions_warn_left:
            continue
        stop = left <= rules.actions_stop_left
        state = RiskState.CANCEL_ONLY if stop else RiskState.YELLOW
        if state > worst.state:
            worst = Verdict("rate", state, text=f"{name}: {left} of {cap} left (stop at {rules.actions_stop_left})")
    return worst
