"""High-water marks between the policy and the disk: exact, so that a restart neither forgets a peak nor finds one."""

from typing import Final

import msgspec

from portfolio_mm.risk.drawdown import Marks
from portfolio_mm.storage.state_store import HighWater, StateStore

QUIET_NS: Final = 5_000_000_000
"""Marks whose peaks did not move are written this often, so that a loss while we were away is seen on return."""


def load_marks(store: StateStore, account: str) -> Marks | None:
    """Marks of earlier runs, None before the first.

    Raises:
        StateError: the disk refuses.
    """
    kept = store.high_water(account)
    return None if kept is None else Marks(**msgspec.structs.asdict(kept))


class HighWaterMarks:
    """Marks of one account. When `keep` returns what had to be written is on disk."""

    def __init__(self, store: StateStore, account: str) -> None:
        """Read what is there.

        Raises:
            StateError: the disk refuses.
        """
        self._store = store
        self._account = account
        self._written: Marks | None = None
        self._written_ns = 0
        self.marks = load_marks(store, account)

    def keep(self, marks: Marks, now_ns: int, now_ms: int) -> None:
        """Adopt marks, and write them when a peak, the day or the transfers moved, or after QUIET_NS.

        Raises:
            StateError: the disk refuses; the marks are adopted all the same.
        """
        self.marks = marks
        same = self._written is not None and _peaks(marks) == _peaks(self._written)
        if same and now_ns - self._written_ns < QUIET_NS:
            return
        self._store.save_high_water(self._account, HighWater(**msgspec.structs.asdict(marks)), now_ms)
        self._written, self._written_ns = marks, now_ns


def _peaks(marks: Marks) -> tuple[float, ...]:
    return (
        marks.day,
        marks.transfers_usd,
        marks.peak_index,
        marks.day_peak_index,
        marks.peak_earned_usd,
        marks.day_peak_earned_usd,
        marks.day_open_earned_usd,
    )
