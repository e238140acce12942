"""Frames of Binance's combined streams: `{"stream": name, "data": payload}`, or control payloads alone.

Tolerant where the venue may grow (unknown fields, unknown streams, numbers as text or as numbers), strict where money
hangs on it: a price, size or time that is missing, not finite, not positive, or a crossed book makes the frame
malformed.
"""

from typing import Annotated, Final

import msgspec

from portfolio_mm.domain.errors import MalformedMessage

BOOK_TICKER: Final = "bookTicker"
DEPTH: Final = "depth20@100ms"
AGG_TRADE: Final = "aggTrade"
SHUTDOWN: Final = "serverShutdown"
"""The server ends soon; connect anew."""
Level = tuple[float, float]
_Ms = Annotated[int, msgspec.Meta(gt=0)]
_INFINITY: Final = float("inf")


class BookTicker(msgspec.Struct, frozen=True, gc=False):
    """`<symbol>@bookTicker`: the best prices and their sizes, in contracts of the symbol."""

    u: int
    s: str
    b: float
    B: float
    a: float
    A: float
    T: _Ms


class Depth(msgspec.Struct, frozen=True):
    """`<symbol>@depth20@100ms`: the best twenty levels of both sides; best first once parsed."""

    u: int
    s: str
    b: list[Level]
    a: list[Level]
    T: _Ms


class AggTrade(msgspec.Struct, frozen=True, gc=False):
    """`<symbol>@aggTrade`: trades of one taker at one price; `m`: the buyer was the maker, so a seller took."""

    a: int
    s: str
    p: float
    q: float
    T: _Ms
    m: bool


Said = BookTicker | Depth | AggTrade


class _Kind(msgspec.Struct, frozen=True):
    e: str = ""


class _Envelope(msgspec.Struct):
    stream: str = ""
    e: str = ""
    data: _Kind = _Kind()


class _TickerFrame(msgspec.Struct, gc=False):
    data: BookTicker


class _DepthFrame(msgspec.Struct):
    data: Depth


class _TradeFrame(msgspec.Struct, gc=False):
    data: AggTrade


_ENVELOPES: Final = msgspec.json.Decoder(_Envelope)
_TICKERS: Final = msgspec.json.Decoder(_TickerFrame, strict=False)
_DEPTHS: Final = msgspec.json.Decoder(_DepthFrame, strict=False)
_TRADES: Final = msgspec.json.Decoder(_TradeFrame, strict=False)
_PREFIX: Final = b'{"stream":"'


def stream_of(raw: bytes) -> str:
    """Name of the stream of a frame; `SHUTDOWN` for that event, "" for answers to requests.

    Raises:
        MalformedMessage: not a JSON object.
    """
    if raw.startswith(_PREFIX):
        name = raw[len(_PREFIX) : raw.find(b'"', len(_PREFIX))]
        if name and b"@" in name:
            return name.decode("ascii", "replace")
    try:
        found = _ENVELOPES.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"reference: frame without a stream ({error}): {raw[:80]!r}"
        raise MalformedMessage(msg) from error
    return SHUTDOWN if SHUTDOWN in {found.e, found.data.e} else found.stream


def parse(raw: bytes) -> Said | None:
    """What a frame says; None for streams and answers that are not ours.

    Raises:
        MalformedMessage: a number in it is missing or impossible.
    """
    kind = stream_of(raw).partition("@")[2]
    try:
        if kind == BOOK_TICKER:
            ticker = _TICKERS.decode(raw).data
            _check([(ticker.b, ticker.B)], [(ticker.a, ticker.A)])
            return ticker
        if kind == DEPTH:
            depth = _DEPTHS.decode(raw).data
            depth.b.sort(reverse=True)  # the documented example has the worst bid first
            depth.a.sort()
            _check(depth.b, depth.a)
            return depth
        if kind == AGG_TRADE:
            trade = _TRADES.decode(raw).data
            _check([(trade.p, trade.q)], [])
            return trade
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        msg = f"reference {kind}: {error}: {raw[:160]!r}"
        raise MalformedMessage(msg) from error
    return None


def _check(bids: list[Level], asks: list[Level]) -> None:
    """Positive and finite, not crossed."""
    for px, sz in (*bids, *asks):
        if not (0.0 < px < _INFINITY and 0.0 < sz < _INFINITY):
            msg = f"level {px} x {sz} must be positive and finite"
            raise ValueError(msg)
    if bids and asks and bids[0][0] >= asks[0][0]:
        msg = f"crossed: bid {bids[0][0]}, ask {asks[0][0]}"
        raise ValueError(msg)
