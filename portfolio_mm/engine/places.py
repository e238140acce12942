"""Own orders and the public book, brought together for estimators/queue.py: who rests, what frames and prints say.

Place = LEVELS side + level, of leg 0. An order counts as resting from its acceptance until it is gone; lots at a price
are those of others (book.py).
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.events import REPLAYED
from portfolio_mm.engine import book, signals
from portfolio_mm.engine.exposure import notional_usd
from portfolio_mm.engine.orders import CANCELLING, LEVELS, LIVE, MODIFYING
from portfolio_mm.engine.terms import arrivals, volatility
from portfolio_mm.estimators import queue
from portfolio_mm.models import features, fill_bets
from portfolio_mm.models.burst import hear_print
from portfolio_mm.models.depth_grid import place_of
from portfolio_mm.models.walk import spacing_bps

HEARS = ("BBO", "BOOK", "TRADE", "FILL", "TIMER")


@nb.njit(cache=True)
def follow(st: Any, p: Any) -> float:
    """Tell the places which orders rest, and when they are looked at, what reaches them (TIMER).

    Returns:
        Value of a lot at mid, USD, 0 before the first book.
    """
    is_due = queue.is_due(st.queue, st.clock.venue_ns)
    for side in range(2):
        at, is_live = -1, False
        for level in range(LEVELS):
            leg, i = st.orders.slots[side, level].leg[0], side * LEVELS + level
            if leg.lots > 0 and (leg.state in (LIVE, CANCELLING, MODIFYING)):
                if leg.cloid_lo == st.queue.bets[fill_bets.NEW + side].key:
                    at, is_live = i, leg.state == LIVE
                queue.stand(st.queue, i, leg.cloid_lo, leg.px_ticks, leg.lots, st.clock.venue_ns)
                if is_due:
                    reach(st, p, i, side, leg.px_ticks)
                if leg.state != LIVE:
                    fill_bets.leaving(st.queue, i)
            else:
                queue.stand(st.queue, i, 0, 0, 0.0, st.clock.venue_ns)
        fill_bets.watch(st.queue, side, at, is_live)
    return notional_usd(1, 0.5 * st.book.mid2)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def reach(st: Any, p: Any, i: int, side: int, px_ticks: int) -> None:
    """How often sweeps reach a price of place `i` now, how that changes as fair comes or goes, and how fair walks.

    Sigma is that of quotes. It may have changed since it was measured, by vol-of-vol in the horizon of that part.
    """
    walk, sigma_bps, fair_ticks = st.queue.walks[i], volatility.sigma_bps(st, p), st.fair.fair_px * p.ticks_per_usd
    if st.fair.ready == 0 or not fair_ticks > 0.0:
        fair_ticks = 0.5 * st.book.mid2
    st.queue.lead_bps = 1e4 * (2.0 * fair_ticks / max(1, st.book.mid2) - 1.0)
    depth_bps = 1e4 * (1.0 - 2.0 * side) * (1.0 - px_ticks / max(1.0, fair_ticks))
    here_bps, away_bps = max(0.0, depth_bps), spacing_bps(sigma_bps, p.queue.judging.horizon_s)
    near_bps = max(0.0, here_bps - away_bps)
    here = _log_rate(st, side, here_bps)
    nearer = max(0.0, _log_rate(st, side, near_bps) - here)
    walk.depth_bps, walk.sigma_bps = depth_bps, sigma_bps
    walk.nearer_per_bps = nearer / max(1e-9, here_bps - near_bps)
    walk.farther_per_bps = max(0.0, here - _log_rate(st, side, here_bps + away_bps)) / max(1e-9, away_bps)
    walk.most_ratio = math.exp(max(nearer, _log_rate(st, side, 0.0) - here))
    walk.log_sd = min(1.0, st.signals.applied[signals.VOL_OF_VOL] * st.vov.vov * math.sqrt(p.vov.horizon_s))
    printed_per_s = 0.0
    for j in range(st.arrivals.bucket_per_s.shape[1]):
        printed_per_s += st.arrivals.bucket_per_s[1 - side, j]
    reach_per_s = math.exp(here) * arrivals.factor(st, p, side)
    st.queue.reach_share[i] = reach_per_s / max(1e-9, printed_per_s)


@nb.njit(cache=True)
def _log_rate(st: Any, side: int, depth_bps: float) -> float:
    """Log of the rate at which sweeps reach a distance from fair; by the exponential fit before there is a table."""
    if st.viability.ready == 0:
        fitted = math.log(max(1e-9, st.intensity.market_a_per_s[side]))
        return fitted - min(50.0, st.intensity.k_per_bps[side] * depth_bps)  # type: ignore[no-any-return]
    j, part_share = place_of(depth_bps)
    log_rate = st.viability.table_log_per_s[side]
    return log_rate[j] + part_share * (log_rate[j + 1] - log_rate[j])  # type: ignore[no-any-return]


@nb.njit(cache=True)
def observe(st: Any, p: Any, ev: Any, has_levels: bool) -> None:  # noqa: FBT001 - compiled: positional only
    """A frame shows the lots at our prices, if they are among its levels."""
    frame_ns = ev.venue_ms * 1_000_000
    if has_levels and st.book.levels_ns != frame_ns:
        return
    for i in range(fill_bets.PLACES):
        place, side = st.queue.places[i], i // LEVELS
        if place.key == 0:
            continue
        if has_levels:
            for level in range(st.book.level_ticks.shape[1]):
                if st.book.level_ticks[side, level] == place.px_ticks:
                    lots = st.book.level_sz[side, level] * p.lots_per_coin
                    queue.see(st.queue, p.queue, i, frame_ns, lots)
        elif (ev.bid_ticks if side == 0 else ev.ask_ticks) == place.px_ticks:
            shown = ev.bid_sz[0] if side == 0 else ev.ask_sz[0]
            lots = int(shown * p.lots_per_coin + 0.5)
            others = book.others_lots(st.orders, side, place.px_ticks, lots, st.clock.recv_ns)
            queue.see(st.queue, p.queue, i, frame_ns, float(others))


@nb.njit(cache=True)
def on_trade(st: Any, p: Any, ev: Any) -> None:
    """A print at or beyond our prices on the side it hits, and those of orders taken away a moment ago."""
    side = 1 - ev.side
    sign, ticks = 1 - 2 * side, int(ev.px * p.ticks_per_usd + 0.5)
    fill_bets.passed(st.queue, p.queue.judging, side, ev.venue_ms * 1_000_000, ev.sz * p.lots_per_coin, ticks)
    hear_print(st.queue.burst, side, ev.venue_ms * 1_000_000, p.queue.burst_s)
    for level in range(LEVELS):
        i = side * LEVELS + level
        place = st.queue.places[i]
        if place.key != 0 and sign * (place.px_ticks - ticks) >= 0:
            is_through = place.px_ticks != ticks
            queue.trade(st.queue, p.queue, i, ev.venue_ms * 1_000_000, ev.sz * p.lots_per_coin, is_through)


@nb.njit(cache=True)
def on_fill(st: Any, p: Any, ev: Any) -> None:
    """An own maker fill of this coin."""
    if ev.coin == p.coin and ev.bits & REPLAYED == 0:
        fill_ns = ev.venue_ms * 1_000_000 if ev.venue_ms > 0 else st.clock.venue_ns
        fill_bets.filled(st.queue, p.queue.judging, ev.cloid_lo, fill_ns)


@nb.njit(cache=True)
def lots_at(st: Any, p: Any, side: int, px_ticks: int) -> float:
    """Lots of others at a price now, 0 where nobody stands; NaN beyond what the book shows."""
    ahead = (1 - 2 * side) * (px_ticks - st.book.ticks[side])
    if ahead > 0:
        return 0.0
    if ahead == 0:
        return st.book.sz[side] * p.lots_per_coin  # type: ignore[no-any-return]
    for level in range(st.book.level_ticks.shape[1]):
        ticks = st.book.level_ticks[side, level]
        if ticks == px_ticks:
            return st.book.level_sz[side, level] * p.lots_per_coin  # type: ignore[no-any-return]
        if ticks > 0 and (1 - 2 * side) * (px_ticks - ticks) > 0:
            return 0.0  # between two levels that are shown
    return np.nan


@nb.njit(cache=True)
def describe(st: Any, p: Any, side: int, leg: Any) -> None:
    """Keep with a new order what its place promises: share of its level before it, calibrated P(fill)."""
    ahead_lots = lots_at(st, p, side, leg.px_ticks)
    if math.isnan(ahead_lots):
        return
    leg.snap.features[features.AHEAD] = ahead_lots / (ahead_lots + max(1, leg.lots))
    if st.quote.value_usd_per_lot > 0.0:
        new = fill_bets.NEW
        reach(st, p, new, side, leg.px_ticks)
        flow, usd_per_lot = st.arrivals, st.quote.value_usd_per_lot
        said = queue.new_fill(st.queue, p.queue, new, side, ahead_lots, flow.bucket_per_s, flow.bucket_usd, usd_per_lot)
        fill_bets.placed(st.queue, p.queue.judging, side, leg.cloid_lo, leg.px_ticks, ahead_lots, said)
        leg.snap.fill_probability = said if st.queue.ready == 1 else np.nan
