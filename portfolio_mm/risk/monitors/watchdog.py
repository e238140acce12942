"""The watchdog must be alive: without it nothing would cancel if the gateway died."""

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """Silent, or never heard: nothing new is sent."""
    age_s = snapshot.watchdog_age_s + snapshot.late_s(now_ns)
    if not rules.watchdog_required or 0.0 <= age_s <= rules.watchdog_s:
        return Verdict("watchdog")
    text = f"watchdog silent for {age_s:.1f} s (limit {rules.watchdog_s:g} s)"
    return Verdict("watchdog", RiskState.CANCEL_ONLY, text=text)
