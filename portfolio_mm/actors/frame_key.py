"""What a public frame is about: channel, coin and book speed. The rest of the frame is never read here."""

from typing import Any, Final, NamedTuple

import msgspec

SNAPSHOT_CHANNELS: Final = frozenset({"bbo", "l2Book", "activeAssetCtx", "bookTicker", "depth20@100ms"})
"""Channels whose every frame replaces the one before it; `trades` frames all count (HL §4.2).

The last two are the reference venue's.
"""


GREETING: Final = b"Websocket connection established."
"""First words of the venue, no JSON (HL §4.1)."""


class FrameKey(NamedTuple):
    """A stream: one channel of one coin; `fast` tells the two books apart (HL §4.5)."""

    channel: str
    coin: str
    fast: bool = False


class _About(msgspec.Struct):
    coin: str = ""
    fast: bool = False


class _Frame(msgspec.Struct):
    channel: str
    data: list[_About] | _About | str | None = None


class _Subscription(msgspec.Struct):
    type: str
    coin: str = ""
    fast: bool = False


class Request(msgspec.Struct):
    """What a subscriber sends: subscribe, unsubscribe or ping."""

    method: str
    subscription: _Subscription | None = None


_frames = msgspec.json.Decoder(_Frame)
_requests = msgspec.json.Decoder(Request)


def key_of(frame: bytes) -> FrameKey | None:
    """The stream a frame belongs to; None for frames that are not market data (pong, acknowledgements).

    Raises:
        msgspec.DecodeError: not a frame at all.
    """
    if frame == GREETING:
        return None
    found = _frames.decode(frame)
    data = found.data[0] if isinstance(found.data, list) and found.data else found.data
    if not isinstance(data, _About) or not data.coin:
        return None
    return FrameKey(found.channel, data.coin, data.fast)


def request_of(frame: str | bytes) -> Request:
    """A subscriber's request.

    Raises:
        msgspec.DecodeError: not a request.
    """
    return _requests.decode(frame)


def subscription_key(subscription: _Subscription) -> FrameKey:
    """The stream a subscription names."""
    return FrameKey(subscription.type, subscription.coin, subscription.fast)


def subscription_of(key: FrameKey) -> dict[str, Any]:
    """Wire form of a subscription."""
    wire: dict[str, Any] = {"type": key.channel, "coin": key.coin}
    return wire | {"fast": True} if key.fast else wire
