"""Compiled arrivals of market orders: a Hawkes process as families, exact for any kernel.

An order without a parent comes at the base rate; every order has a Poisson number of children of every type, each after
a time of its own (Hawkes and Oakes 1974). Times within a block order its takers. Nothing depends on the book.
"""

import math
from typing import Any, Final

import numba as nb

from portfolio_mm.domain.records import record

PLAIN, INFORMED, CHILD, LIQUIDATION = 0, 1, 2, 3
"""Kinds of market orders: without parent or knowledge, informed, brought about by another, forced."""
EXPONENTIAL, LOGNORMAL, PARETO = 0, 1, 2
N_PENDING: Final = 1 << 16
POWER: Final = 3.0
"""Tail exponent of power-law reach and kernel; their scale is twice the mean."""
REACH: Final = 8.0
"""Longest reach of a market order in mean reaches (1/kappa)."""
FULL: Final = -1

ARRIVAL = record(
    [
        ("block", "i8"),
        ("coin", "i8"),
        ("side", "i8"),
        ("kind", "i8"),
        ("s", "f8"),
        ("reach_bps", "f8"),
        ("usd", "f8"),
    ]
)
"""One market order: `block` in which it is matched, `s` the time it came, in seconds since the start."""

SOURCE = record(
    [
        ("base_rate", "f8", (2,)),
        ("informed_birth", "f8"),
        ("excitation_s", "f8"),
        ("kernel_power", "i8"),
        ("reach_power", "i8"),
        ("kappa_per_bps", "f8"),
        ("market_usd", "f8"),
        ("size_law", "i8"),
        ("size_shape", "f8"),
    ]
)
"""Parameters of one coin."""

PENDING = record(
    [("n", "i8"), ("s", "f8", (N_PENDING,)), ("order_type", "i8", (N_PENDING,)), ("birth", "i8", (N_PENDING,))]
)
"""Orders that are born but not yet there: a heap by time."""


@nb.njit(cache=True)
def push(pending: Any, s: float, order_type: int, kind: int) -> bool:
    """Add one; False when there is no room."""
    at = pending.n
    if at == N_PENDING:
        return False
    pending.n = at + 1
    while at > 0 and pending.s[(at - 1) // 2] > s:
        up = (at - 1) // 2
        pending.s[at] = pending.s[up]
        pending.order_type[at] = pending.order_type[up]
        pending.birth[at] = pending.birth[up]
        at = up
    pending.s[at] = s
    pending.order_type[at] = order_type
    pending.birth[at] = kind
    return True


@nb.njit(cache=True)
def pop(pending: Any) -> None:
    """Drop the earliest."""
    last = pending.n - 1
    pending.n = last
    s, order_type, kind = pending.s[last], pending.order_type[last], pending.birth[last]
    at = 0
    while 2 * at + 1 < last:
        down = 2 * at + 1
        if down + 1 < last and pending.s[down + 1] < pending.s[down]:
            down += 1
        if pending.s[down] >= s:
            break
        pending.s[at] = pending.s[down]
        pending.order_type[at] = pending.order_type[down]
        pending.birth[at] = pending.birth[down]
        at = down
    pending.s[at] = s
    pending.order_type[at] = order_type
    pending.birth[at] = kind


@nb.njit(cache=True)
def waiting(rng: Any, average: float, power: int) -> float:
    """Positive variable of a mean: exponential, or with a power tail (Lomax)."""
    u: float = 1.0 - rng.random()
    if power:
        return (POWER - 1.0) * average * (float(u ** (-1.0 / POWER)) - 1.0)
    return -average * math.log(u)


@nb.njit(cache=True)
def size_usd(rng: Any, source: Any) -> float:
    """Size of a market order by its law; the mean is `market_usd`."""
    u: float = 1.0 - rng.random()
    usd: float = source.market_usd
    shape: float = source.size_shape
    if source.size_law == LOGNORMAL:
        z = math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * rng.random())
        return usd * math.exp(shape * z - 0.5 * shape**2)
    if source.size_law == PARETO:
        return usd * (shape - 1.0) / shape * float(u ** (-1.0 / shape))
    return -usd * math.log(u)


