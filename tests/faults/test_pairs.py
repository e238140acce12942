"""Two faults at once, drawn at random from all that can be alone: what each hides, the other must not make worse.

One pair, again: `PORTFOLIO_MM_PROOF=full pytest "tests/faults/test_pairs.py" -k "pair-17-"`.
"""

import os
import random

import pytest

from tests.faults import table
from tests.faults.cases import ALONE, Case
from tests.faults.conftest import Rows, Sharing, cells, held

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
SEED = 20261128
PAIRS = 40 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 2


def pair(number: int) -> tuple[Case, Case]:
    """The pair of a number, the same everywhere."""
    first, second = random.Random(f"pair {SEED} {number}").sample(ALONE, 2)
    return first, second


def name_of(number: int) -> str:
    return f"{number:02d}: {' and '.join(case.name for case in pair(number))}"


@pytest.mark.parametrize("number", range(PAIRS), ids=[f"pair-{number}-" for number in range(PAIRS)])
async def test_a_pair_of_faults_costs_nothing(number: int, shared: Sharing, rows: Rows) -> None:
    cases = pair(number)
    print(name_of(number))  # noqa: T201 - shown when it fails
    made = await shared()
    outcome = await made.through(*cases)
    rows[table.PAIRS][name_of(number)] = cells(outcome, "; ".join(case.invisible for case in cases))
    held(outcome, *cases)
    shared.in_order = True
