"""Who pays which rate: volume of fourteen days, maker share, staking and referral (HL §10.1, §10.2).

The tier of a day follows from the fourteen UTC days before it and does not move within the day. A master and its
sub-accounts share one `Standing`.
"""

from collections import defaultdict
from typing import Final, NamedTuple

from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse.tiers import REBATES, VIP, FeeTier

WINDOW_DAYS: Final = 14
VIP_ABOVE_USD: Final = (5_000_000, 25_000_000, 100_000_000, 500_000_000, 2_000_000_000, 7_000_000_000)
REBATE_ABOVE_1E4: Final = (50, 150, 300)
"""Shares of the exchange's maker volume, in ten-thousandths."""
STAKING: Final = ((10, 500), (100, 1000), (1_000, 1500), (10_000, 2000), (100_000, 3000), (500_000, 4000))
"""HYPE staked, more than; discount in ten-thousandths of a positive fee."""
REFERRAL_1E4: Final = 400
REFERRAL_UNTIL_1E8: Final = 25_000_000 * USD_1E8
WHOLE_1E4: Final = 10_000
RATE_1E6: Final = 1_000_000


class FeeScale(NamedTuple):
    """What a coin's dex makes of rates, in ten-thousandths: of positive ones, and of rebates (HL §10.4)."""

    fee_1e4: int = WHOLE_1E4
    rebate_1e4: int = WHOLE_1E4


PLAIN: Final = FeeScale()
"""Of the first dex."""


class DailyVolume:
    """Notional (1e-8 USD) taken and made by UTC day."""

    def __init__(self) -> None:
        self.taken: defaultdict[int, int] = defaultdict(int)
        self.made: defaultdict[int, int] = defaultdict(int)

    def add(self, day: int, notional_1e8: int, *, crossed: bool) -> None:
        """Count one fill."""
        (self.taken if crossed else self.made)[day] += notional_1e8

    def before(self, day: int) -> tuple[int, int]:
        """Taken and made in the fourteen days before a day."""
        window = range(day - WINDOW_DAYS, day)
        return sum(self.taken[d] for d in window), sum(self.made[d] for d in window)


class Standing:
    """Volume and discounts of a user, and the tier they make. `floor` is a tier the account never falls below."""

    def __init__(self, floor: FeeTier, staked_hype: float = 0.0, *, referred: bool = False) -> None:
        self.floor = self.tier = floor
        self.staked_hype = staked_hype
        self.referred = referred
        self.volume = DailyVolume()

    def renew(self, day: int, exchange: DailyVolume) -> None:
        """Set the tier of a day."""
        taken, made = self.volume.before(day)
        vip = sum(taken + made > usd * USD_1E8 for usd in VIP_ABOVE_USD)
        share = sum(made * WHOLE_1E4 > above * exchange.before(day)[1] for above in REBATE_ABOVE_1E4)
        maker, taker = VIP[vip]
        if share:
            maker = REBATES[share - 1]
        name = f"rebate{share}" if share else f"vip{vip}" if vip else "base"
        maker, taker = min(maker, self.floor.maker_1e6), min(taker, self.floor.taker_1e6)
        kept = (maker, taker) == (self.floor.maker_1e6, self.floor.taker_1e6)
        self.tier = self.floor if kept else FeeTier(name, maker, taker)

    @property
    def staking_1e4(self) -> int:
        """Staking discount in ten-thousandths."""
        return max((discount for above, discount in STAKING if self.staked_hype > above), default=0)

    def referral_1e4(self, volume_1e8: int) -> int:
        """Referral discount in ten-thousandths, for a user who has traded so much."""
        return REFERRAL_1E4 if self.referred and volume_1e8 < REFERRAL_UNTIL_1E8 else 0

    def fee_1e8(self, notional_1e8: int, volume_1e8: int, *, crossed: bool, scale: FeeScale = PLAIN) -> int:
        """Fee of one fill, truncated towards zero at eight decimals as on recorded fills; rebates know no discount.

        >>> standing = Standing(FeeTier("base", 150, 450), 20.0, referred=True)
        >>> standing.fee_1e8(100_00000000, 0, crossed=True)  # 4.5 bps, less 5 %, less 4 %
        4104000
        """
        rate = self.tier.taker_1e6 if crossed else self.tier.maker_1e6
        if rate < 0:
            return -(abs(notional_1e8) * -rate * scale.rebate_1e4 // (RATE_1E6 * WHOLE_1E4))
        kept = (WHOLE_1E4 - self.staking_1e4) * (WHOLE_1E4 - self.referral_1e4(volume_1e8))
        whole = RATE_1E6 * WHOLE_1E4 * WHOLE_1E4 * WHOLE_1E4
        return abs(notional_1e8) * rate * scale.fee_1e4 * kept // whole
