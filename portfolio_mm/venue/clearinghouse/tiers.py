"""Documented fee tiers of perpetuals (HL §10.1); fees are never anything else.

Rates are integer millionths of the notional: 150 is 0.015 %, 1.5 bps.
"""

from typing import Final

import msgspec

from portfolio_mm.domain.errors import ConfigurationError


class FeeTier(msgspec.Struct, frozen=True):
    """Maker and taker rate of one tier, millionths of the notional; a negative maker rate is a rebate."""

    name: str
    maker_1e6: int
    taker_1e6: int


VIP: Final = ((150, 450), (120, 400), (80, 350), (40, 300), (0, 280), (0, 260), (0, 240))
REBATES: Final = (-10, -20, -30)


def tiers() -> dict[str, FeeTier]:
    """All tiers by name: `base`, `vip1` to `vip6`, `rebate1` to `rebate3` (maker rebates beside the lowest taker fee).

    >>> tiers()["rebate3"].maker_1e6
    -30
    """
    named = [FeeTier("base" if i == 0 else f"vip{i}", maker, taker) for i, (maker, taker) in enumerate(VIP)]
    named += [FeeTier(f"rebate{i + 1}", maker, VIP[-1][1]) for i, maker in enumerate(REBATES)]
    return {tier.name: tier for tier in named}


def fee_tier(name: str) -> FeeTier:
    """One tier by name.

    Raises:
        ConfigurationError: there is no such tier.
    """
    known = tiers()
    if name not in known:
        msg = f"fee tier {name!r} does not exist; documented tiers are {', '.join(known)}"
        raise ConfigurationError(msg)
    return known[name]


def fee_1e8(notional_1e8: int, rate_1e6: int) -> int:
    """Fee of one fill, truncated towards zero at eight decimals as on recorded fills.

    >>> fee_1e8(26_808_79925000, 672), fee_1e8(100_00000000, -30)
    (1801551309, -300000)
    """
    product = abs(notional_1e8) * rate_1e6
    return product // 1_000_000 if product >= 0 else -(-product // 1_000_000)


def rate_text(rate_1e6: int) -> str:
    """Wire form of a rate: a fraction.

    >>> rate_text(450), rate_text(-10), rate_text(0)
    ('0.00045', '-0.00001', '0.0')
    """
    sign = "-" if rate_1e6 < 0 else ""
    digits = f"{abs(rate_1e6):06d}".rstrip("0")
    return f"{sign}0.{digits or '0'}"
