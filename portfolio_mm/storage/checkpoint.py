"""State of an actor as a file: bytes, layout and checksum. Loaded by field name, so a new version need not start cold.

magic (8) | u32 length of layout | u32 CRC32 of everything after this head | layout JSON | u64 records | records
"""

import os
import zlib
from pathlib import Path
from struct import Struct
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.errors import StateError
from portfolio_mm.storage.layout import carry_over, describe, restore
from portfolio_mm.storage.state_file import sync_folder

MAGIC: Final = b"PMMCKPT1"
_HEAD: Final = Struct("<II")
_COUNT: Final = Struct("<Q")


class Loaded(msgspec.Struct, frozen=True):
    """What a load did: `defaulted` fields kept the values they had before it."""

    records: int
    defaulted: tuple[str, ...]


def save(path: Path | str, records: npt.NDArray[Any]) -> None:
    """Write a record array so that the file is always either the old or the new one, whole and on disk.

    Raises:
        StateError: the disk refuses; the old file is as it was.
    """
    target = Path(path)
    aside = target.with_name(f"{target.name}.{os.getpid()}.new")
    layout = describe(records.dtype)
    body = layout + _COUNT.pack(len(records)) + records.tobytes()
    try:
        with aside.open("wb") as file:
            file.write(MAGIC + _HEAD.pack(len(layout), zlib.crc32(body)) + body)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        aside.unlink(missing_ok=True)
        msg = f"checkpoint {target}: {error.strerror or error}; free the disk or give another folder"
        raise StateError(msg) from error


def load(path: Path | str, records: npt.NDArray[Any]) -> Loaded | None:
    """Fill `records`, which hold their defaults, from a checkpoint; None when there is none.

    Fields the checkpoint lacks keep their defaults, fields no longer known are dropped.

    Raises:
        StateError: the file is damaged or holds another number of records; it is left alone, `records` untouched.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"checkpoint {source}: {error.strerror or error}"
        raise StateError(msg) from error
    old = _decode(data, source)
    if len(old) != len(records):
        msg = f"checkpoint {source} holds {len(old)} records, {len(records)} are asked for; move it away to start cold"
        raise StateError(msg)
    return Loaded(len(old), carry_over(old, records))


def _decode(data: bytes, source: Path) -> npt.NDArray[Any]:
    start = len(MAGIC) + _HEAD.size
    if len(data) >= start and data.startswith(MAGIC):
        size, check = _HEAD.unpack_from(data, len(MAGIC))
        body = data[start:]
        if zlib.crc32(body) == check and len(body) >= size + _COUNT.size:
            dtype = restore(body[:size], f"checkpoint {source}")
            (count,) = _COUNT.unpack_from(body, size)
            raw = body[size + _COUNT.size :]
            if len(raw) == count * dtype.itemsize:
                return np.frombuffer(raw, dtype=dtype)
    msg = f"checkpoint {source} is damaged; it was not changed: move it away to start cold"
    raise StateError(msg)