@nb.njit(cache=True)
def bear(rng: Any, sources: Any, children: Any, pending: Any, s: float, parent: int) -> bool:  # noqa: PLR0917 - flat arguments
    """Put the children of an order among the pending ones (Poisson by Knuth's product); False when there is no room."""
    for order_type in range(len(children)):
        if children[order_type, parent] == 0.0:
            continue
        source = sources[order_type // 2]
        limit = math.exp(-children[order_type, parent])
        chance = rng.random()
        while chance > limit:
            if not push(pending, s + waiting(rng, source.excitation_s, source.kernel_power), order_type, CHILD):
                return False
            chance *= rng.random()
    return True


@nb.njit(cache=True)
def found(  # noqa: PLR0917 - flat arguments
    rng: Any,
    source: Any,
    coin: int,
    direction: float,
    accuracy: float,
    factor: float,
    start_s: float,
    stop_s: float,
    pending: Any,
) -> bool:
    """The orders of one coin and block that have no parent; the informed among them take the side that will gain.

    `direction` is the sign of the coming move, zero when unknown. False when there is no room.
    """
    rate = factor * (source.base_rate[0] + source.base_rate[1])
    if rate == 0.0:
        return True
    s = start_s - math.log(1.0 - rng.random()) / rate
    while s < stop_s:
        side = 1 if rng.random() * rate >= factor * source.base_rate[0] else 0
        birth = PLAIN
        if rng.random() < source.informed_birth:
            birth = INFORMED
            right = rng.random() < 0.5 * (1.0 + accuracy)
            if direction != 0.0:
                side = 0 if (direction > 0.0) == right else 1
        if not push(pending, s, 2 * coin + side, birth):
            return False
        s -= math.log(1.0 - rng.random()) / rate
    return True


@nb.njit(cache=True)
def draw_arrivals(  # noqa: PLR0917 - flat arguments
    rng: Any,
    sources: Any,
    children: Any,
    pendings: Any,
    first_block: int,
    block_s: float,
    directions: Any,
    accuracies: Any,
    factors: Any,
    hold: float,
    out: Any,
) -> int:
    """All market orders of consecutive blocks, in time order.

    Args:
        rng: a NumPy generator.
        sources: SOURCE records by coin.
        children: `implied.branching`.
        pendings: one PENDING record, kept from call to call.
        first_block: number of the first block.
        block_s: time between blocks.
        directions: sign of the coming move, shape (blocks, coins).
        accuracies: of informed orders, the same shape.
        factors: of the rate of orders without a parent, by block.
        hold: chance of a block to hold everything back for the next one.
        out: ARRIVAL records to write to.

    Returns:
        records written, FULL when the room for pending orders or for the result did not suffice.
    """
    pending = pendings[0]
    n, released = 0, 0
    for at in range(len(factors)):
        block = first_block + at
        stop_s = block * block_s
        for coin in range(len(sources)):
            if not found(
                rng,
                sources[coin],
                coin,
                directions[at, coin],
                accuracies[at, coin],
                factors[at],
                stop_s - block_s,
                stop_s,
                pending,
            ):
                return FULL
        while pending.n > 0 and pending.s[0] < stop_s:
            if n == len(out):
                return FULL
            s, order_type = pending.s[0], pending.order_type[0]
            arrival, source = out[n], sources[order_type // 2]
            arrival.s = s
            arrival.coin = order_type // 2
            arrival.side = order_type % 2
            arrival.kind = pending.birth[0]
            arrival.reach_bps = min(
                waiting(rng, 1.0 / source.kappa_per_bps, source.reach_power), REACH / source.kappa_per_bps
            )
            arrival.usd = size_usd(rng, source)
            n += 1
            pop(pending)
            if not bear(rng, sources, children, pending, s, order_type):
                return FULL
        if hold == 0.0 or rng.random() >= hold or at == len(factors) - 1:
            for row in range(released, n):
                out[row].block = block
            released = n
    return n
