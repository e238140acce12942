"""Compiled background of one coin for one block: makers around the price they believe in, market orders, arbitrage.

Writes ACTION records; nothing is applied here. Each maker slot keeps at most one order. The number of random numbers
used up per block is fixed and market orders come from `arrivals`, so the same seed meets every strategy with the same
flow.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.instrument import PERP_MAX_DECIMALS
from portfolio_mm.domain.price_grid_kernels import round_px
from portfolio_mm.domain.records import record
from portfolio_mm.domain.units import BPS, SIGN
from portfolio_mm.matching.book_kernels import ActionKind
from portfolio_mm.matching.book_state import NONE, best_px, find
from portfolio_mm.matching.market import Tif

N_SLOTS: Final = 24
N_DEEP: Final = 4
"""The last slots of a side quote beyond the reach of any market order, so that a book is never empty."""
DEEP: Final = 9.0
"""Nearest deep quote in mean reaches (1/kappa), beyond `arrivals.REACH`."""
N_PAST: Final = 64
"""Prices a stale maker can look back at, one a block."""
PER_SLOT: Final = 4
PER_SIDE: Final = 1
N_UNIFORMS: Final = 2 * (N_SLOTS * PER_SLOT + PER_SIDE)
N_ACTIONS: Final = 2 * (2 * N_SLOTS + 1)
"""Most actions of a block beside its market orders."""
TOO_CLOSE: Final = 0.5
"""A quote nearer to the efficient price than this share of the smallest distance is withdrawn."""
TOO_FAR: Final = 5.0
"""A quote farther away than this many mean depths is withdrawn."""

LOT_TICKS_PER_USD: Final = 10.0**PERP_MAX_DECIMALS
"""lots = usd / px x 10^sz_decimals with px = ticks / 10^px_decimals; the decimals add up to six for every coin."""

PLACE: Final = int(ActionKind.PLACE)
CANCEL: Final = int(ActionKind.CANCEL)
ALO: Final = int(Tif.ALO)
IOC: Final = int(Tif.IOC)

BACKGROUND = record(
    [
        ("px_decimals", "i8"),
        ("half_spread_bps", "f8"),
        ("depth_bps", "f8"),
        ("order_usd", "f8"),
        ("kappa_per_bps", "f8"),
        ("market_usd", "f8"),
        ("arbitrage_bps", "f8"),
        ("arbitrage_chance", "f8"),
        ("cancels_per_block", "f8"),
        ("ageing", "i8"),
        ("quote_shape", "f8"),
        ("quote_chance", "f8"),
        ("next_oid", "i8"),
        ("oid", "i8", (2, N_SLOTS)),
        ("px_ticks", "i8", (2, N_SLOTS)),
        ("born", "i8", (2, N_SLOTS)),
        ("late", "i8", (2, N_SLOTS)),
        ("block", "i8"),
        ("past_ticks", "f8", (N_PAST,)),
    ]
)
"""Parameters of one coin (chances are per block), the makers' slots and the last prices; oids count down from -1.

`late` is how many blocks ago the price was that the maker of a slot believes in.
"""


@nb.njit(cache=True)
def exponential(uniform: float, average: float) -> float:
    """Exponential variable from a uniform one."""
    return -average * math.log(1.0 - uniform)


@nb.njit(cache=True)
def lots_of(usd: float, fair_ticks: float) -> int:
    """Size of an amount of money, at least one lot."""
    return max(int(usd * LOT_TICKS_PER_USD / fair_ticks), 1)


@nb.njit(cache=True)
def band(state: Any, slot: int) -> tuple[float, float]:
    """Smallest distance of a slot's quotes from the efficient price and their mean distance beyond it, in bps."""
    if slot < N_SLOTS - N_DEEP:
        return state.half_spread_bps, state.depth_bps
    return DEEP / state.kappa_per_bps, 1.0 / state.kappa_per_bps


@nb.njit(cache=True)
def write_action(  # noqa: PLR0917 - flat arguments
    actions: Any, n: int, now_ms: int, kind: int, side: int, tif: int, oid: int, px: int, lots: int
) -> int:
    """Append one action; the new count."""
    action = actions[n]
    action.ms = now_ms
    action.kind = kind
    action.side = side
    action.tif = tif
    action.oid = oid
    action.px_ticks = px
    action.sz_lots = lots
    return n + 1


@nb.njit(cache=True)
def stretched(uniform: float, average: float, shape: float) -> float:
    """Variable with a stretched exponential tail from a uniform one; `shape` one is the exponential law."""
    if shape == 1.0:
        return -average * math.log(1.0 - uniform)
    stretch: float = (-math.log(1.0 - uniform)) ** shape / math.gamma(1.0 + shape)
    return average * stretch


@nb.njit(cache=True)
def believed(state: Any, side: int, slot: int) -> float:
    """Price in ticks the maker of a slot goes by."""
    ticks: float = state.past_ticks[(state.block - state.late[side, slot]) % N_PAST]
    return ticks


@nb.njit(cache=True)
def cancel_chance(state: Any, side: int, slot: int) -> float:
    """Chance of a quote to be cancelled in this block.

    An ageing hazard 2 / (life + age) is that of a Lomax life with tail exponent two, and has the same mean life.
    """
    hazard: float = state.cancels_per_block
    if state.ageing and hazard > 0.0:
        hazard = 2.0 / (1.0 / hazard + state.block - state.born[side, slot])
    return -math.expm1(-hazard)


