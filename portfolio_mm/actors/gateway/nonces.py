"""Nonces: strictly increasing, and on disk before they are used (architecture section 2, durability; HL §3.5).

A ceiling is reserved ten seconds ahead. A restart begins above the ceiling, so no nonce is ever used twice, whatever
happened to the process. Nonces follow the venue's clock, because the venue accepts only those near its block time.
"""

import asyncio
from typing import Final, Protocol

AHEAD_MS: Final = 10_000
REFILL_MS: Final = 5_000


class NonceStore(Protocol):
    """The part of the state store used here."""

    def reserve_nonces(self, account: str, up_to_ms: int) -> int:
        """Promise durably that nonces up to `up_to_ms` may be used; gives the ceiling in force."""
        ...

    def nonce_ceiling(self, account: str) -> int:
        """Highest nonce that may have been used; 0 when none."""
        ...


class Nonces:
    """Nonces of one signing key."""

    def __init__(self, store: NonceStore, signer: str) -> None:
        self._store = store
        self._signer = signer
        self._last = store.nonce_ceiling(signer)
        self._ceiling = self._last

    def next(self, venue_ms: int) -> int:
        """A nonce never used before; waits for the disk when the reserve is used up.

        Raises:
            StateError: the disk refuses.
        """
        self._last = max(self._last + 1, venue_ms)
        if self._last > self._ceiling:
            self._ceiling = self._store.reserve_nonces(self._signer, self._last + AHEAD_MS)
        return self._last

    async def refill(self, venue_ms: int) -> None:
        """Reserve ahead of need, off the loop, so that `next` does not wait for the disk.

        Raises:
            StateError: the disk refuses.
        """
        need = max(self._last, venue_ms)
        if self._ceiling - need < REFILL_MS:
            ceiling = await asyncio.to_thread(self._store.reserve_nonces, self._signer, need + AHEAD_MS)
            self._ceiling = max(self._ceiling, ceiling)
