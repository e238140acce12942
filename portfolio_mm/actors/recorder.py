"""Raw frames kept on disk in the layout of recorded tapes, so that every run can be replayed by the local venue."""

import io
import time
from pathlib import Path
from typing import Final

import zstandard

FLUSH_S: Final = 1.0


class Recorder:
    """Appends `{"recv_us": int, "msg": <frame>}` lines to one zstd file.

    After a crash it is readable up to the last flush.
    """

    def __init__(self, folder: Path, name: str = "ws") -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.monotonic_ns()}.jsonl.zst"
        self._file: io.BufferedWriter | None = self.path.open("xb")
        self._writer = zstandard.ZstdCompressor(level=3).stream_writer(self._file)
        self._flushed_s = time.monotonic()

    def write(self, recv_us: int, frame: bytes) -> None:
        """Keep one frame."""
        self._writer.write(b'{"recv_us":%d,"msg":%b}\n' % (recv_us, frame))
        now_s = time.monotonic()
        if now_s - self._flushed_s >= FLUSH_S:
            self._writer.flush(zstandard.FLUSH_FRAME)
            self._flushed_s = now_s

    def close(self) -> None:
        """Finish the file; harmless twice."""
        if self._file is not None:
            self._writer.flush(zstandard.FLUSH_FRAME)
            self._file.close()
            self._file = None