@nb.njit(cache=True)
def withdraw(state: Any, book: Any, now_ms: int, uniforms: Any, actions: Any, n: int) -> int:  # noqa: PLR0917 - flat arguments
    """Makers cancel what is gone, too close, too far or by chance; a free slot has oid 0. The new count."""
    for side in range(2):
        for slot in range(N_SLOTS):
            oid = state.oid[side, slot]
            if oid == 0:
                continue
            if find(book, oid) == NONE:
                state.oid[side, slot] = 0
                continue
            fair_ticks = believed(state, side, slot)
            away_bps = SIGN[side] * (fair_ticks - state.px_ticks[side, slot]) / fair_ticks * BPS
            near_bps, spread_bps = band(state, slot)
            keep = TOO_CLOSE * near_bps <= away_bps <= near_bps + TOO_FAR * spread_bps
            if not keep or uniforms[(side * N_SLOTS + slot) * PER_SLOT] < cancel_chance(state, side, slot):
                n = write_action(actions, n, now_ms, CANCEL, side, ALO, oid, 0, 0)
                state.oid[side, slot] = 0
    return n


@nb.njit(cache=True)
def quote(state: Any, now_ms: int, chance: float, uniforms: Any, actions: Any, n: int) -> int:  # noqa: PLR0917 - flat arguments
    """Makers post into free slots at exponential distances beyond the smallest one. The new count."""
    for side in range(2):
        for slot in range(N_SLOTS):
            first = (side * N_SLOTS + slot) * PER_SLOT
            if state.oid[side, slot] != 0 or uniforms[first + 1] >= chance:
                continue
            near_bps, spread_bps = band(state, slot)
            away_bps = near_bps + exponential(uniforms[first + 2], spread_bps)
            fair_ticks = believed(state, side, slot)
            px = round_px(fair_ticks * (1.0 - SIGN[side] * away_bps / BPS), state.px_decimals, side == 1)
            lots = lots_of(stretched(uniforms[first + 3], state.order_usd, state.quote_shape), fair_ticks)
            state.next_oid -= 1
            state.oid[side, slot] = state.next_oid
            state.px_ticks[side, slot] = px
            state.born[side, slot] = state.block
            n = write_action(actions, n, now_ms, PLACE, side, ALO, state.next_oid, px, lots)
    return n


@nb.njit(cache=True)
def take(  # noqa: PLR0917 - flat arguments
    state: Any, coin: int, fair_ticks: float, now_ms: int, arrivals: Any, start: int, stop: int, actions: Any, n: int
) -> int:
    """Market orders of a coin among `arrivals`, each as far beyond the efficient price as it reaches. The new count."""
    for at in range(start, stop):
        arrival = arrivals[at]
        if arrival.coin != coin:
            continue
        side = arrival.side
        px = round_px(fair_ticks * (1.0 + SIGN[side] * arrival.reach_bps / BPS), state.px_decimals, side == 1)
        state.next_oid -= 1
        lots = lots_of(arrival.usd, fair_ticks)
        n = write_action(actions, n, now_ms, PLACE, side, IOC, state.next_oid, px, lots)
    return n


@nb.njit(cache=True)
def correct(state: Any, book: Any, fair_ticks: float, now_ms: int, uniforms: Any, actions: Any, n: int) -> int:  # noqa: PLR0917 - flat arguments
    """Arbitrage against quotes on the wrong side of the efficient price. The new count."""
    for side in range(2):
        other = best_px(book, 1 - side)
        wrong_bps = SIGN[side] * (fair_ticks - other) / fair_ticks * BPS
        chance = uniforms[2 * N_SLOTS * PER_SLOT + side]
        if other != 0 and wrong_bps > state.arbitrage_bps and chance < state.arbitrage_chance:
            px = round_px(fair_ticks, state.px_decimals, side == 1)
            lots = lots_of(state.market_usd, fair_ticks)
            state.next_oid -= 1
            n = write_action(actions, n, now_ms, PLACE, side, IOC, state.next_oid, px, lots)
    return n


@nb.njit(cache=True)
def draw_block(  # noqa: PLR0917 - flat arguments
    states: Any,
    i: int,
    books: Any,
    j: int,
    fair_ticks: float,
    now_ms: int,
    uniforms: Any,
    arrivals: Any,
    start: int,
    stop: int,
    actions: Any,
) -> int:
    """All background actions of one block, makers before takers (HL §7.2).

    Args:
        states: BACKGROUND records.
        i: index of the coin in them.
        books: BOOK records, read only.
        j: index of the coin's book in them.
        fair_ticks: efficient price now.
        now_ms: venue time of the block.
        uniforms: N_UNIFORMS numbers in [0, 1).
        arrivals: ARRIVAL records of all coins.
        start: first of this block among them.
        stop: one past its last.
        actions: at least N_ACTIONS + stop - start records to write to.

    Returns:
        actions written.
    """
    state, book = states[i], books[j]
    state.block += 1
    state.past_ticks[state.block % N_PAST] = fair_ticks
    n = withdraw(state, book, now_ms, uniforms, actions, 0)
    n = quote(state, now_ms, state.quote_chance, uniforms, actions, n)
    n = take(state, i, fair_ticks, now_ms, arrivals, start, stop, actions, n)
    n_all: int = correct(state, book, fair_ticks, now_ms, uniforms, actions, n)
    return n_all


@nb.njit(cache=True)
def draw_first(states: Any, i: int, fair_ticks: float, now_ms: int, uniforms: Any, actions: Any) -> int:  # noqa: PLR0917 - flat arguments
    """Makers fill every slot of an empty book; actions written."""
    state = states[i]
    state.past_ticks[:] = fair_ticks
    n: int = quote(state, now_ms, 1.0, uniforms, actions, 0)
    return n


def new_backgrounds(n: int) -> np.ndarray[Any, Any]:
    """Empty BACKGROUND records of n coins."""
    return np.zeros(n, BACKGROUND)
