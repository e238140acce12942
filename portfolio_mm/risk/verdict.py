"""What a monitor says."""

import msgspec

from portfolio_mm.domain.limits import RiskState


class CoinRestriction(msgspec.Struct, frozen=True):
    """One coin may do less than the account: `state` is REDUCE_ONLY or CANCEL_ONLY."""

    coin: str
    state: RiskState


class Verdict(msgspec.Struct, frozen=True):
    """One monitor's opinion of one snapshot.

    `state` KILLED asks the kill switch to latch; `urgent` waives the second reading. `text` says which number crossed
    which limit, with units; it is empty only for a green verdict without restrictions.
    """

    monitor: str
    state: RiskState = RiskState.GREEN
    coins: tuple[CoinRestriction, ...] = ()
    text: str = ""
    urgent: bool = False


def graded(progress: float, warn_fraction: float, reduce_fraction: float) -> RiskState:
    """State for a quantity that kills at `progress` 1.0. A number that is not a number is treated as at the limit."""
    if progress < warn_fraction:
        return RiskState.GREEN
    if progress < reduce_fraction:
        return RiskState.YELLOW
    if progress < 1.0:
        return RiskState.REDUCE_ONLY
    return RiskState.KILLED
