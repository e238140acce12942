"""One fixed random market for every estimator; run as a program it saves the final states for comparison."""

import sys
from typing import Any, Final, NamedTuple

import numpy as np

from tests.estimators.feeds import START_NS

STEPS: Final = 1500
LATER: Final = START_NS + 60_000_000_000
EARLIER: Final = START_NS - 60_000_000_000


class Moment(NamedTuple):
    """One event: a book, perhaps a trade (`aggressor` 0 buy, 1 sell, -1 none), a uniform draw; some are `broken`."""

    now_ns: int
    mid_px: float
    bid_px: float
    bid_sz: float
    ask_px: float
    ask_sz: float
    aggressor: int
    px: float
    sz: float
    fair_px: float
    draw: float
    broken: bool


def market(steps: int = STEPS, seed: int = 20) -> list[Moment]:
    """`steps` moments, 105 ms apart on average, many at the same block time; fair is the mid of the block before."""
    rng = np.random.default_rng(seed)
    rows: list[Moment] = []
    now_ns, mid, before_px = START_NS, 100.0, float("nan")
    for i in range(steps):
        passed_ns = int(rng.integers(0, 4)) * 70_000_000
        before_px = mid if passed_ns and rows else before_px
        now_ns += passed_ns
        mid *= 1.0 + 1e-4 * rng.normal(0.0, 0.5)
        half = mid * 1e-4 * rng.uniform(0.1, 2.0)
        aggressor = int(rng.integers(-1, 2))
        px = mid * (1.0 + 1e-4 * rng.exponential(3.0) * (1 if aggressor == 0 else -1))
        sizes = rng.uniform(0.1, 9.0, 3)
        row = (mid, mid - half, float(sizes[0]), mid + half, float(sizes[1]), aggressor, float(px), float(sizes[2]))
        rows.append(Moment(now_ns, *row, before_px, float(rng.uniform()), i % 97 == 5))
    return rows


def run() -> dict[str, Any]:
    """The final states by module name."""
    from tests.estimators.cases import CASES  # noqa: PLC0415 - the cases import this module

    moments = market()
    return {name: case.play(moments) for name, case in CASES.items()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **run())
