"""The stamps of a peer on our own monotonic clock: each host has its own, and they may be days apart.

A lease holds from when it was given, so a message that waited on the way must not look new: its arrival alone says too
little. Nor does its stamp, which on another host means nothing here. So the two clocks are compared with every message:
the least by which one arrived "after" its stamp is their difference and the shortest way. A stamp moved by it is never
in the future, and older than its arrival by what the message took longer than the fastest one.

Not known: how long the fastest message itself was on its way. A stamp is too young by that, well under a millisecond on
one host; across hosts by the network's one way, or, while a connection has brought nothing but late messages, by the
delay of the least late.
"""

from typing import Final

DRIFT_PPM: Final = 200
"""How far two clocks may run apart; those that are set by the same time are within a few. Without it, a peer's slower
clock would make every lease of a long connection look older each day."""


class HostClock:
    """Of one connection."""

    def __init__(self) -> None:
        self._behind_ns: int | None = None
        self._looked_ns = 0

    def local_ns(self, sent_ns: int, now_ns: int) -> int:
        """When something sent at `sent_ns` of the peer's clock and read at `now_ns` of ours was sent, on ours.

        >>> clock, days_ns = HostClock(), 86_400 * 10**9
        >>> [clock.local_ns(days_ns + sent, now) for sent, now in ((0, 5), (100, 103), (200, 900))]
        [5, 103, 203]
        """
        behind_ns = now_ns - sent_ns
        if self._behind_ns is not None:
            drifted_ns = (now_ns - self._looked_ns) * DRIFT_PPM // 1_000_000
            behind_ns = min(behind_ns, self._behind_ns + drifted_ns)
        self._behind_ns, self._looked_ns = behind_ns, now_ns
        return sent_ns + behind_ns
