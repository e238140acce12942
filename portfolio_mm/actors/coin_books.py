"""Which fills and fundings a coin has in its books: each exactly once, whoever tells it how often.

A fill is known by block time and trade id, a funding by its block time. The newest KEPT are remembered one by one;
what is older than all of them counts as booked, so nothing can come twice. `since_ms` is what the coin says when it
joins: the gateway tells again everything after it, and the coin drops what it has.
"""

import bisect
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.records import record

Array = npt.NDArray[Any]
Key = tuple[int, int]
KEPT: Final = 256
FUNDING_TID: Final = -1
BOOKED: Final = record(
    [
        ("since_ms", "i8"),
        ("strange_lots", "i8"),
        ("gaps", "i8"),
        ("count", "i8"),
        ("times_ms", "i8", (KEPT,)),
        ("tids", "i8", (KEPT,)),
    ]
)
MID_1E8: Final = 50
"""1e-8 USD in a half-tick of one lot (engine/pnl.py)."""


class Books:
    """What one coin has booked, beside the sums in its state."""

    def __init__(self, coin: int) -> None:
        self._coin = coin
        self._keys: list[Key] = []
        self.since_ms = -1
        """Up to this block time everything counts as booked."""
        self.strange_lots = 0
        """Lots the venue said we hold and no fill explains, taken over at mark: the parts cannot explain them."""
        self.gaps = 0
        """Restarts that could not read all they had known: fills came from the venue, what was learned is lost."""

    def open(self, state: Array, lots: int, mark_ticks: int) -> None:
        """Begin the run with a position, at the mark of the reading its equity comes from: nothing is earned yet."""
        pnl = state["pnl"]
        pnl["lots"], pnl["mid2"], pnl["mark2"] = lots, 2 * mark_ticks, 2 * mark_ticks
        pnl["cash_1e8"] = -lots * 2 * mark_ticks * MID_1E8

    def unbooked(self, rows: Array) -> Array:
        """Rows without the fills and fundings that are booked already."""
        told: set[Key] = set()
        keep = np.ones(len(rows), bool)
        for i in self._own(rows):
            key = _key(rows[i])
            keep[i] = key[0] > self.since_ms and key not in self and key not in told
            told.add(key)
        return rows[keep]

    def hear(self, rows: Array) -> None:
        """Note what is about to be stepped."""
        for i in self._own(rows):
            self._add(_key(rows[i]))

    def _own(self, rows: Array) -> list[int]:
        kinds = (rows["kind"] == EventKind.FILL) | (rows["kind"] == EventKind.FUNDING)
        return [int(i) for i in np.flatnonzero(kinds & (rows["coin"] == self._coin))]

    def __contains__(self, key: Key) -> bool:
        at = bisect.bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key

    def _add(self, key: Key) -> None:
        if key in self:
            return
        bisect.insort(self._keys, key)
        if len(self._keys) > KEPT:
            self.since_ms = max(self.since_ms, self._keys.pop(0)[0])

    def pack(self, target: Any) -> None:
        """Write into one BOOKED record."""
        target["since_ms"], target["count"] = self.since_ms, len(self._keys)
        target["strange_lots"], target["gaps"] = self.strange_lots, self.gaps
        for i, (at_ms, tid) in enumerate(self._keys):
            target["times_ms"][i], target["tids"][i] = at_ms, tid

    def unpack(self, source: Any) -> None:
        """Take over one BOOKED record."""
        self.since_ms, count = int(source["since_ms"]), int(source["count"])
        self.strange_lots, self.gaps = int(source["strange_lots"]), int(source["gaps"])
        self._keys = [(int(source["times_ms"][i]), int(source["tids"][i])) for i in range(count)]


def _key(row: Any) -> Key:
    return int(row["venue_ms"]), int(row["tid"]) if row["kind"] == EventKind.FILL else FUNDING_TID
