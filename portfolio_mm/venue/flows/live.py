"""Live flow: the public feed of a Hyperliquid socket drives queue-model markets (paper).

Frames are kept for a moment (`SETTLE_MS`) and played in block order, trades before the books that show their result,
as a recording is. A trade that comes later still is printed but moves no queue: the book it made was taken for
cancels. What is older than what was played, or was heard before, is left out; so is the history the venue sends on
subscribing. A coin of which nothing was heard for a while is dark.

An order of ours arrives at the upstream time of that moment, as far as the fastest frame tells it: trades that
happened before, and are heard only now, move its queue but do not fill it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY, SELL, SIDES
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.market import Advance, Market, NewOrder, Placement, Print
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_state import SNAPSHOT_LEVELS
from portfolio_mm.matching.queue_tape import TAPE_EVENT, TapeKind
from portfolio_mm.venue.flows.feed import BESTS, BOOKS, CONTEXTS, TRADES, FeedBook, FeedFrame, FeedLevel, FeedTrade
from portfolio_mm.venue.flows.flow import Block, CoinBlock, CoinContext
from portfolio_mm.venue.flows.rows import HISTORY_MS

Array = np.ndarray[Any, Any]
SETTLE_MS: Final = 50
"""Frames of one block come within a few ms of each other, in any order (HL §4.4)."""
STALE_MS: Final = 3_000
"""A live coin has a book every 0.5 s (HL §4.5)."""
KEPT_TIDS: Final = 4_096
NO_EVENTS: Final = np.zeros(0, TAPE_EVENT)
NO_BOOKS: Final = np.zeros((0, 2, SNAPSHOT_LEVELS, 3), np.int64)
Row = tuple[tuple[int, ...], Array | None]


class PaperMarket(QueueMarket):
    """A queue market whose orders arrive at the time of its upstream."""

    def __init__(self, fills: FillModel, upstream_ms: Callable[[], int]) -> None:
        super().__init__(NO_EVENTS, NO_BOOKS, fills)
        self._upstream_ms = upstream_ms

    def place(self, order: NewOrder) -> Placement:
        """Match and rest one order; see `Market.place`."""
        self.enter_at(self._upstream_ms())
        return super().place(order)


class LiveCoin:
    """What was heard of one coin and not played yet."""

    def __init__(self, row: Instrument, market: PaperMarket, context: CoinContext, day_volume_usd: float) -> None:
        self.row = row
        self.market = market
        self.context = context
        self.day_volume_usd = day_volume_usd
        self.heard_ms: int | None = None
        self.dark = False
        self.news: CoinContext | None = None
        self._waiting: list[tuple[int, Row]] = []
        self._late: list[Print] = []
        self._played_ms = self._opened_ms = 0
        self._hears_history = True
        self._full: tuple[list[FeedLevel], ...] = ([], [])
        self._tids: deque[int] = deque(maxlen=KEPT_TIDS)

    def reopen(self) -> None:
        """A new connection: until its first book, trades are history."""
        self._hears_history = True

    def add_book(self, now_ms: int, book: FeedBook) -> None:
        """A book of five levels stands before what was last seen behind them."""
        if book.time < self._played_ms:
            return
        if self._hears_history:
            self._hears_history, self._opened_ms = False, book.time
        self._full = tuple(
            _behind(sign, levels, old) for sign, levels, old in zip((1, -1), book.levels, self._full, strict=True)
        )
        rows = np.zeros((2, SNAPSHOT_LEVELS, 3), np.int64)
        for side in SIDES:
            for at, level in enumerate(self._full[side]):
                rows[side, at] = (self.row.ticks(level.px), self.row.lots(level.sz), level.n)
        self._wait(now_ms, (book.time, TapeKind.BOOK, 0, 0, 0, 0, 0, 0, 0, 0), rows)

    def add_best(self, now_ms: int, ms: int, bbo: tuple[FeedLevel | None, FeedLevel | None]) -> None:
        """Best prices."""
        if ms < self._played_ms or self._hears_history:
            return
        (bid, bid_lots, bids), (ask, ask_lots, asks) = (self._on_grid(level) for level in bbo)
        self._wait(now_ms, (ms, TapeKind.BBO, 0, bid, bid_lots, ask, ask_lots, 0, bids, asks))

    def add_trade(self, now_ms: int, trade: FeedTrade) -> None:
        """A trade, unless it was heard before or is history."""
        if self._hears_history or trade.time < max(self._opened_ms, self._played_ms - HISTORY_MS):
            return
        if trade.tid in self._tids:
            return
        self._tids.append(trade.tid)
        side = BUY if trade.side == "B" else SELL
        px, lots = self.row.ticks(trade.px), self.row.lots(trade.sz)
        if trade.time < self._played_ms:
            self._late.append(Print(px, lots, side))
            return
        self._wait(now_ms, (trade.time, TapeKind.TRADE, side, px, lots, 0, 0, 0, 0, 0))

    def is_due(self, now_ms: int) -> bool:
        """Whether something can be played or told."""
        settled = bool(self._waiting) and self._waiting[0][0] <= now_ms - SETTLE_MS
        return settled or bool(self._late) or self.news is not None or self.dark != self.is_silent(now_ms)

    def is_silent(self, now_ms: int) -> bool:
        """Whether nothing was heard for too long."""
        return self.heard_ms is None or now_ms - self.heard_ms > STALE_MS

    def play_now(self) -> None:
        """Play what was heard without waiting for more of its block: the first book."""
        self._run(len(self._waiting))

    def play(self, now_ms: int) -> CoinBlock:
        """Play what has settled by now."""
        self.dark = self.is_silent(now_ms)
        late, self._late = self._late, []
        moved = self._run(sum(came_ms <= now_ms - SETTLE_MS for came_ms, _ in self._waiting))
        if self.news is not None:
            self.context = self.news
        news, self.news = self.news, None
        return CoinBlock(
            self.row.coin,
            moved.fills,
            (*moved.prints, *late),
            moved.bbo_changed,
            moved.book_changed,
            moved.snapshot,
            news,
            self.dark,
        )

    def _run(self, settled: int) -> Advance:
        rows = sorted((row for _, row in self._waiting[:settled]), key=lambda row: row[0][:2])
        del self._waiting[:settled]
        if not rows:
            return Advance()
        books = [book for _, book in rows if book is not None]
        events = np.array([row for row, _ in rows], TAPE_EVENT)
        events["row"] = np.cumsum(events["kind"] == TapeKind.BOOK) - 1
        self.market.play(events, np.array(books) if books else NO_BOOKS, 0)
        self._played_ms = max(self._played_ms, rows[-1][0][0])
        return self.market.advance(self._played_ms)

    def _wait(self, now_ms: int, event: tuple[int, ...], book: Array | None = None) -> None:
        self._waiting.append((now_ms, (event, book)))

    def _on_grid(self, level: FeedLevel | None) -> tuple[int, int, int]:
        return (self.row.ticks(level.px), self.row.lots(level.sz), level.n) if level else (0, 0, 0)


def _behind(sign: int, levels: Sequence[FeedLevel], old: Sequence[FeedLevel]) -> list[FeedLevel]:
    """Levels heard now, and behind the deepest of them those known from a deeper book."""
    if not levels:
        return []
    deepest = levels[-1].px
    return [*levels, *(level for level in old if sign * (level.px - deepest) < 0.0)][:SNAPSHOT_LEVELS]


class LiveFlow:
    """A `Flow` over what an upstream sends.

    Args:
        coins: in universe order.
        clock_ms: a monotonic clock, ms.
    """

    def __init__(self, coins: Sequence[LiveCoin], clock_ms: Callable[[], int], upstream: "UpstreamTime") -> None:
        self._coins = {coin.row.coin: coin for coin in coins}
        self._clock_ms = clock_ms
        self._upstream = upstream
        self.start_ms = upstream.now_ms()
        self.connections = 0
        self.refused = 0
        """Frames that could not be read, or of coins nobody asked for."""

    def instruments(self) -> tuple[Instrument, ...]:
        """The coins in universe order."""
        return tuple(coin.row for coin in self._coins.values())

    def markets(self) -> dict[str, Market]:
        """The live market of every coin."""
        return {name: coin.market for name, coin in self._coins.items()}

    def context(self, coin: str) -> CoinContext:
        """The latest context of a coin, as heard."""
        return self._coins[coin].context

    def day_volume_usd(self, coin: str) -> float:
        """24 h notional volume at the start, as the upstream gave it."""
        return self._coins[coin].day_volume_usd

    @property
    def over(self) -> bool:
        """Never: a silent upstream may be heard again."""
        return False

    def next_ms(self) -> int | None:
        """The start when something can be played, which is due at any time; None until then."""
        now_ms = self._clock_ms()
        return self.start_ms if any(coin.is_due(now_ms) for coin in self._coins.values()) else None

    def advance(self, now_ms: int) -> Block:
        """Play what has been heard; see `Flow.advance`."""
        clock_ms = self._clock_ms()
        return Block(now_ms, tuple(coin.play(clock_ms) for coin in self._coins.values() if coin.is_due(clock_ms)))

    def reopen(self) -> None:
        """A new connection."""
        self.connections += 1
        for coin in self._coins.values():
            coin.reopen()

    def hear(self, frame: FeedFrame) -> None:
        """Take in one frame; what cannot be read is counted and left out."""
        try:
            self._hear(frame, self._clock_ms())
        except (msgspec.MsgspecError, OverflowError):
            self.refused += 1

    def _hear(self, frame: FeedFrame, now_ms: int) -> None:
        if frame.channel == "trades":
            for trade in TRADES.decode(frame.data):
                if (coin := self._heard(trade.coin, now_ms)) is not None:
                    self._upstream.saw(trade.time, now_ms)
                    coin.add_trade(now_ms, trade)
        elif frame.channel == "l2Book":
            book = BOOKS.decode(frame.data)
            if (coin := self._heard(book.coin, now_ms)) is not None:
                self._upstream.saw(book.time, now_ms)
                coin.add_book(now_ms, book)
        elif frame.channel == "bbo":
            best = BESTS.decode(frame.data)
            if (coin := self._heard(best.coin, now_ms)) is not None:
                self._upstream.saw(best.time, now_ms)
                coin.add_best(now_ms, best.time, best.bbo)
        elif frame.channel == "activeAssetCtx":
            told = CONTEXTS.decode(frame.data)
            if (coin := self._heard(told.coin, now_ms)) is not None:
                coin.news = told.ctx.context()

    def _heard(self, name: str, now_ms: int) -> LiveCoin | None:
        coin = self._coins.get(name)
        if coin is None:
            self.refused += 1
        else:
            coin.heard_ms = now_ms
        return coin


class UpstreamTime:
    """The upstream's clock as its frames tell it: late by the shortest way a frame took."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._ahead_ms: int | None = None

    def saw(self, block_ms: int, now_ms: int) -> None:
        """A frame of a block came."""
        ahead_ms = block_ms - now_ms
        self._ahead_ms = ahead_ms if self._ahead_ms is None else max(self._ahead_ms, ahead_ms)

    def now_ms(self) -> int:
        """Upstream time of this moment; 0 before any frame."""
        return 0 if self._ahead_ms is None else self._clock_ms() + self._ahead_ms
