"""What the flows know of well-known coins: grid, leverage, margin table, activity.

Size decimals, leverage and margin tables as listed on the venue (HL §1.2, §8.2); open interest and volume are round
figures of the right order, for the asset context only, and always flagged as modelled.
"""

from typing import Final

import msgspec

from portfolio_mm.domain.instrument import Instrument


class Listed(msgspec.Struct, frozen=True):
    """Listing of one coin; open interest in coins, volume in USD per day."""

    sz_decimals: int
    max_leverage: int
    margin_table: int
    open_interest: float
    day_volume_usd: float


LISTED: Final[dict[str, Listed]] = {
    "BTC": Listed(5, 40, 56, 30_000.0, 3.0e9),
    "ETH": Listed(4, 25, 55, 600_000.0, 1.5e9),
    "SOL": Listed(2, 20, 54, 4_000_000.0, 4.0e8),
    "XRP": Listed(0, 20, 53, 100_000_000.0, 1.5e8),
    "DOGE": Listed(0, 10, 52, 600_000_000.0, 6.0e7),
    "HYPE": Listed(2, 10, 52, 25_000_000.0, 5.0e8),
    "BNB": Listed(3, 10, 51, 60_000.0, 5.0e7),
    "SUI": Listed(1, 10, 52, 30_000_000.0, 6.0e7),
    "LINK": Listed(1, 10, 52, 3_000_000.0, 4.0e7),
    "AVAX": Listed(2, 10, 52, 2_000_000.0, 3.0e7),
    "ADA": Listed(0, 10, 52, 80_000_000.0, 4.0e7),
    "NEAR": Listed(1, 10, 52, 10_000_000.0, 2.0e7),
    "WLFI": Listed(0, 5, 5, 300_000_000.0, 8.0e7),
}


def listing(coin: str, sz_decimals: int) -> Listed:
    """Listing of a coin; an unknown one gets the venue's smallest leverage and modest activity."""
    return LISTED.get(coin, Listed(sz_decimals, 3, 3, 1_000_000.0, 1.0e7))


def instrument(coin: str, index: int, sz_decimals: int) -> Instrument:
    """The instrument at a place of the flow's universe."""
    listed = listing(coin, sz_decimals)
    return Instrument(
        coin=coin,
        asset=index,
        index=index,
        sz_decimals=sz_decimals,
        max_leverage=listed.max_leverage,
        margin_table=listed.margin_table,
    )
