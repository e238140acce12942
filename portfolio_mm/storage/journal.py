"""Append-only segments of raw records, `<name>.<n>.seg`: every input of an actor, in order.

A segment begins with a header (magic, length, CRC, JSON with the dtype) and continues with frames:

    u32 length of payload | u32 CRC32 of payload | payload: whole records

Little-endian. A process killed at any instant loses nothing it wrote; a machine that lost power loses at most what was
not yet forced to disk (`sync_s`), and the reader stops at the torn tail and says so.
"""

import os
import time
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from struct import Struct
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.errors import StateError
from portfolio_mm.storage.layout import describe
from portfolio_mm.storage.state_file import sync_folder

MAGIC: Final = b"PMMJRNL1"
FRAME: Final = Struct("<II")
SEGMENT_BYTES: Final = 64 << 20


class Place(NamedTuple):
    """A place in a journal: behind the first `size` bytes of segment number `segment`."""

    segment: int
    size: int


class Journal:
    """Writer of one journal. Each process start opens a new segment; old ones are never written again.

    `append` hands the bytes to the operating system at once (they survive `kill -9`). Every `sync_s` they are forced to
    disk by a thread of the journal's own, because a disk may take many milliseconds and a tick must not wait for it;
    `sync()` and `close()` wait. `sync_s` 0 waits at every append, infinity leaves it to the system.
    """

    def __init__(
        self,
        folder: Path | str,
        name: str,
        dtype: np.dtype[Any],
        *,
        sync_s: float = 1.0,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.folder: Final = Path(folder)
        self.name: Final = name
        self._dtype = dtype
        self._sync_s = sync_s
        self._segment_bytes = segment_bytes
        self._file = -1
        self._size = 0
        self._dirty = False
        self._synced_s = time.monotonic()
        self._forcing: Future[None] | None = None
        self._helper = ThreadPoolExecutor(1, thread_name_prefix=f"journal-{name}")
        self.records = 0
        """Records appended by this object."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open(next_number(self.folder, name))
        except OSError as error:
            raise self._failure(error) from error

    def append(self, records: npt.NDArray[Any]) -> None:
        """Add whole records of the journal's dtype, as one frame.

        Raises:
            TypeError: the records are of another dtype.
            StateError: the disk refuses.
        """
        if records.dtype != self._dtype:
            msg = f"journal {self.name}: records of {records.dtype}, the journal holds {self._dtype}"
            raise TypeError(msg)
        if not len(records):
            return
        payload = records.tobytes()
        frame = FRAME.pack(len(payload), zlib.crc32(payload)) + payload
        try:
            self._write(frame)
            self.records += len(records)
            if time.monotonic() - self._synced_s >= self._sync_s:
                self._commit()
            if self._size >= self._segment_bytes:
                self._rotate()
        except OSError as error:
            raise self._failure(error) from error

    def sync(self) -> None:
        """Force everything appended so far to disk.

        Raises:
            StateError: the disk refuses.
        """
        try:
            self._force()
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Force to disk and close; harmless twice."""
        if self._file >= 0:
            try:
                self.sync()
            finally:
                self._helper.shutdown()
                os.close(self._file)
                self._file = -1

    @property
    def path(self) -> Path:
        """The segment being written."""
        return segment_path(self.folder, self.name, self._number)

    @property
    def place(self) -> Place:
        """Where the next record will stand: a checkpoint keeps it, `JournalReader.after` goes on from there."""
        return Place(self._number, self._size)

    def _open(self, number: int) -> None:
        self._number = number
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND
        self._file = os.open(segment_path(self.folder, self.name, number), flags, 0o600)
        self._size = 0
        description = describe(self._dtype)
        self._write(MAGIC + FRAME.pack(len(description), zlib.crc32(description)) + description)
        self._force()
        sync_folder(self.folder)

    def _write(self, data: bytes) -> None:
        """Write all of it; a frame cut by a full disk is removed again, so the segment stays readable to its end."""
        view, done = memoryview(data), 0
        try:
            while done < len(view):
                done += os.write(self._file, view[done:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)
        self._dirty = True

    def _commit(self) -> None:
        """Group commit: begin forcing what is written, unless the last time is still under way."""
        if self._sync_s == 0.0:
            self._force()
            return
        if self._forcing is not None and not self._forcing.done():
            return
        self._settle()
        self._dirty = False
        self._synced_s = time.monotonic()
        self._forcing = self._helper.submit(_force_copy, os.dup(self._file))

    def _settle(self) -> None:
        """Wait for the helper; its failure is ours."""
        forcing, self._forcing = self._forcing, None
        if forcing is not None:
            forcing.result()

    def _force(self) -> None:
        self._settle()
        if self._dirty and self._file >= 0:
            os.fdatasync(self._file)
            self._dirty = False
        self._synced_s = time.monotonic()

    def _rotate(self) -> None:
        self._force()
        os.close(self._file)
        self._open(self._number + 1)

    def _failure(self, error: OSError) -> StateError:
        reason = error.strerror or str(error)
        return StateError(f"journal {self.folder}/{self.name}: {reason}; free the disk or give another folder")


def _force_copy(descriptor: int) -> None:
    """Force a file to disk through a descriptor of its own, so that rotation may close the other."""
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def segment_path(folder: Path, name: str, number: int) -> Path:
    """Where a segment lives."""
    return folder / f"{name}.{number}.seg"


def segment_numbers(folder: Path, name: str) -> list[int]:
    """Numbers of the journal's segments, oldest first."""
    parts = (path.name.removeprefix(f"{name}.").removesuffix(".seg") for path in folder.glob(f"{name}.*.seg"))
    return sorted(int(part) for part in parts if part.isdecimal())


def next_number(folder: Path, name: str) -> int:
    """Number of the next segment."""
    return max(segment_numbers(folder, name), default=-1) + 1
