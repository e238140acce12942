"""Frames on a stream: u32 length (little endian, of kind and payload), u8 kind, payload.

Kind 1 is one message (msgpack), 2 are COMMAND records, 3 are EVENT records. Anything else, a length over
`MAX_FRAME_BYTES` or records of another size break the protocol, and the connection ends.
"""

import struct
from enum import IntEnum
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from portfolio_mm.actors.messages import Message
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.domain.events import EVENT

MAX_FRAME_BYTES: Final = 4 << 20
HEADER: Final = struct.Struct("<IB")


class FrameKind(IntEnum):
    """What the payload of a frame is."""

    MESSAGE = 1
    COMMANDS = 2
    EVENTS = 3


class Records(NamedTuple):
    """A frame of flat records: `kind` is COMMANDS or EVENTS; `rows` is read-only and owns its memory."""

    kind: FrameKind
    rows: "np.ndarray[Any, np.dtype[Any]]"


Frame = Message | Records

_DTYPES: Final = {FrameKind.COMMANDS: COMMAND, FrameKind.EVENTS: EVENT}
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Message)


def message_bytes(message: Message) -> bytes:
    """One whole frame of a message."""
    body = _ENCODER.encode(message)
    return HEADER.pack(len(body) + 1, FrameKind.MESSAGE) + body


def record_bytes(kind: FrameKind, rows: "np.ndarray[Any, np.dtype[Any]]") -> bytes:
    """One whole frame of records.

    Raises:
        ProtocolError: the rows are not of the record type this kind promises.
    """
    if rows.dtype != _DTYPES.get(kind):
        msg = f"frame kind {kind!r} cannot carry {rows.dtype}"
        raise ProtocolError(msg)
    body = rows.tobytes()
    return HEADER.pack(len(body) + 1, kind) + body


def payload_size(length: int) -> int:
    """Bytes of payload after a header that says `length`.

    Raises:
        ProtocolError: no kind byte, or more than a frame may hold.
    """
    if not 1 <= length <= MAX_FRAME_BYTES:
        msg = f"frame of {length} bytes; allowed are 1 to {MAX_FRAME_BYTES}"
        raise ProtocolError(msg)
    return length - 1


def decode(kind: int, body: bytes) -> Frame:
    """What a frame says.

    Raises:
        ProtocolError: unknown kind, not a known message, or half a record.
    """
    if kind == FrameKind.MESSAGE:
        try:
            message: Message = _DECODER.decode(body)
        except msgspec.MsgspecError as error:
            msg = f"message frame of {len(body)} bytes: {error}"
            raise ProtocolError(msg) from error
        return message
    dtype = next((of for known, of in _DTYPES.items() if known == kind), None)
    if dtype is None or len(body) % dtype.itemsize:
        msg = f"frame of kind {kind} and {len(body)} bytes is no whole number of known records"
        raise ProtocolError(msg)
    return Records(FrameKind(kind), np.frombuffer(body, dtype))
