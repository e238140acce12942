"""Two channels that tell what changed since their last frame, packed: `l2` and `fastAssetCtxs` (HL §4.5).

All listeners hear the same changes, so each begins with what the others were told last, not with the state of now.
"""

import base64
import zlib
from typing import Any, Final

import msgspec

from portfolio_mm.venue.info import views_market
from portfolio_mm.venue.protocol.amounts import wire_text
from portfolio_mm.venue.state import CoinState, VenueState

RAW_DEFLATE: Final = -15
Side = dict[int, int]
"""Lots by price in ticks, best first."""


def packed(value: Any) -> str:
    """Base64 of the raw DEFLATE of its JSON."""
    pressing = zlib.compressobj(wbits=RAW_DEFLATE)
    return base64.b64encode(pressing.compress(msgspec.json.encode(value)) + pressing.flush()).decode()


class BookDeltas:
    """`l2`: twenty levels a side without counts of orders.

    A change names the places to remove from the side as it stood, then the prices that are new or have another size.
    """

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, tuple[Side, Side]]] = {}

    def first(self, state: VenueState, coin: CoinState, *, alone: bool) -> dict[str, Any]:
        """What a new listener gets; the first one makes it the state of now."""
        name = coin.coin.coin
        if alone or name not in self._told:
            self._told[name] = (state.now_ms, _sides(coin))
        time_ms, sides = self._told[name]
        levels = [[_level(coin, px, lots, ("px", "sz")) for px, lots in side.items()] for side in sides]
        return {"s": {"coin": name, "time": time_ms, "levels": levels}}

    def change(self, state: VenueState, coin: CoinState) -> dict[str, Any] | None:
        """What is new since the last frame; None when nothing is."""
        name, sides = coin.coin.coin, _sides(coin)
        _, before = self._told.get(name, (0, ({}, {})))
        if sides == before:
            return None
        self._told[name] = (state.now_ms, sides)
        pairs = tuple(zip(before, sides, strict=True))
        gone = [[place for place, px in enumerate(old) if px not in new] for old, new in pairs]
        new_levels = [
            [_level(coin, px, lots, ("p", "s")) for px, lots in new.items() if old.get(px) != lots]
            for old, new in pairs
        ]
        return {"c": packed({"c": name, "t": state.now_ms, "l": new_levels, "r": gone})}


def _sides(coin: CoinState) -> tuple[Side, Side]:
    bids, asks = coin.market.levels(views_market.FULL_LEVELS)
    return {level.px_ticks: level.sz_lots for level in bids}, {level.px_ticks: level.sz_lots for level in asks}


def _level(coin: CoinState, px: int, lots: int, names: tuple[str, str]) -> dict[str, str]:
    texts = wire_text(px, coin.coin.px_decimals), wire_text(lots, coin.coin.sz_decimals)
    return dict(zip(names, texts, strict=True))


class FastContexts:
    """`fastAssetCtxs`: mark and mid of every coin, then those fields that changed."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, str | None]] = {}

    def first(self, state: VenueState, *, alone: bool) -> str:
        """What a new listener gets; the first one makes it the state of now."""
        if alone or not self._told:
            self._told = _prices(state)
        return packed(self._told)

    def change(self, state: VenueState) -> str | None:
        """What is new since the last frame; None when nothing is."""
        now, before = _prices(state), self._told
        new = {
            name: {field: px for field, px in prices.items() if field not in old or old[field] != px}
            for name, prices in now.items()
            if (old := before.get(name, {})) != prices
        }
        self._told = now
        return packed(new) if new else None


def _prices(state: VenueState) -> dict[str, dict[str, str | None]]:
    return {
        book.coin.coin: {
            "markPx": wire_text(book.mark_ticks, book.coin.px_decimals),
            "midPx": views_market.mid_text(book),
        }
        for book in state.books
    }
