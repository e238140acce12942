"""Raw prints whose side alone differs: a minute of sellers raises the rate of fills of our bid, and an order moves."""

import pytest

from portfolio_mm.domain.events import REPLAYED
from tests.engine.rush import rush_hour, standing
from tests.engine.story import without
from tests.engine.tape import keys, trade


def test_a_busy_minute_of_sell_prints_raises_the_rate_on_the_bid_and_moves_it() -> None:
    hit, missed = rush_hour("A"), rush_hour("B")
    assert hit.st["quote"]["rate_per_s"][0] > 1.1 * missed.st["quote"]["rate_per_s"][0]
    assert keys(hit.commands) != keys(missed.commands)


def test_without_the_part_the_side_of_those_prints_moves_nothing() -> None:
    hit, missed = (rush_hour(side, without("arrivals", "update", returns=True)) for side in "AB")
    assert keys(hit.commands) == keys(missed.commands)
    rates = hit.st["quote"]["rate_per_s"], missed.st["quote"]["rate_per_s"]
    assert rates[0] == pytest.approx(rates[1], rel=0.005), "how far the prints went says a little of k"


def test_a_replayed_print_is_no_arrival_and_a_dead_feed_no_quiet_market() -> None:
    wire = standing(seconds=5)
    seen, at_ns = int(wire.st["arrivals"]["seen"]), int(wire.st["hawkes"]["seen"])
    print_ = trade(wire.now_ns, 1, 2_000_100)
    print_["bits"] |= REPLAYED
    wire.hear(print_)
    assert (wire.st["arrivals"]["seen"], wire.st["hawkes"]["seen"]) == (seen, at_ns)
    wire.wait(20.0)
    observed_s = float(wire.st["arrivals"]["observed_s"])
    wire.wait(60.0)
    assert wire.st["arrivals"]["observed_s"] == observed_s
