"""What a websocket client may subscribe to, and how the venue repeats it back (HL §4.1, §4.2)."""

import re
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from portfolio_mm.venue.candles import INTERVALS
from portfolio_mm.venue.dexes import FIRST
from portfolio_mm.venue.listing import SPOT_META

ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
SPOT_NAMES: Final = frozenset(pair["name"] for pair in SPOT_META["universe"])
FINEST: Final = 5
"""Significant figures that may go with a mantissa (HL §1.5)."""
COIN: Final = ("coin",)
USER: Final = ("user",)
PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "allMids": (),
    "bbo": COIN,
    "trades": COIN,
    "l2Book": COIN,
    "l2": ("c",),
    "candle": ("interval", "coin"),
    "activeAssetCtx": COIN,
    "fastAssetCtxs": (),
    "allDexsAssetCtxs": (),
    "assetCtxs": (),
    "spotAssetCtxs": (),
    "outcomeMetaUpdates": (),
    "activeAssetData": ("user", "coin"),
    "orderUpdates": USER,
    "userEvents": USER,
    "userFills": USER,
    "userFundings": USER,
    "userNonFundingLedgerUpdates": USER,
    "userHistoricalOrders": USER,
    "userTwapHistory": USER,
    "userTwapSliceFills": USER,
    "twapStates": USER,
    "openOrders": USER,
    "clearinghouseState": USER,
    "allDexsClearinghouseState": USER,
    "spotState": USER,
    "webData3": USER,
    "notification": USER,
}
"""Every subscription served and what it must name, in the order of the echo; `webData2` was retired in August 2026."""
OF_DEX: Final = frozenset({"openOrders", "clearinghouseState", "twapStates", "assetCtxs"})
"""Repeated with their dex, the first one when none was named: the TypeScript SDK waits for an echo that has it."""
MAY_HAVE_DEX: Final = OF_DEX | {"allMids"}
FIRST_DEX: Final = frozenset({FIRST})


class Topic(NamedTuple):
    """One stream: its kind, its coin or user (lower case), and the parameters some kinds have."""

    kind: str
    coin: str = ""
    user: str = ""
    fast: bool = False
    n_sig_figs: int | None = None
    mantissa: int | None = None
    interval: str = ""
    aggregate: bool = False
    dex: str = FIRST

    def echo(self) -> dict[str, Any]:
        """The subscription with the venue's defaults filled in and unknown keys gone."""
        values = {"coin": self.coin, "c": self.coin, "user": self.user, "interval": self.interval}
        shown: dict[str, Any] = {"type": self.kind, **{name: values[name] for name in PARAMETERS[self.kind]}}
        if self.kind == "l2Book":
            shown |= {"nSigFigs": self.n_sig_figs, "mantissa": self.mantissa}
        if self.fast:
            shown["fast"] = True
        if self.kind in OF_DEX or self.dex:
            shown["dex"] = self.dex
        if self.kind == "userFills":
            shown["aggregateByTime"] = self.aggregate
        return shown


def topic(subscription: Any, coins: frozenset[str], dexes: Collection[str] = FIRST_DEX) -> Topic | None:
    """Read a subscription; None when the venue would call it invalid. A dex counts for the kinds that have one."""
    if not isinstance(subscription, dict):
        return None
    dex = FIRST if subscription.get("dex") is None else subscription["dex"]
    if not isinstance(dex, str) or dex not in dexes:
        return None
    kind = subscription.get("type")
    if not isinstance(kind, str) or kind not in PARAMETERS:
        return None
    named = {name: subscription.get(name) for name in PARAMETERS[kind]}
    if not all(isinstance(value, str) and _is_known(kind, name, value, coins) for name, value in named.items()):
        return None
    coin, user, interval = (named.get(name) or "" for name in ("coin", "user", "interval"))
    found = Topic(
        kind, named.get("c") or coin, user.lower(), interval=interval, dex=dex if kind in MAY_HAVE_DEX else FIRST
    )
    if kind == "l2Book":
        return _book_topic(found, subscription)
    return _fills_topic(found, subscription) if kind == "userFills" else found


def _is_known(kind: str, name: str, value: str, coins: frozenset[str]) -> bool:
    if name == "user":
        return ADDRESS.fullmatch(value) is not None
    if name == "interval":
        return value in INTERVALS
    return value in coins or (kind == "activeAssetCtx" and value in SPOT_NAMES)


def _book_topic(plain: Topic, subscription: dict[str, Any]) -> Topic | None:
    figures, mantissa = subscription.get("nSigFigs"), subscription.get("mantissa")
    if any(type(number) not in (int, type(None)) for number in (figures, mantissa)):
        return None
    if figures not in (None, 2, 3, 4, 5) or mantissa not in ((None, 1, 2, 5) if figures == FINEST else (None,)):
        return None
    return plain._replace(fast=subscription.get("fast") is True, n_sig_figs=figures, mantissa=mantissa)


def _fills_topic(plain: Topic, subscription: dict[str, Any]) -> Topic | None:
    aggregate = subscription.get("aggregateByTime")
    return plain._replace(aggregate=aggregate is True) if aggregate in (None, True, False) else None
