"""Raw prints whose side alone differs: a burst of sellers raises the rate of fills of our bid, and an order moves."""

import pytest

from portfolio_mm.domain.commands import CommandKind
from tests.engine.rush import burst
from tests.engine.story import without
from tests.engine.tape import keys


def test_a_burst_of_sell_prints_raises_the_rate_on_the_bid_and_moves_it() -> None:
    hit, missed = burst("A"), burst("B")
    assert hit.st["quote"]["rate_per_s"][0] > 1.1 * missed.st["quote"]["rate_per_s"][0]
    assert hit.st["quote"]["rate_per_s"][1] < missed.st["quote"]["rate_per_s"][1]
    assert keys(hit.commands) != keys(missed.commands)
    assert int(hit.commands[-1]["kind"]) == CommandKind.MODIFY


def test_without_the_part_the_side_of_those_prints_moves_nothing() -> None:
    hit, missed = (burst(side, without("hawkes", "update", returns=True)) for side in "AB")
    assert keys(hit.commands) == keys(missed.commands)
    assert hit.st["quote"]["rate_per_s"] == pytest.approx(missed.st["quote"]["rate_per_s"])
