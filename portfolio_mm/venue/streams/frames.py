"""Frames of the websocket channels: on subscribing, and after each block (HL §4.2-§4.5)."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from portfolio_mm.venue.info import views_market
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.streams import market_frames, user_frames
from portfolio_mm.venue.streams.deltas import BookDeltas, FastContexts
from portfolio_mm.venue.streams.disorder import Disorder, Frames
from portfolio_mm.venue.streams.subscriptions import SPOT_NAMES, Topic

BOOK_MS: Final = {"2026-05": 500, "2026-06": 2_000, "2026-07": 5_000}
"""How slow the venue made the full book, by month (HL §4.5)."""
FAST_MS: Final = 500
MIDS_MS: Final = 2_000
STATE_MS: Final = 5_000
LOOK_MS: Final = 1_000
"""How often a channel that tells changes of a whole state looks for one: our choice."""
PERIOD_MS: Final = {
    "allMids": MIDS_MS,
    "openOrders": STATE_MS,
    "clearinghouseState": STATE_MS,
    "twapStates": STATE_MS,
    "allDexsClearinghouseState": STATE_MS,
    "webData3": STATE_MS,
    "activeAssetData": LOOK_MS,
    "spotState": LOOK_MS,
    "allDexsAssetCtxs": LOOK_MS,
    "assetCtxs": LOOK_MS,
    "spotAssetCtxs": LOOK_MS,
    "l2": FAST_MS,
}
ON_CHANGE: Final = frozenset({"activeAssetData", "spotState", "allDexsAssetCtxs", "assetCtxs", "spotAssetCtxs"})
ON_EVENT: Final = frozenset({"activeAssetData", "spotState", "openOrders"})
"""Also told in the block that did something to their user."""
MARKET_EVENTS: Final = frozenset({"bbo", "trades", "candle", "activeAssetCtx", "fastAssetCtxs"})
OF_THE_MARKET: Final = MARKET_EVENTS | {"l2Book", "l2", "allMids", "assetCtxs", "allDexsAssetCtxs"}
"""Channels that fall silent while a flow has lost sight of its market."""
QUIET: Final = frozenset({"notification", "outcomeMetaUpdates"})
"""Acknowledged, and nothing more: what the venue notifies of is not documented, and outcomes do not exist here."""
STATES: Final = market_frames.STATES | user_frames.STATES
CHANNEL: Final = {"userEvents": "user"}
SPOT_CONTEXT: Final = "activeSpotAssetCtx"


def frame(kind: str, data: Any) -> bytes:
    """One server frame."""
    return msgspec.json.encode({"channel": CHANNEL.get(kind, kind), "data": data})


def _whole(state: VenueState, topic: Topic) -> bytes:
    kind = SPOT_CONTEXT if topic.kind == "activeAssetCtx" and topic.coin in SPOT_NAMES else topic.kind
    return frame(kind, STATES[topic.kind](state, topic))


def _is_dark(state: VenueState, coin: str) -> bool:
    return state.by_coin[coin].dark if coin in state.by_coin else all(book.dark for book in state.books)


class BlockFrames:
    """Frames of one block after another; remembers what was last told of each book and each periodic topic."""

    def __init__(self, state: VenueState) -> None:
        self.disorder = Disorder(state.settings.seed)
        self._best = {coin: book.market.bbo() for coin, book in state.by_coin.items()}
        self._pushed_ms: dict[Topic, int] = {}
        self._told: dict[Topic, bytes] = {}
        self._books = BookDeltas()
        self._fast = FastContexts()
        self._book_ms = BOOK_MS[state.settings.feed]

    def period_ms(self, topic: Topic) -> int | None:
        """How often a topic is pushed, or looked at for a change; None when only on events."""
        if topic.kind == "l2Book":
            return FAST_MS if topic.fast else self._book_ms
        return PERIOD_MS.get(topic.kind)

    def first(self, state: VenueState, topic: Topic, *, alone: bool) -> list[bytes]:
        """What a new subscriber gets at once: nothing on `bbo`, `candle`, `orderUpdates` and `userEvents`.

        The first one sets the rhythm for the others.
        """
        if alone:
            self._pushed_ms[topic] = state.now_ms
        if topic.kind == "trades":
            recent = list(state.by_coin[topic.coin].trades)
            return [frame("trades", recent)] if recent else []
        if topic.kind == "l2":
            return [frame("l2", self._books.first(state, state.by_coin[topic.coin], alone=alone))]
        if topic.kind == "fastAssetCtxs":
            return [frame(topic.kind, self._fast.first(state, alone=alone))]
        if topic.kind in user_frames.SNAPSHOT_FIELD:
            message = frame(topic.kind, user_frames.snapshot(state, topic))
            again = self._of_topic(state, topic, set()) if self.disorder.repeats() else []
            return [message, *again]
        if topic.kind not in STATES:
            return []
        message = _whole(state, topic)
        if alone:
            self._told[topic] = message
        return [message]

    def forget(self, topic: Topic) -> None:
        """Nobody listens any more."""
        self._pushed_ms.pop(topic, None)
        self._told.pop(topic, None)

    def after_block(self, state: VenueState, topics: Iterable[Topic]) -> Frames:
        """Frames for the topics somebody listens to. The order between channels is not defined: it is shuffled."""
        changed = self._changed_books(state)
        heard = (topic for topic in topics if not (topic.kind in OF_THE_MARKET and _is_dark(state, topic.coin)))
        frames = [(topic, message) for topic in heard for message in self._of_topic(state, topic, changed)]
        return self.disorder.mixed(frames)

    def _changed_books(self, state: VenueState) -> set[str]:
        changed = set()
        for coin in state.outbox.books:
            best = state.by_coin[coin].market.bbo()
            if self._best[coin] != best:
                self._best[coin] = best
                changed.add(coin)
        return changed

    def _of_topic(self, state: VenueState, topic: Topic, changed: set[str]) -> list[bytes]:
        if topic.kind in MARKET_EVENTS:
            told = self._market_event(state, topic, changed)
            return [frame(topic.kind, told)] if told else []
        if topic.kind in PERIOD_MS or topic.kind == "l2Book":
            return self._periodic(state, topic)
        return [] if topic.kind in QUIET else [frame(topic.kind, told) for told in user_frames.events(state, topic)]

    def _market_event(self, state: VenueState, topic: Topic, changed: set[str]) -> Any:
        """What a block did to a coin, or to all of them; nothing when it did not."""
        told: Any = None
        kind, coin = topic.kind, topic.coin
        if kind == "bbo" and coin in changed:
            told = views_market.bbo(state, state.by_coin[coin])
        elif kind == "trades":
            told = state.outbox.trades.get(coin)
        elif kind == "candle" and coin in state.outbox.trades:
            told = state.by_coin[coin].candles.forming(topic.interval, state.now_ms)
        elif kind == "activeAssetCtx" and coin in state.outbox.contexts:
            told = market_frames.context(state, topic)
        elif kind == "fastAssetCtxs":
            told = self._fast.change(state)
        return told

    def _periodic(self, state: VenueState, topic: Topic) -> list[bytes]:
        every = self.period_ms(topic)
        assert every is not None, topic
        due = state.now_ms - self._pushed_ms.get(topic, -every) >= every
        if not due and not (topic.kind in ON_EVENT and user_frames.is_touched(state, topic.user)):
            return []
        if due:
            self._pushed_ms[topic] = state.now_ms
        if topic.kind == "l2":
            change = self._books.change(state, state.by_coin[topic.coin])
            return [] if change is None else [frame("l2", change)]
        message = _whole(state, topic)
        if topic.kind in ON_CHANGE:
            if self._told.get(topic) == message:
                return []
            self._told[topic] = message
        return [message]
