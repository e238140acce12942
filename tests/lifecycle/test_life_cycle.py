"""No order of events takes the true worst case over a limit, loses an intent, or counts a fill twice or never.

A real gateway (every part of it), the engine's own slots and reconcile as its coins, and the real venue core, in
virtual time: only the network and the market are played. 10,000 schedules in `make proof`.
"""

import os
from collections import Counter

import pytest

from tests.lifecycle.tales import CASES
from tests.lifecycle.world import live_through

FULL = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
SCHEDULES = 10
WORLDS = 1_000 if FULL else 10
pytestmark = pytest.mark.timeout(14_400 if FULL else 300)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """What was seen in all worlds; each checks itself after every block, every request and at every rest."""
    seen: Counter[str] = Counter()
    for seed in range(WORLDS):
        seen.update(live_through(seed, SCHEDULES, tmp_path_factory.mktemp("world")).seen)
    return seen


def test_limits_orders_fills_words_nonces_and_permits_hold_in_every_schedule(lived: Counter[str]) -> None:
    assert lived["schedules"] == WORLDS * SCHEDULES
    assert lived["nonce outside the window"] == 0


@pytest.mark.parametrize("case", CASES)
def test_every_order_of_events_was_met(lived: Counter[str], case: str) -> None:
    print(f"{lived[case]:7d} {case}")  # noqa: T201 - the table of this file (pytest -s)
    assert lived[case] > 0
