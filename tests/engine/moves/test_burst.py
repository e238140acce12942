"""A burst of market orders raises the rate of fills, and what a fill costs: it is the net quote that counts."""

from functools import cache

from tests.engine.lesson import TUNING, quick
from tests.engine.rush import earn
from tests.engine.story import without
from tests.engine.tape import T0, allocation
from tests.engine.wire import Wire

HALF, MOVE = 0.003, 0.008
"""USD at a mid of 20: half of the spread 1.5 bps, what a burst moves 4 bps."""


def _lone(wire: Wire, mid: float, side: str) -> None:
    """An order by itself reaches 4 bps beyond fair and moves nothing; what stood there comes back."""
    sign = 1.0 if side == "B" else -1.0
    wire.trade(side, mid + sign * 0.008)
    wire.wait(0.7)
    wire.bbo(mid - HALF, mid + HALF)


def _burst(wire: Wire, mid: float, side: str, deep: float) -> None:
    """Eight prints of one side in 0.8 s, inside fair; then one that reaches `deep` USD beyond it."""
    sign = 1.0 if side == "B" else -1.0
    for _ in range(8):
        wire.trade(side, mid - sign * 0.001)
        wire.wait(0.1)
        wire.bbo(mid - HALF, mid + HALF)
    if deep > 0.0:
        wire.trade(side, mid + sign * deep)


@cache
def _taught(aggressor: str, part: str = "") -> Wire:
    """A coin in whose market bursts are followed by a move and lone orders by none; in the end eight prints.

    Args:
        aggressor: of the last eight prints.
        part: "learning": nothing is said of what this moment costs.
    """
    wire = Wire(TUNING)
    quick(wire.params)
    wire.params["hawkes"]["ready_s"] = 20.0
    if part:
        wire.step = without(part, "look")
    wire.start()
    wire.hear(allocation(T0, 2, sz=5e-5, oid=10**15))  # actions are cheap: orders follow what is wanted
    mid = 20.0
    wire.book(mid - HALF, mid + HALF)
    wire.wait(1.0)
    for i in range(44):
        side, sign = ("B", 1.0) if i % 4 < 2 else ("A", -1.0)
        wire.book(mid - HALF, mid + HALF)
        if i % 2:
            _lone(wire, mid, side)
        else:
            _burst(wire, mid, side, 0.008)
            wire.wait(0.1)
            mid = round(mid + sign * MOVE, 3)
            wire.bbo(mid - HALF, mid + HALF)
        wire.wait(2.0)
    assert wire.st["toxicity"]["skill"]["weight"][0] > 0.3
    earn(wire, "hawkes")
    _burst(wire, mid, aggressor, 0.0)
    return wire


def _bid(wire: Wire) -> tuple[float, float, int]:
    """Distance, rate of fills and resting price of the bid."""
    quote = wire.st["quote"]
    return quote["distance_bps"][0], quote["rate_per_s"][0], int(wire.resting(0)[0]["px_ticks"])


def test_in_a_burst_fills_come_sooner_and_the_net_quote_moves_away() -> None:
    """The side of the last eight raw prints alone differs. Sellers in a burst raise the rate at which a bid is filled,
    which alone would bring it nearer; that fills in bursts lose takes it further out.
    """
    deaf_hit, deaf_missed = _taught("A", "learning"), _taught("B", "learning")
    assert _bid(deaf_hit)[1] > 2.0 * _bid(deaf_missed)[1]
    assert _bid(deaf_hit)[2] >= _bid(deaf_missed)[2]
    hit, missed = _taught("A"), _taught("B")
    assert hit.st["toxicity"]["extra_bps"][0] > missed.st["toxicity"]["extra_bps"][0] + 1.0
    assert _bid(hit)[0] > _bid(deaf_hit)[0] + 1.0
    assert _bid(hit)[2] < _bid(deaf_hit)[2] <= _bid(missed)[2]
