"""Raw prints whose side alone differs: a burst raises the rate of fills of the side it hits, and an order moves."""

import pytest

from portfolio_mm.domain.commands import CommandKind
from tests.engine.rush import burst
from tests.engine.story import without
from tests.engine.tape import keys


def test_a_burst_raises_the_rate_on_the_side_it_hits_and_moves_its_order() -> None:
    """The market rises: the bid is far. Sellers in a burst make moving it once more worth its price; buyers do not."""
    hit, missed = burst("A"), burst("B")
    assert hit.st["quote"]["rate_per_s"][0] > 1.1 * missed.st["quote"]["rate_per_s"][0]
    assert hit.st["quote"]["rate_per_s"][1] < missed.st["quote"]["rate_per_s"][1]
    moved = [[int(one["side"]) for one in wire.commands if one["kind"] == CommandKind.MODIFY] for wire in (hit, missed)]
    assert moved[0].count(0) == moved[1].count(0) + 1
    assert moved[0].count(1) == moved[1].count(1)


def test_without_the_part_the_side_of_those_prints_moves_nothing() -> None:
    hit, missed = (burst(side, without("hawkes", "update", returns=True)) for side in "AB")
    assert keys(hit.commands) == keys(missed.commands)
    assert hit.st["quote"]["rate_per_s"] == pytest.approx(missed.st["quote"]["rate_per_s"])
