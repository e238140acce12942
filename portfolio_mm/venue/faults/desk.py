"""What is in force now: faults within their time, drawn with a seed of their own."""

import random
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from portfolio_mm.venue.faults.kinds import WIRE_KINDS, Fault, FaultKind, HalfOpen, InfoAnswer, RequestFault, WireKind

Kind = TypeVar("Kind", bound=RequestFault)


class Failed(Exception):
    """The request ends with an HTTP status instead of an answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Unanswered(Exception):
    """The request is never answered; its connection is cut after a while."""

    def __init__(self, hold_s: float) -> None:
        super().__init__(hold_s)
        self.hold_s = hold_s


class Armed(NamedTuple):
    """A fault and its time, venue ms since the start."""

    fault: FaultKind
    from_ms: float
    until_ms: float


class FaultDesk:
    """All faults of one venue. `wire`, `requests` and `half_open` are those in force; empty when nothing is wrong."""

    def __init__(self, seed: int, faults: Iterable[FaultKind]) -> None:
        self.chance = random.Random(f"faults {seed}")  # noqa: S311 - which message is hit, not a secret
        self.wire: tuple[WireKind, ...] = ()
        self.requests: tuple[RequestFault, ...] = ()
        self.half_open: tuple[HalfOpen, ...] = ()
        self.down_until_ms = 0.0
        self.now_ms = 0.0
        self._armed: list[Armed] = []
        for fault in faults:
            self.arm(fault)

    def arm(self, fault: FaultKind) -> None:
        """Let a fault come, counted from now."""
        from_ms = self.now_ms + fault.at_s * 1e3
        until_ms = from_ms + fault.for_s * 1e3 if fault.for_s is not None else float("inf")
        self._armed.append(Armed(fault, from_ms, until_ms))
        self._choose()

    def clear(self) -> int:
        """Let nothing be wrong any more; how many faults there were."""
        cleared = len(self._armed)
        self._armed = []
        self.down_until_ms = 0.0
        self._choose()
        return cleared

    def turn(self, now_ms: float) -> None:
        """Time passes: `now_ms` since the start of the venue."""
        self.now_ms = now_ms
        if self._armed:
            self._armed = [row for row in self._armed if row.until_ms > now_ms]
            self._choose()

    def _choose(self) -> None:
        now: list[Fault] = [row.fault for row in self._armed if row.from_ms <= self.now_ms]
        self.wire = tuple(fault for fault in now if isinstance(fault, WIRE_KINDS))
        self.requests = tuple(fault for fault in now if isinstance(fault, RequestFault))
        self.half_open = tuple(fault for fault in now if isinstance(fault, HalfOpen))

    def in_force(self) -> list[FaultKind]:
        """Faults whose time is now."""
        return [row.fault for row in self._armed if row.from_ms <= self.now_ms]

    @property
    def down(self) -> bool:
        """Whether the venue is away for an upgrade."""
        return self.down_until_ms > self.now_ms

    def gate(self) -> None:
        """Let nobody in during an upgrade.

        Raises:
            Failed: the venue is away.
        """
        if self.down:
            raise Failed(502)

    def strikes(self, rate: float) -> bool:
        """Whether something of that share happens now."""
        return rate >= 1.0 or self.chance.random() < rate

    def hit(self, cls: type[Kind], endpoint: str, request: str) -> Kind | None:
        """The first fault of a kind that hits this request, if any does."""
        for fault in self.requests:
            if not isinstance(fault, cls) or (fault.requests and request not in fault.requests):
                continue
            if getattr(fault, "endpoint", endpoint) in (endpoint, "both") and self.strikes(fault.rate):
                return fault
        return None

    def oldest_wanted_ms(self) -> float | None:
        """How far back a stale answer now in force reaches; None when none is."""
        ages = [f.age_s * 1e3 for f in self.requests if isinstance(f, InfoAnswer) and f.answer == "stale"]
        return max(ages, default=None)
