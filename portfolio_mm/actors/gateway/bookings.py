"""Fills and fundings of the run, as the coins book them: for a coin that was away, and after a restart of our own.

The venue is the record: a gateway that comes back reads them all again, from the beginning of the run, before any coin
gets its snapshot. Nothing here is needed for orders or positions.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from portfolio_mm.actors.gateway.notes import FillNote, FundingNote
from portfolio_mm.actors.gateway.notices import Rows, note_rows
from portfolio_mm.domain.instrument import Instrument

KEPT: Final = 5_000
"""Per coin. The venue gives back the newest 10,000 of an account (HL §1.12); a coin has booked all but the newest."""


class Bookings:
    """What every coin must have in its books, newest last."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._instruments = instruments
        self._notes: list[deque[FillNote | FundingNote]] = [deque(maxlen=KEPT) for _ in instruments]

    def add(self, note: FillNote | FundingNote) -> None:
        """One that was never seen before."""
        self._notes[note.coin].append(note)

    def since(self, coin: int, at_ms: int) -> Rows:
        """Events of one coin after a block time, in the order of blocks."""
        missed = [note for note in self._notes[coin] if note.venue_ms > at_ms]
        missed.sort(key=lambda note: note.venue_ms)
        return note_rows(missed, self._instruments)
