"""From the aggressor flag of raw prints to another order, by VPIN: a coin that knows what one-sided volume costs."""

from typing import Any

from portfolio_mm.engine import attribution as at
from portfolio_mm.models import features
from portfolio_mm.models.toxic_row import HITTING, PLAIN
from tests.engine.lesson import TUNING
from tests.engine.story import without
from tests.engine.tape import T0, keys, market
from tests.engine.wire import Wire

ROW = HITTING + 2 + PLAIN.index(features.VPIN)


def heard(flags: str, step: Any = None) -> Wire:
    """It has learned 3 bps per sd of VPIN and nothing else; then prints of one size with these aggressor flags."""
    wire = Wire(TUNING)
    flow, toxic = wire.params["order_flow"], wire.st["toxicity"]
    flow["bucket_count"], flow["bucket_memory_count"], flow["min_buckets"] = 4.0, 5.0, 3
    wire.params["toxicity"]["min_depth_bps"] = 1e6  # nothing more is learned
    toxic["skill"]["weight"][0], toxic["w"][1 + ROW] = 1.0, 3.0
    toxic["moments"][:, ROW] = 100.0, 0.0, 4.0
    toxic["per_sd"][ROW] = 5.0
    if step is not None:
        wire.step = step
    wire.start()
    wire.hear(market(300))
    wire.now_ns = T0 + 300 * 50 * 1_000_000
    wire.bbo(20.0, 20.006)
    wire.wait(1.0)
    for flag in flags:
        wire.trade(flag, 20.006 if flag == "B" else 20.0, 3.0)
        wire.wait(0.1)
    wire.bbo(20.01, 20.016)
    wire.wait(1.0)
    return wire


def item(wire: Wire, side: int) -> float:
    return float(wire.st["quote"]["items_bps"][side, at.TOXICITY])


def test_one_sided_buckets_widen_both_sides() -> None:
    """As many buys as sells of the same sizes at the same prices, in runs or in turns: only their order differs."""
    runs, turns = ("B" * 12 + "A" * 12) * 2, "BA" * 24
    one_sided, mixed = heard(runs), heard(turns)
    assert float(one_sided.st["order_flow"]["vpin_excess"]) > 0.2 > -0.2 > float(mixed.st["order_flow"]["vpin_excess"])
    assert keys(one_sided.commands) != keys(mixed.commands)
    off = [heard(flags, without("order_flow", "on_trade", returns=False)) for flags in (runs, turns)]
    for side in range(2):
        assert item(one_sided, side) > item(mixed, side) + 1.0
        assert item(off[0], side) == item(off[1], side) == 0.0
    assert one_sided.resting(1)[0]["px_ticks"] > mixed.resting(1)[0]["px_ticks"]
