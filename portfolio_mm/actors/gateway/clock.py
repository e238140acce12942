"""The venue's clock as seen from here: the latest block time heard, plus what has passed since on our own clock.

Hearing takes time, so the estimate is never ahead of the venue: an expiry computed from it comes early, never late.
"""

from typing import Final

from portfolio_mm.domain.units import NS_PER_MS

JUMP_MS: Final = 5_000
"""A block time this far behind the estimate means that the venue's clock was set back."""
BACK_MS: Final = 500
"""Block times of a stream only rise; one so far below an earlier one does not belong to the order of things."""


class VenueClock:
    """Block time by hearsay."""

    def __init__(self) -> None:
        self.block_ms = 0
        """Latest block time really seen; 0 before any."""
        self._offset_ns = 0
        self._newest_ms = 0
        self._behind = False

    @property
    def known(self) -> bool:
        """Whether any block time was heard."""
        return self.block_ms > 0

    @property
    def behind(self) -> bool:
        """Whether the stream tells of blocks older than one it told of: what is before what cannot be known."""
        return self._behind

    def follow(self, venue_ms: int, mono_ns: int) -> None:
        """A row of block time `venue_ms` on the account's own stream, where block times never fall."""
        self._behind = self._behind or self._newest_ms - venue_ms > BACK_MS
        self.passes(venue_ms)
        self.hear(venue_ms, mono_ns)

    def passes(self, venue_ms: int) -> None:
        """The venue is at `venue_ms` now; once it is where it was, it is no longer behind."""
        if venue_ms >= self._newest_ms:
            self._newest_ms, self._behind = venue_ms, False

    def hear(self, venue_ms: int, mono_ns: int) -> None:
        """A message of block time `venue_ms` arrived at `mono_ns`."""
        if venue_ms <= 0:
            return
        offset_ns = venue_ms * NS_PER_MS - mono_ns
        back_ms = self.now_ms(mono_ns) - venue_ms
        if not self.known or offset_ns > self._offset_ns or back_ms > JUMP_MS:
            self._offset_ns = offset_ns
        if venue_ms > self.block_ms or back_ms > JUMP_MS:
            self.block_ms = venue_ms

    def now_ms(self, mono_ns: int) -> int:
        """Estimated block time; 0 while unknown."""
        return (mono_ns + self._offset_ns) // NS_PER_MS if self.known else 0
