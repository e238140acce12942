"""Frames of the public market feed to EVENT records (HL §4.3); own account's frames are in user.py.

Tolerant where the venue may grow (unknown fields, unknown channels, numbers as text or as numbers), strict where money
hangs on it: a price, size, side or time that is missing, not finite or negative makes the frame malformed.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import BOOK_LEVELS, LAST, EventKind
from portfolio_mm.domain.instrument import POWERS, Instrument
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.event_layout import NO_LEVELS, SIZE, EventArray, pack_event
from portfolio_mm.hyperliquid.user import parse_user

__all__ = ["MAX_EVENTS", "MarketParser", "channel_of", "parse_user"]

MAX_EVENTS: Final = 1024
"""Room a caller should give `MarketParser.parse`: more trades than fit make the frame malformed."""
INFINITY: Final = float("inf")
NAN: Final = float("nan")
"""A null of the venue: what a part makes of it is the part's business."""
_KIND_BBO: Final = int(EventKind.BBO)
_KIND_BOOK: Final = int(EventKind.BOOK)
_KIND_TRADE: Final = int(EventKind.TRADE)
_KIND_CONTEXT: Final = int(EventKind.CONTEXT)


_Ms = Annotated[int, msgspec.Meta(gt=0)]


class _Level(msgspec.Struct, gc=False):
    px: float
    sz: float


class _Bbo(msgspec.Struct, gc=False):
    coin: str
    time: _Ms
    bbo: tuple[_Level | None, ...]


class _Book(msgspec.Struct, gc=False):
    coin: str
    time: _Ms
    levels: tuple[list[_Level], list[_Level]]


class _Trade(msgspec.Struct, gc=False):
    coin: str
    side: str
    px: float
    sz: float
    time: _Ms
    tid: int = 0


class _Ctx(msgspec.Struct, gc=False, rename="camel"):
    mark_px: float
    oracle_px: float
    funding: float | None
    open_interest: float | None


class _Context(msgspec.Struct, gc=False):
    coin: str
    ctx: _Ctx


class _BboFrame(msgspec.Struct, gc=False):
    data: _Bbo


class _BookFrame(msgspec.Struct, gc=False):
    data: _Book


class _TradesFrame(msgspec.Struct, gc=False):
    data: list[_Trade]


class _ContextFrame(msgspec.Struct, gc=False):
    data: _Context


class _Envelope(msgspec.Struct, gc=False):
    channel: str


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_BBO: Final = msgspec.json.Decoder(_BboFrame, strict=False)
_BOOK: Final = msgspec.json.Decoder(_BookFrame, strict=False)
_TRADES: Final = msgspec.json.Decoder(_TradesFrame, strict=False)
_CONTEXT: Final = msgspec.json.Decoder(_ContextFrame, strict=False)
_PREFIX: Final = b'{"channel":"'
_GREETING: Final = b"Websocket connection established."
_SIDES: Final = {"B": BUY, "A": SELL}


def channel_of(raw: bytes) -> str:
    """Name of the frame's channel; "" for the venue's plain-text greeting (HL §4.1).

    Raises:
        MalformedMessage: neither JSON with a channel nor the greeting.
    """
    if raw.startswith(_PREFIX):
        end = raw.find(b'"', 12)
        return raw[12:end].decode("ascii", "replace")
    if raw.startswith(_GREETING):
        return ""
    try:
        return _ENVELOPE.decode(raw).channel
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"frame without a channel ({error}): {raw[:80]!r}"
        raise MalformedMessage(msg) from error


