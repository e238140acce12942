"""The venue's universe: dexes, tradable coins among delisted ones, margin tables, spot tokens (HL §1.2, §1.4).

A delisted row stands among the tradable ones, as on the real venue: asset ids count it, and a client that filters
before it numbers sends orders to the wrong coin.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.clearinghouse.terms import Terms, terms_of
from portfolio_mm.venue.dexes import FIRST, PerpDex, asset_id, dex_name, places
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

NEVER: Final = "1970-01-01T00:00:00"
"""Time of the last change of what was never changed."""
USDC: Final = USDC_TOKEN.wire

SPOT_META: Final[dict[str, Any]] = {
    "universe": [{"tokens": [1, 0], "name": "PURR/USDC", "index": 0, "isCanonical": True}],
    "tokens": [token.row() for token in TOKENS],
}
"""Reply to `spotMeta`: tokens that can be held, and one pair, which is not traded here."""


class Dex:
    """One perp dex: its universe in the order of asset ids. `settings` is None for the first one."""

    def __init__(self, number: int, settings: PerpDex | None, rows: Sequence[Instrument]) -> None:
        self.number = number
        self.settings = settings
        self.name = FIRST if settings is None else settings.name
        self.rows = tuple(msgspec.structs.replace(row, asset=asset_id(number, place)) for place, row in enumerate(rows))
        self.coins = tuple(row for row in self.rows if not row.delisted)
        """Coins that could be traded at the start."""

    def mark_delisted(self, coin: str, *, delisted: bool) -> None:
        """Change what a row says; it keeps its place."""
        self.rows = tuple(msgspec.structs.replace(r, delisted=delisted) if r.coin == coin else r for r in self.rows)


class Listing:
    """All dexes, the first one first: its rows are the flow's coins in the flow's order, a delisted one among them.

    `margin_modes` names coins of the first dex that are isolated only: `strictIsolated` (margin may not be taken out)
    or `noCross`; coins of other dexes always are.

    Raises:
        ConfigurationError: it names a coin that is not listed.
    """

    def __init__(
        self,
        coins: tuple[Instrument, ...],
        margin_modes: Mapping[str, str] | None = None,
        dexes: Sequence[PerpDex] = (),
    ) -> None:
        first = [row for row in coins if dex_name(row.coin) == FIRST]
        self.places = places(dexes)
        self._modes = self._restricted(first, margin_modes or {})
        first = [msgspec.structs.replace(row, only_isolated=row.coin in self._modes) for row in first]
        at = min(DELISTED_AT, len(first))
        by_name = {row.coin: row for row in coins}
        self.dexes = [Dex(0, None, [*first[:at], DELISTED, *first[at:]])]
        for number, dex in enumerate(dexes, 1):
            self.dexes.append(Dex(number, dex, [self._builder_row(by_name[name]) for name in dex.names()]))
        self.by_dex = {dex.name: dex for dex in self.dexes}
        self.tradable = tuple(sorted((row for dex in self.dexes for row in dex.coins), key=lambda row: row.index))
        self.by_coin = {row.coin: row for row in self.tradable}
        self._by_asset = {row.asset: row for row in self.tradable}

    def _restricted(self, first: Sequence[Instrument], given: Mapping[str, str]) -> dict[str, str]:
        """Margin modes by coin."""
        listed = {row.coin for row in first}
        for coin in given:
            if coin not in listed:
                msg = f"margin_modes names {coin!r}, which is not listed; listed are {', '.join(sorted(listed))}"
                raise ConfigurationError(msg)
        modes: dict[str, str] = {row.coin: "strictIsolated" for row in first if row.only_isolated}
        return modes | dict(given) | {name: place.coin.margin_mode for name, place in self.places.items()}

    def _builder_row(self, row: Instrument) -> Instrument:
        leverage = self.places[row.coin].coin.max_leverage
        return msgspec.structs.replace(row, max_leverage=leverage, margin_table=leverage, only_isolated=True)

    def dex_of(self, coin: str) -> Dex:
        """The dex a coin belongs to."""
        return self.by_dex[dex_name(coin)]

    def terms(self, coin: str) -> Terms:
        """What the dex of a coin decides about it."""
        return terms_of(self.places.get(coin))

    def margin_mode(self, coin: str) -> str | None:
        """`strictIsolated`, `noCross`, or None for a coin without restriction."""
        return self._modes.get(coin)

    def delist(self, coin: str) -> None:
        """Mark a row as delisted for good; it keeps its place."""
        self.dex_of(coin).mark_delisted(coin, delisted=True)
        del self._by_asset[self.by_coin[coin].asset]

    def by_asset(self, asset: int) -> Instrument | None:
        """The tradable coin of an asset id."""
        return self._by_asset.get(asset)

    def meta(self, dex: Dex | None = None) -> dict[str, Any]:
        """Reply to `meta`, of the first dex unless another is meant."""
        dex = dex or self.dexes[0]
        tables = TABLES if dex.settings is None else (SINGLE_TIER_BELOW,)
        return {
            "universe": [self._row(row) for row in dex.rows],
            "marginTables": [[number, table(number)] for number in tables],
            "collateralToken": 0,
        }

    def _row(self, row: Instrument) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "szDecimals": row.sz_decimals,
            "name": row.coin,
            "maxLeverage": row.max_leverage,
            "marginTableId": table_id(row),
        }
        if row.only_isolated:
            entry["onlyIsolated"] = True
        if row.delisted:
            entry["isDelisted"] = True
        if row.only_isolated:
            entry["marginMode"] = self._modes[row.coin]
        place = self.places.get(row.coin)
        if place is not None and place.coin.growth_mode:
            entry |= {"growthMode": "enabled", "lastGrowthModeChangeTime": NEVER}
        return entry


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
