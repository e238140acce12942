"""One measured number beside its baseline. Best of several rounds, so that a noisy machine hurts less."""

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

ROUNDS = 5


class Row(NamedTuple):
    """A line of docs/benchmarks.md. `baseline` of the same unit, or 0 when there is none."""

    what: str
    value: float
    unit: str
    baseline: float = 0.0
    against: str = ""
    note: str = ""

    @property
    def faster(self) -> str:
        """How many times faster than the baseline: more of a rate, less of a time; empty without one."""
        if not self.baseline:
            return ""
        is_rate = self.unit.endswith("/s")
        return f"{self.value / self.baseline if is_rate else self.baseline / self.value:.3g}"


def say(text: str) -> None:
    """Progress, beside the table."""
    print(f"  {text}", file=sys.stderr, flush=True)


def best_us(work: Callable[[], object], times: int) -> float:
    """Microseconds a call, the best of a few rounds of `times` calls."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - start) / times)
    return best * 1e6
