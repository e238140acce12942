"""Reads recorded frames (`ws.jsonl.zst`: one `{"recv_us", "msg"}` a line, as the venue sent them).

The file is decoded line by line; only numbers are kept (about 10 MB for an hour and coin).
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import zstandard
from msgspec import Meta

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.flows.feed import BESTS, BOOKS, TRADES, FeedFrame
from portfolio_mm.venue.flows.rows import Rows
from portfolio_mm.venue.flows.soundness import REMEDY


class _Line(msgspec.Struct):
    recv_us: Annotated[int, Meta(ge=0, le=2**53)]
    msg: FeedFrame


def read_frames(path: Path) -> dict[str, Rows]:
    """Rows by coin.

    Raises:
        ConfigurationError: the file is missing or damaged, or a line is malformed.
    """
    found: dict[str, Rows] = {}
    for number, line in enumerate(_lines(path), start=1):
        try:
            _add(found, line.recv_us // 1000, number, line.msg)
        except msgspec.MsgspecError as error:
            msg = f"recording {path}, line {number}: {line.msg.channel} message is malformed ({error}); {REMEDY}"
            raise ConfigurationError(msg) from error
    return found


def _add(found: dict[str, Rows], recv_ms: int, at: int, frame: FeedFrame) -> None:
    if frame.channel == "l2Book":
        book = BOOKS.decode(frame.data)
        found.setdefault(book.coin, Rows()).add_book(recv_ms, at, book)
    elif frame.channel == "bbo":
        best = BESTS.decode(frame.data)
        found.setdefault(best.coin, Rows()).add_best(recv_ms, at, best)
    elif frame.channel == "trades":
        for trade in TRADES.decode(frame.data):
            found.setdefault(trade.coin, Rows()).add_trade(recv_ms, at, trade)


def _lines(path: Path) -> Iterator[_Line]:
    """Lines of the file.

    Raises:
        ConfigurationError: names the file, the line and the remedy.
    """
    decoder = msgspec.json.Decoder(_Line)
    number, line = 0, b""
    try:
        with path.open("rb") as file, _plain(path, file) as lines:
            for number, line in enumerate(lines, start=1):  # noqa: B007 - the errors below name the line
                yield decoder.decode(line)
    except OSError as error:
        msg = f"recording {path}: {error.strerror or error}; give the path of a ws.jsonl.zst file"
        raise ConfigurationError(msg) from error
    except zstandard.ZstdError as error:
        msg = f"recording {path}: damaged zstd after line {number} ({error}); copy it again"
        raise ConfigurationError(msg) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if number and not line.endswith(b"\n"):
            msg = f"recording {path} ends inside line {number}: it was cut short; copy it again"
            raise ConfigurationError(msg) from error
        msg = f'recording {path}, line {number}: not a {{"recv_us", "msg"}} line ({error}); {REMEDY}'
        raise ConfigurationError(msg) from error


def _plain(path: Path, file: io.BufferedReader) -> io.BufferedReader:
    if path.suffix == ".zst":
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file), 1 << 20)
    return file
