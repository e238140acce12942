"""Instruments and their grids: tick, lot, minimum order value.

Source: HL §6. A perp price is valid when it is an integer, or has at most five significant figures and at most
6 - sz_decimals decimals. So the tick depends on the price and changes at powers of ten.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

PERP_MAX_DECIMALS: Final = 6
SIGNIFICANT_FIGURES: Final = 5
MIN_ORDER_USD: Final = 10.0
POWERS: Final[tuple[int, ...]] = tuple(int(f"1{'0' * n}") for n in range(19))
"""POWERS[n] is 10^n, as an int."""


class Instrument(msgspec.Struct, frozen=True):
    """One perpetual of the venue.

    `coin` is the wire name, `asset` the wire id, `index` its place in this run's coin table. The scales are what its
    dex makes of positive fees and of rebates (HL §10.4).
    """

    coin: str
    asset: int
    index: int
    sz_decimals: int
    max_leverage: int
    margin_table: int = 0
    only_isolated: bool = False
    delisted: bool = False
    fee_scale: float = 1.0
    rebate_scale: float = 1.0

    @property
    def dex(self) -> str:
        """The perp dex it is listed on, empty for the first."""
        return dex_of(self.coin)

    @property
    def px_decimals(self) -> int:
        """Decimals of the finest price grid; `Ticks` count units of 10^-px_decimals."""
        return PERP_MAX_DECIMALS - self.sz_decimals

    def px(self, px_ticks: int) -> float:
        """Price in USD."""
        return px_ticks / POWERS[self.px_decimals]

    def sz(self, sz_lots: int) -> float:
        """Size in coins."""
        return sz_lots / POWERS[self.sz_decimals]

    def ticks(self, px: float | str) -> int:
        """Nearest count of the finest grid."""
        return round(float(px) * POWERS[self.px_decimals])

    def lots(self, sz: float | str) -> int:
        """Nearest count of lots."""
        return round(float(sz) * POWERS[self.sz_decimals])

    def px_text(self, px_ticks: int) -> str:
        """Wire form of a price: exact, no trailing zeros."""
        return grid_text(px_ticks, self.px_decimals)

    def sz_text(self, sz_lots: int) -> str:
        """Wire form of a size: exact, no trailing zeros."""
        return grid_text(sz_lots, self.sz_decimals)


def dex_of(coin: str) -> str:
    """Perp dex of a coin by its wire name, empty for the first (HL §6.3).

    >>> dex_of("xyz:TSLA"), dex_of("BTC")
    ('xyz', '')
    """
    return coin.partition(":")[0] if ":" in coin else ""


def grid_text(count: int, decimals: int) -> str:
    """Decimal text of `count` units of 10^-decimals, without trailing zeros or exponent.

    >>> grid_text(837670, 1), grid_text(-5, 3), grid_text(100, 0)
    ('83767', '-0.005', '100')
    """
    if decimals == 0 or count == 0:
        return str(count)
    digits = f"{abs(count):0{decimals + 1}d}"
    whole, fraction = digits[:-decimals], digits[-decimals:].rstrip("0")
    sign = "-" if count < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def usd_1e8(text: str) -> int:
    """Exact money from a wire decimal, rounded half-even beyond eight decimals."""
    return int((Decimal(text) * 100_000_000).to_integral_value(ROUND_HALF_EVEN))
