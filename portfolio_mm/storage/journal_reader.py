"""Reading journals back: whole frames in order, up to the first torn or damaged one."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.errors import StateError
from portfolio_mm.storage.journal import FRAME, MAGIC, Place, segment_numbers, segment_path
from portfolio_mm.storage.layout import carry_over, describe, restore


class Tail(msgspec.Struct, frozen=True):
    """Where a segment stopped being readable; `lost_bytes` 0 means it was whole."""

    path: Path
    good_bytes: int
    lost_bytes: int
    reason: str

    @property
    def torn(self) -> bool:
        """Whether a kill explains it: only the record that was being written is lost."""
        return self.reason.startswith("ends within")


class JournalReader:
    """Iterate over the arrays of records of a journal; afterwards `tails` lists the torn segments.

    Records come in today's `dtype`: segments of an older layout are converted by field name.
    """

    def __init__(self, folder: Path | str, name: str, dtype: np.dtype[Any]) -> None:
        self._folder = Path(folder)
        self._name = name
        self._dtype = dtype
        self.tails: list[Tail] = []

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """Frames, oldest first.

        Raises:
            StateError: a segment's header is damaged or not a journal's; it is named and left alone.
        """
        self.tails.clear()
        for number in segment_numbers(self._folder, self._name):
            yield from self._segment(segment_path(self._folder, self._name, number))

    def after(self, place: Place) -> Iterator[npt.NDArray[Any]]:
        """Frames behind a place, oldest first.

        Raises:
            StateError: the segment of the place is gone, or as `__iter__`.
        """
        self.tails.clear()
        numbers = segment_numbers(self._folder, self._name)
        if place.segment not in numbers:
            path = segment_path(self._folder, self._name, place.segment)
            msg = f"journal segment {path} is gone: what it held after byte {place.size} is not known"
            raise StateError(msg)
        for number in numbers[numbers.index(place.segment) :]:
            begin = place.size if number == place.segment else 0
            yield from self._segment(segment_path(self._folder, self._name, number), begin)

    def _segment(self, path: Path, begin: int = 0) -> Iterator[npt.NDArray[Any]]:
        data = path.read_bytes()
        if len(data) < len(MAGIC) + FRAME.size and MAGIC.startswith(data[: len(MAGIC)]):
            self.tails.append(Tail(path, 0, len(data), "ends within its header"))
            return
        layout, at = self._header(path, data)
        stored = restore(layout, f"journal segment {path}")
        same = layout == describe(self._dtype)
        if begin > len(data):  # the disk lost the end of it
            self.tails.append(Tail(path, len(data), begin - len(data), "ends before the place that was asked for"))
        at = max(at, begin)
        while at < len(data):
            payload, reason = _frame(data, at, stored.itemsize)
            if reason:
                self.tails.append(Tail(path, at, len(data) - at, reason))
                return
            yield self._today(payload, stored, same=same)
            at += FRAME.size + len(payload)

    def _header(self, path: Path, data: bytes) -> tuple[bytes, int]:
        start = len(MAGIC) + FRAME.size
        if data.startswith(MAGIC):
            size, check = FRAME.unpack_from(data, len(MAGIC))
            layout = data[start : start + size]
            if len(layout) == size and zlib.crc32(layout) == check:
                return layout, start + size
        msg = f"journal segment {path}: its header is damaged; it was not changed: move it away to go on without it"
        raise StateError(msg)

    def _today(self, payload: bytes, stored: np.dtype[Any], *, same: bool) -> npt.NDArray[Any]:
        """Records in the reader's own layout, writable."""
        if same:
            return np.frombuffer(bytearray(payload), dtype=self._dtype)
        old = np.frombuffer(payload, dtype=stored)
        result = np.zeros(len(old), dtype=self._dtype)
        carry_over(old, result)
        return result


def _frame(data: bytes, at: int, item: int) -> tuple[bytes, str]:
    """Payload of the frame at an offset, or why there is none."""
    if len(data) - at < FRAME.size:
        return b"", "ends within a frame's head"
    size, check = FRAME.unpack_from(data, at)
    payload = data[at + FRAME.size : at + FRAME.size + size]
    if len(payload) < size:
        return b"", "ends within a frame"
    if size == 0 or size % item:
        return b"", f"a frame of {size} bytes is not whole records of {item}"
    if zlib.crc32(payload) != check:
        return b"", "a frame's checksum does not match"
    return payload, ""
