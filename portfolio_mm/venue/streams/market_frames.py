"""What the public channels show in full: books at every precision, mids, contexts (HL §4.2, §4.5)."""

from collections.abc import Callable
from typing import Any, Final

from portfolio_mm.venue.info import views_market
from portfolio_mm.venue.listing import SPOT_META
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.streams.subscriptions import SPOT_NAMES, Topic


def book(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`l2Book`."""
    coin = state.by_coin[topic.coin]
    depth = views_market.FAST_LEVELS if topic.fast else views_market.FULL_LEVELS
    if topic.n_sig_figs is not None:
        shown = views_market.coarse_book(state, coin, topic.n_sig_figs, topic.mantissa or 1, depth)
    else:
        shown = views_market.book(state, coin, depth)
    return {**shown, "fast": True} if topic.fast else shown


def mids(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`allMids`; a frame of another dex than the first names it."""
    shown = {"mids": views_market.all_mids(state, state.listing.by_dex[topic.dex])}
    return {"dex": topic.dex, **shown} if topic.dex else shown


def all_contexts(state: VenueState, _topic: Topic) -> dict[str, Any]:
    """`allDexsAssetCtxs`."""
    return {"ctxs": [[dex.name, views_market.contexts(state, dex)] for dex in state.listing.dexes]}


def dex_contexts(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`assetCtxs`."""
    return {"dex": topic.dex, "ctxs": views_market.contexts(state, state.listing.by_dex[topic.dex])}


def spot_contexts(_state: VenueState, _topic: Topic) -> list[dict[str, Any]]:
    """`spotAssetCtxs`."""
    return [views_market.spot_context(pair["name"]) for pair in SPOT_META["universe"]]


def context(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`activeAssetCtx`, of a spot pair too."""
    if topic.coin in SPOT_NAMES:
        return {"coin": topic.coin, "ctx": views_market.spot_context(topic.coin)}
    return {"coin": topic.coin, "ctx": views_market.context(state.by_coin[topic.coin])}


STATES: Final[dict[str, Callable[[VenueState, Topic], Any]]] = {
    "l2Book": book,
    "allMids": mids,
    "allDexsAssetCtxs": all_contexts,
    "assetCtxs": dex_contexts,
    "spotAssetCtxs": spot_contexts,
    "activeAssetCtx": context,
}
"""Channels that show the whole state in every frame."""