class MarketParser:
    """Turns frames into events of the coins it knows; frames of other coins and channels give none."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._coins: dict[str, tuple[int, int]] = {i.coin: (i.index, POWERS[i.px_decimals]) for i in instruments}
        self._readers: dict[str, Callable[[bytes, int, EventArray], int]] = {
            "bbo": self._bbo,
            "l2Book": self._book,
            "trades": self._trades,
            "activeAssetCtx": self._context,
        }

    def parse(self, raw: bytes, recv_ns: int, out: EventArray) -> int:
        """Write the frame's events to `out[0:n]` and return n.

        Args:
            raw: one websocket frame.
            recv_ns: monotonic receive time, copied to every event.
            out: C-contiguous array of EVENT, best with room for MAX_EVENTS.

        Raises:
            MalformedMessage: channel and reason; `out` may hold part of the frame.
        """
        channel = channel_of(raw)
        reader = self._readers.get(channel)
        if reader is None:
            return 0
        try:
            return reader(raw, recv_ns, out)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, OverflowError, struct.error) as error:
            msg = f"{channel}: {error}: {raw[:160]!r}"
            raise MalformedMessage(msg) from error

    def _bbo(self, raw: bytes, recv_ns: int, out: EventArray) -> int:
        data = _BBO.decode(raw).data
        known = self._coins.get(data.coin)
        if known is None:
            return 0
        sides = data.bbo
        bids = [level for level in sides[:1] if level is not None]
        asks = [level for level in sides[1:2] if level is not None]
        return _write_book(out, (_KIND_BBO, known[0], data.time, recv_ns), known[1], bids, asks)

    def _book(self, raw: bytes, recv_ns: int, out: EventArray) -> int:
        data = _BOOK.decode(raw).data
        known = self._coins.get(data.coin)
        if known is None:
            return 0
        bids, asks = data.levels
        return _write_book(out, (_KIND_BOOK, known[0], data.time, recv_ns), known[1], bids, asks)

    def _trades(self, raw: bytes, recv_ns: int, out: EventArray) -> int:
        trades = _TRADES.decode(raw).data
        count = 0
        for trade in trades:
            known = self._coins.get(trade.coin)
            if known is None:
                continue
            if count >= len(out):
                msg = f"{len(trades)} trades, room for {len(out)}"
                raise ValueError(msg)
            _write_trade(count * SIZE, known[0], recv_ns, trade, out)
            count += 1
        if count:
            out["bits"][count - 1] = LAST
        return count

    def _context(self, raw: bytes, recv_ns: int, out: EventArray) -> int:
        data = _CONTEXT.decode(raw).data
        known = self._coins.get(data.coin)
        if known is None:
            return 0
        index, power = known
        ctx = data.ctx
        mark, oracle = _positive(ctx.mark_px, "markPx"), _positive(ctx.oracle_px, "oraclePx")
        rate = NAN if ctx.funding is None else ctx.funding
        interest = NAN if ctx.open_interest is None else ctx.open_interest
        sane = ctx.funding is None or -1.0 < rate < 1.0
        if not (sane and (ctx.open_interest is None or 0.0 <= interest < INFINITY)):
            msg = f"funding {ctx.funding} or openInterest {ctx.open_interest} out of range"
            raise ValueError(msg)
        # fmt: off
        pack_event(
            out, 0, _KIND_CONTEXT, index, 0, 0, 0, LAST, 0, 0, recv_ns, 0, 0, 0, 0,
            round(mark * power), 0, 0, 0, 0, mark, rate, oracle, interest, *NO_LEVELS,
        )
        # fmt: on
        return 1


def _positive(value: float, name: str) -> float:
    """Pass a positive finite number through."""
    if 0.0 < value < INFINITY:
        return value
    msg = f"{name} is {value}, must be positive and finite"
    raise ValueError(msg)


def _side(levels: list[_Level], what: str) -> tuple[list[float], list[float]]:
    """Prices and sizes of the first BOOK_LEVELS levels, zero-filled; best price first is the venue's order."""
    prices, sizes = [0.0] * BOOK_LEVELS, [0.0] * BOOK_LEVELS
    for at, level in enumerate(levels[:BOOK_LEVELS]):
        prices[at], sizes[at] = level.px, level.sz
        if not (0.0 < level.px < INFINITY and 0.0 <= level.sz < INFINITY):
            msg = f"{what} level {at} is {level.px} x {level.sz}"
            raise ValueError(msg)
    return prices, sizes


def _write_book(
    out: EventArray, head: tuple[int, int, int, int], power: int, bids: list[_Level], asks: list[_Level]
) -> int:
    """Write one BBO or BOOK event at index 0; `head` is kind, coin index, block time, receive time."""
    kind, index, venue_ms, recv_ns = head
    bid_px, bid_sz = _side(bids, "bid")
    ask_px, ask_sz = _side(asks, "ask")
    # fmt: off
    pack_event(
        out, 0, kind, index, 0, 0, 0, LAST, 0, venue_ms, recv_ns, 0, 0, 0, 0, 0, 0, 0,
        round(bid_px[0] * power), round(ask_px[0] * power), 0.0, 0.0, 0.0, 0.0, *bid_px, *bid_sz, *ask_px, *ask_sz,
    )
    # fmt: on
    return 1


def _write_trade(at: int, index: int, recv_ns: int, trade: _Trade, out: EventArray) -> None:
    """Write one TRADE event at byte offset `at`."""
    side = _SIDES.get(trade.side)
    if side is None:
        msg = f"trade side {trade.side!r} is neither B nor A"
        raise ValueError(msg)
    px, sz = _positive(trade.px, "px"), _positive(trade.sz, "sz")
    # fmt: off
    pack_event(
        out, at, _KIND_TRADE, index, side, 0, 0, 0, 0, trade.time, recv_ns, 0, trade.tid, 0, 0, 0, 0, 0, 0, 0,
        px, sz, 0.0, 0.0, *NO_LEVELS,
    )
    # fmt: on
