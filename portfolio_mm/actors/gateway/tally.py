"""What was asked of the venue in this run, over all lives of the gateway: kept once a second, for the report only.

A kill loses what was counted since. A tally that cannot be read or written is said, and counts from zero: nothing that
trades depends on it.
"""

import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.domain.errors import StateError
from portfolio_mm.domain.order import Refusal
from portfolio_mm.domain.records import record
from portfolio_mm.storage import checkpoint

LOG: Final = logging.getLogger(__name__)
REFUSALS: Final = max(Refusal) + 1
TALLY: Final = record(
    [("start_ms", "i8"), ("placed", "i8"), ("modified", "i8"), ("cancelled", "i8"), ("refused", "i8", (REFUSALS,))]
)


class Tally:
    """The file of one account; `start_ms` is the block time at which the run began, 0 keeps nothing."""

    def __init__(self, path: Path, start_ms: int, desk: Desk) -> None:
        self._path = path
        self._start_ms = start_ms
        self._desk = desk

    def resume(self) -> None:
        """Go on counting where an earlier life of this run was."""
        kept, desk = np.zeros(1, TALLY), self._desk
        try:
            checkpoint.load(self._path, kept)
        except StateError as error:
            LOG.warning("orders are counted from zero: %s", error)
            return
        row = kept[0]
        if not self._start_ms or row["start_ms"] != self._start_ms:
            return
        desk.placed, desk.modified, desk.cancelled = int(row["placed"]), int(row["modified"]), int(row["cancelled"])
        desk.refused.update({Refusal(i): int(count) for i, count in enumerate(row["refused"]) if count})

    def now(self) -> npt.NDArray[Any]:
        """The counts as they are."""
        kept, desk = np.zeros(1, TALLY), self._desk
        kept["start_ms"], kept["placed"] = self._start_ms, desk.placed
        kept["modified"], kept["cancelled"] = desk.modified, desk.cancelled
        for refusal, count in desk.refused.items():
            kept["refused"][0, refusal] = count
        return kept

    def keep(self, counts: npt.NDArray[Any]) -> None:
        """Write them; a disk that refuses is said."""
        try:
            if self._start_ms:
                checkpoint.save(self._path, counts)
        except StateError as error:
            LOG.warning("orders are not counted over a restart: %s", error)
