"""A coin's decision journal on disk: `<coin>-decisions` and `<coin>-outcomes` beside its journal of inputs.

Rows are engine/diary.py's: 400 bytes an order placed or moved, 152 an outcome. A disk that refuses ends the diary, not
the trading. What a kill cut off is written when the inputs are stepped again: the same events bring the same rows.
"""

import contextlib
import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.decisions import DECISIONS, OUTCOMES, last_event
from portfolio_mm.actors.journal_age import forget_old
from portfolio_mm.actors.signals_report import Speechless
from portfolio_mm.domain.errors import StateError
from portfolio_mm.engine.diary import DECISION, MAX_DECISIONS, MAX_OUTCOMES, OUTCOME, collect
from portfolio_mm.models.features import N_FEATURES, collapsed
from portfolio_mm.storage.journal import Journal

LOG: Final = logging.getLogger(__name__)
Array = npt.NDArray[Any]
WATCHED: Final = 200
"""Decisions over which a feature must have moved."""


class Diary:
    """Writer of one coin's decisions and outcomes."""

    def __init__(self, folder: Path, name: str, segment_bytes: int) -> None:
        self._folder, self._name, self._segment_bytes = folder, name, segment_bytes
        self._rows = (np.zeros(MAX_DECISIONS, DECISION), np.zeros(MAX_OUTCOMES, OUTCOME))
        self._journals: tuple[Journal, ...] = ()
        self._known = (-1, -1)
        self._run = 0
        self._features = np.full((WATCHED, N_FEATURES), np.nan, np.float32)
        self._decisions = 0

    def open(self, run: int) -> None:
        """Begin new segments; what this run has written before is not written again by `again`."""
        self.close()
        self._run = run
        names = (f"{self._name}{DECISIONS}", f"{self._name}{OUTCOMES}")
        try:
            known = [
                last_event(self._folder, name, row.dtype, run) for name, row in zip(names, self._rows, strict=True)
            ]
            self._known = (known[0], known[1])
            self._journals = tuple(
                Journal(self._folder, name, row.dtype, sync_s=float("inf"), segment_bytes=self._segment_bytes)
                for name, row in zip(names, self._rows, strict=True)
            )
        except StateError as error:
            LOG.error("%s keeps no decision journal: %s", self._name, error)  # noqa: TRY400 - the text says it all

    @property
    def is_open(self) -> bool:
        """Whether decisions are being written."""
        return bool(self._journals)

    def take(self, events: Array, i: int, state: Array, params: Array, commands: Array, count: int) -> None:  # noqa: PLR0917 - as `collect`
        """Write what event `i` brought, after its step gave `count` commands."""
        decisions, outcomes = self._rows
        made = collect(events, i, state, params, commands, count, decisions, outcomes)
        self._watch(decisions[: made[0]])
        self._write((decisions[: made[0]], outcomes[: made[1]]))

    def again(self, events: Array, i: int, state: Array, params: Array, commands: Array, count: int) -> None:  # noqa: PLR0917 - as `collect`
        """The same for an event that an earlier life has stepped, and may have written about."""
        made = collect(events, i, state, params, commands, count, *self._rows)
        self._watch(self._rows[0][: made[0]])
        event = int(state["counters"]["events"][0])
        kept = [n if event > known else 0 for n, known in zip(made, self._known, strict=True)]
        self._write((self._rows[0][: kept[0]], self._rows[1][: kept[1]]))

    def speechless(self) -> Speechless:
        """Features that said nothing in the newest WATCHED decisions; none while there are fewer."""
        return Speechless(*collapsed(self._features)) if self._decisions >= WATCHED else Speechless()

    def forget_old(self, keep_hours: float) -> None:
        """Remove segments nobody has written for so long."""
        for name in (DECISIONS, OUTCOMES):
            forget_old(self._folder, f"{self._name}{name}", keep_hours)

    def close(self) -> None:
        """Force to disk and close; harmless twice."""
        journals, self._journals = self._journals, ()
        for journal in journals:
            with contextlib.suppress(StateError):
                journal.close()

    def _watch(self, decisions: Array) -> None:
        for row in decisions["snap"]["features"]:
            self._features[self._decisions % WATCHED] = row
            self._decisions += 1

    def _write(self, rows: tuple[Array, Array]) -> None:
        try:
            for journal, some in zip(self._journals, rows, strict=False):
                some["run"] = self._run  # the one in the state is the gateway's, and changes with its lives
                journal.append(some)
        except StateError as error:
            LOG.error("%s goes on without a decision journal: %s", self._name, error)  # noqa: TRY400 - the text says it all
            self.close()
