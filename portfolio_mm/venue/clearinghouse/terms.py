"""What the dex of a coin decides about it: fees, what volume counts for, prices, funding, cap (HL §7.5, §9, §10.4)."""

from collections.abc import Callable
from typing import Final, NamedTuple

from portfolio_mm.venue.clearinghouse.fees import PLAIN, WHOLE_1E4, FeeScale
from portfolio_mm.venue.clearinghouse.premiums import INTEREST, MULTIPLIER_UNIT
from portfolio_mm.venue.clearinghouse.prices import PREMIUM_UNIT, midpoint_premium_1e10, premium_1e10
from portfolio_mm.venue.dexes import Place

GROWTH_PERCENT: Final = 10
"""Of fees, rebates and volume that is left in growth mode."""
MARK_STEP_1E4: Final = 100
"""A mark that a deployer sets moves by one percent at most (HL §7.5)."""
ANY_STEP_1E4: Final = 10**9


class Terms(NamedTuple):
    """The default is that of the first dex. `dex` is its number, `oi_cap_usd` of the notional of open interest."""

    dex: int = 0
    fees: FeeScale = PLAIN
    volume_percent: int = 100
    premium: Callable[[tuple[int, int], int], int] = premium_1e10
    funding_1e8: int = MULTIPLIER_UNIT
    interest_1e10: int = INTEREST
    mark_step_1e4: int = ANY_STEP_1E4
    oi_cap_usd: float | None = None

    def within_step(self, before: int, now: int) -> int:
        """A new mark, no further from the one before than it may move at once.

        >>> Terms().within_step(100, 450), Terms(mark_step_1e4=100).within_step(10_000, 10_150)
        (450, 10100)
        """
        most = before * self.mark_step_1e4 // WHOLE_1E4
        return max(before - most, min(before + most, now))


FIRST_DEX: Final = Terms()


def terms_of(place: Place | None) -> Terms:
    """Terms of a coin: those of the first dex unless it stands in another."""
    if place is None:
        return FIRST_DEX
    number, dex, coin = place
    interest = INTEREST if coin.interest_rate is None else round(coin.interest_rate * PREMIUM_UNIT)
    return Terms(
        number,
        fee_scale(dex.fee_scale, growth=coin.growth_mode),
        GROWTH_PERCENT if coin.growth_mode else 100,
        midpoint_premium_1e10,
        round(coin.funding_multiplier * MULTIPLIER_UNIT),
        interest,
        MARK_STEP_1E4,
        coin.oi_cap_usd,
    )


def fee_scale(deployer: float, *, growth: bool) -> FeeScale:
    """What the rates of the first dex are multiplied with: 1 + s below a scale of one, 2 s from there on (HL §10.4).

    >>> fee_scale(1.0, growth=False), fee_scale(0.5, growth=True)
    (FeeScale(fee_1e4=20000, rebate_1e4=10000), FeeScale(fee_1e4=1500, rebate_1e4=1000))
    """
    scale = 1.0 + deployer if deployer < 1.0 else 2.0 * deployer
    percent = GROWTH_PERCENT if growth else 100
    return FeeScale(round(scale * WHOLE_1E4) * percent // 100, WHOLE_1E4 * percent // 100)
