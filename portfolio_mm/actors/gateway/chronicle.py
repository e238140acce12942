"""What the gateway heard and did, as records in journals: commands, order intents, account events.

Never needed for correctness: after a crash venue truth decides. So a disk that refuses ends the record, not the run.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from portfolio_mm.actors.gateway.notices import Rows
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.journal_age import forget_old
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.errors import StateError
from portfolio_mm.domain.events import EVENT
from portfolio_mm.domain.records import record
from portfolio_mm.storage.journal import Journal

LOG: Final = logging.getLogger(__name__)
INTENT: Final = record(
    [
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("nonce", "i8"),
        ("expires_ms", "i8"),
        ("px_ticks", "i8"),
        ("sz_lots", "i8"),
        ("coin", "i4"),
        ("side", "i4"),
    ]
)


class Chronicle:
    """Three journals with group commit: bytes reach the system at once, the disk within a second."""

    def __init__(self, folder: Path) -> None:
        self._commands = Journal(folder, "gateway-commands", COMMAND)
        self._intents = Journal(folder, "gateway-intents", INTENT)
        self._events = Journal(folder, "gateway-events", EVENT)
        self.broken = ""

    def commands(self, rows: Rows) -> None:
        """Commands as they came."""
        self._append(self._commands, rows)

    def events(self, rows: Rows) -> None:
        """What was told to the coins."""
        self._append(self._events, rows)

    def intents(self, orders: Sequence[OwnOrder]) -> None:
        """Orders about to be sent."""
        rows = [(*one.key, one.nonce, one.expires_ms, one.px_ticks, one.sz_lots, one.coin, one.side) for one in orders]
        self._append(self._intents, np.array(rows, INTENT))

    def forget(self, keep_hours: float) -> None:
        """Remove segments that are old enough."""
        for journal in (self._commands, self._intents, self._events):
            forget_old(journal.folder, journal.name, keep_hours)

    def _append(self, journal: Journal, rows: Rows) -> None:
        if self.broken:
            return
        try:
            journal.append(rows)
        except StateError as error:
            self._give_up(error)

    def _give_up(self, error: StateError) -> None:
        self.broken = str(error)
        LOG.error("no journal is written any more: %s", error)

    def close(self) -> None:
        """Force to disk and close."""
        try:
            for journal in (self._commands, self._intents, self._events):
                journal.close()
        except StateError as error:
            self._give_up(error)
