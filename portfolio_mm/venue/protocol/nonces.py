"""Nonces of one signer (HL §3.5): the hundred highest are kept; a new one is unused and above the lowest kept.

At block time T it lies in (T - 2 days, T + 1 day).
"""

import bisect
from typing import Final

KEPT: Final = 100
DAY_MS: Final = 86_400_000
PAST_MS: Final = 2 * DAY_MS
FUTURE_MS: Final = DAY_MS


class NonceSet:
    """Used nonces of one signer.

    >>> used = NonceSet()
    >>> used.take(5, 0), used.take(5, 0), used.take(3, 0)
    (None, 'Invalid nonce: duplicate nonce 5', None)
    """

    def __init__(self) -> None:
        self._kept: list[int] = []

    def take(self, nonce: int, block_ms: int) -> str | None:
        """Use a nonce; the refusal text when it may not be used.

        The wording for a nonce too far in the future is not documented; the one here is ours.
        """
        kept = self._kept
        at = bisect.bisect_left(kept, nonce)
        if at < len(kept) and kept[at] == nonce:
            return f"Invalid nonce: duplicate nonce {nonce}"
        floor = max(kept[0] if len(kept) >= KEPT else 0, block_ms - PAST_MS + 1)
        if nonce < floor:
            return f"Invalid nonce: nonce too low {nonce} < {floor}"
        if nonce >= block_ms + FUTURE_MS:
            return f"Invalid nonce: nonce too high {nonce} >= {block_ms + FUTURE_MS}"
        kept.insert(at, nonce)
        del kept[:-KEPT]
        return None
