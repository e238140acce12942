"""Each fault of docs/venue.md alone, through the whole run: seen, safe meanwhile, recovered, nothing lost.

One case: `pytest "tests/faults/test_alone.py::test_a_fault_costs_nothing[half open for 4 s]"`, with
PORTFOLIO_MM_PROOF=full when it is not among the quick ones.
"""

import pytest

from tests.faults import table
from tests.faults.cases import ALONE, Case
from tests.faults.conftest import Rows, Sharing, cells, held

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
CHOSEN = [case for case in ALONE if case.quick or table.FULL]


async def test_signs_are_signs_of_faults(shared: Sharing) -> None:
    """Without a fault nobody says a word, so what is said during one is about it."""
    made = await shared()
    calm = Case("none", lasts_s=3.0, invisible="there is none")
    outcome = await made.through(calm)
    held(outcome, calm)
    assert outcome.sign is None
    assert outcome.fills > 0
    assert made.worst.blocks > 20
    shared.in_order = True


@pytest.mark.parametrize("case", CHOSEN, ids=[case.name for case in CHOSEN])
async def test_a_fault_costs_nothing(case: Case, shared: Sharing, rows: Rows) -> None:
    made = await shared()
    outcome = await made.through(case)
    rows[table.ALONE][case.name] = cells(outcome, case.invisible)
    held(outcome, case)
    shared.in_order = True
