"""Markets in which the flow of market orders, or a place in a queue, decides what an order does."""

from collections.abc import Callable
from typing import Any, Final

from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models.skill import clear_skill, score
from tests.engine.tape import T0, S, allocation
from tests.engine.wire import Wire

Step = Callable[..., int]
BID, ASK = 19.998, 20.002


def earn(bench: Any, part: str) -> None:
    """Forty blocks in which the part's forecasts were clearly better than their rival's: what it earns in an hour."""
    skill, now_ns = bench.st[part]["skill"], int(bench.st["clock"]["venue_ns"]) - 40 * 61 * S
    clear_skill(skill)
    for _ in range(41):
        score(skill, now_ns, 0.5, 1.0, 60.0, 0.0)
        now_ns += 61 * S
    assert skill["weight"] == 1.0


def standing(step: Step | None = None, seconds: int = 30, price_usd: float = 0.05) -> Wire:
    """A coin of one level that quotes a standing market with a few sweeps on both sides.

    They go from the touch to 5 bps; the next level is what they leave, and the touch comes back with the next block.
    """
    wire = Wire(Tuning(levels=1))
    if step is not None:
        wire.step = step
    wire.params["hawkes"]["ready_s"] = wire.params["arrivals"]["ready_s"] = 20.0
    wire.start(T0 - 1)
    wire.hear(allocation(T0, 2, sz=price_usd, oid=10**15))
    wire.book(BID, ASK)
    for i in range(2 * seconds):
        wire.bbo(BID, ASK)
        wire.wait(0.5)
        if i % 5 == 0:
            wire.book(BID, ASK)
        if i % 7 == 0:
            for sell, buy in ((BID, ASK), (19.990, 20.010)):
                wire.trade("A", sell)
                wire.trade("B", buy)
            wire.bbo(19.989, 20.011)
            wire.wait(0.1)
            wire.bbo(BID, ASK)
    return wire


def burst(
    aggressor: str, step: Step | None = None, part: str = "hawkes", shift: float = 0.006, price_usd: float = 0.048
) -> Wire:
    """Twenty prints within two seconds, inside fair so that they are no sweeps; then the market moves a little.

    Args:
        aggressor: "B" or "A".
        step: the page to play it with; the compiled one by default.
        part: whose forecasts have proved themselves.
        shift: of the market after the burst, USD.
    """
    wire = standing(step, price_usd=price_usd)
    earn(wire, part)
    for _ in range(20):
        wire.bbo(BID, ASK)
        wire.wait(0.1)
        wire.trade(aggressor, 20.001 if aggressor == "A" else 19.999)
    wire.bbo(BID + shift, ASK + shift)
    wire.wait(0.3)
    return wire


def rush_hour(aggressor: str, step: Step | None = None, shift: float = 0.005, price_usd: float = 0.058) -> Wire:
    """Half a minute with prints of one side after a quiet one, inside fair; then the market moves a little."""
    wire = standing(step, price_usd=price_usd)
    wire.params["arrivals"]["fast_half_life_s"], wire.params["arrivals"]["shrink_s"] = 10.0, 2.0
    earn(wire, "arrivals")
    for _ in range(60):
        wire.bbo(BID, ASK)
        wire.wait(0.3)
        wire.trade(aggressor, 20.001 if aggressor == "A" else 19.999)
        wire.trade(aggressor, 20.001 if aggressor == "A" else 19.999)
    wire.bbo(BID + shift, ASK + shift)
    wire.wait(0.3)
    return wire


def place(
    print_sz: float, step: Step | None = None, shift: float = 0.002, price_usd: float = 0.0005, shake: float = 0.0
) -> Wire:
    """Our bid rests in the fifth level; one print at its price, of `print_sz` coins of 40; then the market rises.

    Args:
        print_sz: of the print.
        step: the page to play it with; the compiled one by default.
        shift: of the market at the end, USD.
        price_usd: of an action.
        shake: how far the market goes up and down again ten times before, USD.
    """
    wire = standing(step, price_usd=price_usd)
    for i in range(20):
        up = shake * (i % 2)
        wire.bbo(BID + up, ASK + up)
        wire.wait(1.0 if shake else 0.0)
    wire.bbo(BID, ASK)
    wire.wait(1.0 if shake else 0.0)
    earn(wire, "queue")
    for i in range(8):  # the market comes to stand around our bid
        if i < 6:
            px = int(wire.resting(0)[0]["px_ticks"]) / 1e5
            bid, ask = px + 0.004, 40.0 - px - 0.004
        wire.book(bid, ask)
        wire.wait(0.5)
    px = int(wire.resting(0)[0]["px_ticks"]) / 1e5
    wire.trade("A", px, print_sz)
    wire.wait(0.5)
    for _ in range(6 if shake else 3):
        wire.book(bid, ask)
        wire.wait(0.5)
    wire.book(bid + shift, ask + shift)
    wire.wait(0.3)
    return wire


SCENARIOS: Final[dict[str, Callable[[Step | None], Wire]]] = {
    "arrivals": lambda step: rush_hour("A", step),
    "hawkes": lambda step: burst("A", step),
    "places": lambda step: place(45.0, step),
    "queue": lambda step: place(45.0, step),
}
"""Part of the page -> a market in which it has its effect."""
