"""Commands, and what sending them does to the slots. The cloid layout is that of domain/cloid.py, on unsigned words."""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.cloid import MARK, SERIAL_BITS
from portfolio_mm.domain.commands import REDUCE_ONLY, SAFETY, CommandKind
from portfolio_mm.engine import actions, places, snapshot, viability
from portfolio_mm.engine.orders import COMMANDED, MODIFYING, PENDING

PLACE, MODIFY, CANCEL = int(CommandKind.PLACE), int(CommandKind.MODIFY), int(CommandKind.CANCEL)
MAX_COMMANDS: Final = 64
"""Room a caller gives `step`: at most two cancels for each of six slots are ever written."""


@nb.njit(cache=True)
def cloid_hi(run: int, coin: int, side: int, level: int) -> int:
    """High word: run, coin, side, level, mark."""
    low = np.uint64((coin << 16) | (side << 15) | (level << 8) | MARK)
    return (np.uint64(run) << np.uint64(32)) | low  # type: ignore[return-value]


@nb.njit(cache=True)
def cloid_lo(epoch: int, serial: int) -> int:
    """Low word: epoch of this coin at the gateway, serial of the order."""
    return (np.uint64(epoch) << np.uint64(SERIAL_BITS)) | np.uint64(serial)  # type: ignore[return-value]


@nb.njit(cache=True)
def _head(st: Any, p: Any, ev: Any, cmd: Any, kind: int, side: int, level: int, gain_usd: float) -> None:  # noqa: PLR0917 - kernels take flat arguments
    """Fields every command has; the others are zeroed."""
    cmd.kind = kind
    cmd.coin = p.coin
    cmd.side = side
    cmd.level = level
    cmd.bits = 0
    cmd.cause = ev.kind
    cmd.px_ticks = 0
    cmd.sz_lots = 0
    cmd.cloid_hi = 0
    cmd.cloid_lo = 0
    cmd.target_hi = 0
    cmd.target_lo = 0
    cmd.decision = st.orders.decision + 1
    cmd.cause_ns = ev.recv_ns
    cmd.cause_ms = ev.venue_ms
    cmd.gain_usd = gain_usd
    cmd.fair_px = st.fair.fair_px if st.fair.ready == 1 else 0.0
    actions.count(st)


@nb.njit(cache=True)
def _create(st: Any, p: Any, cmd: Any, side: int, level: int) -> None:
    """Fill the coming leg and the command with the wanted order under a new cloid."""
    orders, quote = st.orders, st.quote
    orders.serial += 1
    leg = orders.slots[side, level].leg[1]
    leg.state = PENDING
    leg.reduce_only = quote.reduce_only[side, level]
    leg.px_ticks = quote.px_ticks[side, level]
    leg.lots = quote.lots[side, level]
    leg.placed_lots = quote.lots[side, level]
    leg.filled_lots = 0
    leg.cloid_hi = cloid_hi(orders.run, p.coin, side, level)
    leg.cloid_lo = cloid_lo(orders.epoch, orders.serial)
    leg.oid = 0
    leg.fair_px = st.fair.fair_px
    leg.sent_ns = st.clock.recv_ns
    leg.live_ns = 0
    leg.cancel_ns = 0
    snapshot.take(st, p, side, leg.px_ticks, leg.snap)
    leg.snap.adverse_bps = viability.placed_adverse_bps(st, p, side, level)
    places.describe(st, p, side, leg)
    cmd.bits = REDUCE_ONLY if leg.reduce_only == 1 else 0
    cmd.px_ticks = leg.px_ticks
    cmd.sz_lots = leg.lots
    cmd.cloid_hi = leg.cloid_hi
    cmd.cloid_lo = leg.cloid_lo


@nb.njit(cache=True)
def place(st: Any, p: Any, ev: Any, commands: Any, n: int, side: int, level: int, gain_usd: float) -> int:  # noqa: PLR0917 - kernels take flat arguments
    """Ask for a new order; the number of commands after it."""
    _head(st, p, ev, commands[n], PLACE, side, level, gain_usd)
    _create(st, p, commands[n], side, level)
    st.counters.placed += 1
    return n + 1


@nb.njit(cache=True)
def modify(st: Any, p: Any, ev: Any, commands: Any, n: int, side: int, level: int, gain_usd: float) -> int:  # noqa: PLR0917 - kernels take flat arguments
    """Ask to replace the resting order by the wanted one; the number of commands after it."""
    old = st.orders.slots[side, level].leg[0]
    _head(st, p, ev, commands[n], MODIFY, side, level, gain_usd)
    _create(st, p, commands[n], side, level)
    commands[n].target_hi = old.cloid_hi
    commands[n].target_lo = old.cloid_lo
    old.state = MODIFYING
    st.counters.modified += 1
    return n + 1


@nb.njit(cache=True)
def cancel(  # noqa: PLR0917 - kernels take flat arguments
    st: Any,
    p: Any,
    ev: Any,
    commands: Any,
    n: int,
    side: int,
    level: int,
    at: int,
    gain_usd: float,
    is_safety: bool,  # noqa: FBT001 - compiled
) -> int:
    """Ask to cancel one order; the number of commands after it."""
    leg = st.orders.slots[side, level].leg[at]
    _head(st, p, ev, commands[n], CANCEL, side, level, gain_usd)
    commands[n].target_hi = leg.cloid_hi
    commands[n].target_lo = leg.cloid_lo
    if is_safety:
        commands[n].bits = SAFETY
        st.counters.safety += 1
    leg.state = COMMANDED[leg.state]
    leg.cancel_ns = st.clock.recv_ns
    st.counters.cancelled += 1
    return n + 1
