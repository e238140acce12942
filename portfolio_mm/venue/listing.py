"""The venue's universe: tradable coins among delisted ones, margin tables, spot tokens (HL §1.2, §1.4).

A delisted row stands among the tradable ones, as on the real venue: asset ids count it, and a client that filters
before it numbers sends orders to the wrong coin.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.tokens import TOKENS, USDC_TOKEN

DELISTED: Final = Instrument(
    coin="MATIC", asset=0, index=-1, sz_decimals=1, max_leverage=20, margin_table=20, delisted=True
)
DELISTED_AT: Final = 3
SINGLE_TIER_BELOW: Final = 50
"""A margin table with a smaller id is one tier of that leverage and is not listed."""

TABLES: Final[dict[int, tuple[str, tuple[tuple[int, int], ...]]]] = {
    50: ("", ((0, 50),)),
    51: ("tiered 10x", ((0, 10), (3_000_000, 5))),
    52: ("tiered 10x (2)", ((0, 10), (20_000_000, 5))),
    53: ("tiered 20x", ((0, 20), (40_000_000, 10))),
    54: ("tiered 20x (2)", ((0, 20), (70_000_000, 10))),
    55: ("tiered 25x", ((0, 25), (100_000_000, 15))),
    56: ("tiered 40x", ((0, 40), (150_000_000, 20))),
}
"""Margin tables: description, then (lower bound USD, maximum leverage) by tier (HL §8.2)."""

USDC: Final = USDC_TOKEN.wire

SPOT_META: Final[dict[str, Any]] = {
    "universe": [{"tokens": [1, 0], "name": "PURR/USDC", "index": 0, "isCanonical": True}],
    "tokens": [token.row() for token in TOKENS],
}
"""Reply to `spotMeta`: tokens that can be held, and one pair, which is not traded here."""


class Listing:
    """Rows of `meta.universe` in order; `tradable` are the flow's coins in the flow's order.

    `margin_modes` names coins that are isolated only: `strictIsolated` (margin may not be taken out) or `noCross`.

    Raises:
        ConfigurationError: it names a coin that is not listed.
    """

    def __init__(self, coins: tuple[Instrument, ...], margin_modes: Mapping[str, str] | None = None) -> None:
        listed = {row.coin for row in coins}
        for coin in margin_modes or ():
            if coin not in listed:
                msg = f"margin_modes names {coin!r}, which is not listed; listed are {', '.join(sorted(listed))}"
                raise ConfigurationError(msg)
        self._modes = {row.coin: "strictIsolated" for row in coins if row.only_isolated} | dict(margin_modes or {})
        coins = tuple(msgspec.structs.replace(row, only_isolated=row.coin in self._modes) for row in coins)
        at = min(DELISTED_AT, len(coins))
        ordered = [*coins[:at], DELISTED, *coins[at:]]
        self.rows = tuple(msgspec.structs.replace(row, asset=asset) for asset, row in enumerate(ordered))
        self.tradable = tuple(row for row in self.rows if not row.delisted)
        self.by_coin = {row.coin: row for row in self.tradable}

    def margin_mode(self, coin: str) -> str | None:
        """`strictIsolated`, `noCross`, or None for a coin without restriction."""
        return self._modes.get(coin)

    def delist(self, coin: str) -> None:
        """Mark a row as delisted; it keeps its place."""
        self.rows = tuple(msgspec.structs.replace(r, delisted=True) if r.coin == coin else r for r in self.rows)

    def by_asset(self, asset: int) -> Instrument | None:
        """The tradable coin of an asset id."""
        if 0 <= asset < len(self.rows) and not self.rows[asset].delisted:
            return self.rows[asset]
        return None

    def meta(self) -> dict[str, Any]:
        """Reply to `meta`."""
        universe = []
        for row in self.rows:
            entry: dict[str, Any] = {
                "szDecimals": row.sz_decimals,
                "name": row.coin,
                "maxLeverage": row.max_leverage,
                "marginTableId": table_id(row),
            }
            if row.only_isolated:
                entry |= {"onlyIsolated": True, "marginMode": self._modes[row.coin]}
            if row.delisted:
                entry["isDelisted"] = True
            universe.append(entry)
        return {
            "universe": universe,
            "marginTables": [[number, table(number)] for number in TABLES],
            "collateralToken": 0,
        }


def table_id(row: Instrument) -> int:
    """Margin table of a coin; a single tier of its maximum leverage unless one is named."""
    return row.margin_table or row.max_leverage


def tiers_of(row: Instrument) -> tuple[tuple[int, int], ...]:
    """(lower bound USD, maximum leverage) of a coin by tier."""
    number = table_id(row)
    return TABLES[number][1] if number in TABLES else ((0, row.max_leverage),)


def table(number: int) -> dict[str, Any] | None:
    """One margin table as `marginTable` shows it; None when there is no such table."""
    if number in TABLES:
        description, rows = TABLES[number]
    elif 0 < number < SINGLE_TIER_BELOW:
        description, rows = "", ((0, number),)
    else:
        return None
    return {
        "description": description,
        "marginTiers": [{"lowerBound": f"{bound}.0", "maxLeverage": leverage} for bound, leverage in rows],
    }
