"""Positions the venue forced: our own liquidation kills, auto-deleveraging lets the account only reduce for a while.

A liquidation means that margin ran out although limits should have kept it: like a position far above its limit, the
limits themselves did not hold, and a person must look. Auto-deleveraging is another account's failure and leaves us
with money but without a hedge, in a market that just broke: nothing is added before it has been planned anew.
"""

from typing import Final

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict

FRESH_S: Final = 60.0
"""A liquidation kills within this time; later a person has resumed and knows of it."""
PAUSE_S: Final = 120.0


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """By the age of the last one."""
    late_s = snapshot.late_s(now_ns)
    liquidated_s, deleveraged_s = snapshot.liquidated_age_s + late_s, snapshot.deleveraged_age_s + late_s
    if liquidated_s <= FRESH_S:
        text = f"the venue liquidated a position of ours {liquidated_s:.0f} s ago: margin and limits did not hold"
        return Verdict("forced", RiskState.KILLED, text=text, urgent=True)
    if deleveraged_s <= PAUSE_S:
        text = f"the venue deleveraged a position of ours {deleveraged_s:.0f} s ago (reducing only for {PAUSE_S:.0f} s)"
        return Verdict("forced", RiskState.REDUCE_ONLY, text=text)
    return Verdict("forced")
