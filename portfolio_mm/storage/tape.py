"""Recorded market feeds: one JSON line `{"recv_us": int, "msg": <frame>}` per frame, zstd-compressed or plain."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec
import zstandard

from portfolio_mm.domain.errors import ConfigurationError

_CHUNK: Final = 1 << 18


class _Line(msgspec.Struct):
    recv_us: int
    msg: msgspec.Raw


def read_tape(path: Path | str) -> Iterator[tuple[int, bytes]]:
    """Yield `(recv_us, frame)` in file order; the frame is the venue's JSON, byte for byte as recorded.

    Raises:
        ConfigurationError: the file is missing, not zstd, cut short, or a line is not a tape line; names path and line.
    """
    source = Path(path)
    decoder = msgspec.json.Decoder(_Line)
    number = 0
    try:
        with source.open("rb") as file:
            chunks = _unpacked(file) if source.suffix == ".zst" else iter(lambda: file.read(_CHUNK), b"")
            for number, line in enumerate(_lines(chunks), start=1):  # noqa: B007 - the errors below name the line
                if line.strip():
                    entry = decoder.decode(line)
                    yield entry.recv_us, bytes(entry.msg)
    except OSError as error:
        msg = f"tape {source}: {error.strerror or error}; give the path of a ws.jsonl.zst recording"
        raise ConfigurationError(msg) from error
    except zstandard.ZstdError as error:
        msg = f"tape {source}: not readable as zstd after line {number} ({error}); the file is damaged or cut short"
        raise ConfigurationError(msg) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f'tape {source}, line {number}: {error}; each line must be {{"recv_us": int, "msg": frame}}'
        raise ConfigurationError(msg) from error


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """Decompressed chunks of one or more zstd frames.

    Raises:
        zstandard.ZstdError: not zstd, or the last frame is not complete (a stream reader would end silently there).
    """
    context = zstandard.ZstdDecompressor()
    frame = context.decompressobj()
    begun = False
    while data := file.read(_CHUNK):
        while data:
            begun = True
            yield frame.decompress(data)
            data = b""
            if frame.eof:
                data, frame, begun = frame.unused_data, context.decompressobj(), False
    if begun:
        msg = "the last frame is incomplete"
        raise zstandard.ZstdError(msg)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of a byte stream, without their ends; the last one may lack its end."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest
