"""Can a quote pay? Per side, once a second: the best of expected gain against the price of the actions it needs.

At depth d (bps from fair), with clip z, fee f, rate Lambda(d) and adverse selection AS(d) of what reaches d:

    gain(d) = Lambda(d) (d - f - AS(d)) z 1e-4        USD per second
    cost(d) = keeping the quote there (models/upkeep.py) + Lambda(d) P for the order that follows a fill

P is a cost of every fill, so the GLFT depth f + AS + P / z + 1/k goes outwards as actions become scarce: quotes get
wide and rare before they fall silent.

AS(d) counts from the moment before the fill; what fair did between an order's placement and then, the approach, is part
of cost(d) here (an order off its best place) and of the expected adverse selection of quoting.py.
To AS(d) is added what own fills have lost beyond what sweeps on others say there, as far as they are known, and what a
fill costs now beyond its average: toxicity, the loss to jumps at d, own impact.

Lambda is what the depth profile counted, with the exponential fit as its prior (models/reach.py); a quarter of it is
the other side's, because which side flow hits changes within minutes. Nearer than the nearest order sweeps pass unseen:
counts there are divided by the share that is seen (models/touch.py). AS is pooled over both
sides, because the drift of one half hour separates the sides and predicts nothing, and never falls with depth: what
reaches deeper was informed at least as well. A quote is given the benefit of `optimism_errors` standard errors, since
quoting is how one learns. A side starts when cost < START gain and is kept while cost < KEEP gain.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.engine import actions
from portfolio_mm.engine.terms import impact, jump, toxicity
from portfolio_mm.estimators import depth_profile, markouts
from portfolio_mm.models import upkeep
from portfolio_mm.models.depth_grid import DEPTH_BPS, DEPTHS, place_of
from portfolio_mm.models.reach import first_rate, went_on
from portfolio_mm.models.touch import seen_shares

HEARS = ("TIMER", "BBO", "BOOK", "ACCOUNT", "ALLOCATION")
START = 0.9
KEEP = 0.97
"""Largest share of the gain that actions may cost: to start quoting, and to go on."""
CLEARLY = 1.25
"""The GLFT depth is left for another one only when that is worth this much more."""
LEAST_SEEN: Final = 0.05
"""What is counted of sweeps that reach far less than any order stands is raised twentyfold at most."""
LOG_RARE: Final = math.log(1.0 / 600.0)
"""A depth reached less often than every ten minutes decides nothing."""
LEAST_PER_S = 1e-30
"""No rate counts as smaller: its logarithm is kept."""


@nb.njit(cache=True)
def _tabulate(st: Any, p: Any) -> None:
    """Adverse selection and the rate of each side, at every depth of the profile's grid."""
    viability, depth = st.viability, st.depth
    for j in range(DEPTHS):
        adverse_bps, se_bps = depth_profile.said_bps(depth, j), depth.pool.adverse_se_bps[j]
        if j > 0 and adverse_bps < viability.table_adverse_bps[j - 1]:
            adverse_bps = viability.table_adverse_bps[j - 1]
            if depth.pool.labels[j] >= p.evidence_count:
                se_bps = viability.table_se_bps[j - 1]
        viability.table_adverse_bps[j] = adverse_bps
        viability.table_se_bps[j] = se_bps
    for side in range(2):
        _reach(st, p, side)
    for j in range(DEPTHS):
        bid_per_s, ask_per_s = viability.table_log_per_s[0, j], viability.table_log_per_s[1, j]
        viability.table_log_per_s[0, j] = _log_rate(0.75 * bid_per_s + 0.25 * ask_per_s)
        viability.table_log_per_s[1, j] = _log_rate(0.75 * ask_per_s + 0.25 * bid_per_s)


@nb.njit(cache=True)
def _reach(st: Any, p: Any, side: int) -> None:
    """How often one side is reached at every depth of the grid (1/s), into its row of the table."""
    depth, k, grid = st.depth, st.intensity.k_per_bps[side], DEPTH_BPS
    row, before, rate = st.viability.table_log_per_s[side], 0.0, 0.0
    seen_shares(st.intensity.touch, side, grid, k, row)  # each until its rate is known
    for j in range(DEPTHS):
        seen = max(LEAST_SEEN, row[j])
        reached = depth.reached[side, j] / seen
        if j == 0:
            fitted = st.intensity.market_a_per_s[side] * math.exp(-min(50.0, k * grid[0]))
            rate = first_rate(fitted, depth.reached[side, 0], seen * depth.exposure_s, p.fit_count)
        else:
            counted = min(1.0, reached / before) if before > 0.0 else 0.0
            fitted = math.exp(-min(50.0, k * (grid[j] - grid[j - 1])))
            rate *= went_on(fitted, depth.reached[side, j - 1], counted, p.fit_count)
        st.viability.table_log_per_s[side, j] = rate
        before = reached


@nb.njit(cache=True)
def _log_rate(rate_per_s: float) -> float:
    return math.log(max(rate_per_s, LEAST_PER_S))


@nb.njit(cache=True)
def adverse_at(viability: Any, j: int, part_share: float) -> tuple[float, float]:
    """AS(d) of the last table and its standard error, bps, at a place of `place_of`."""
    adverse, se = viability.table_adverse_bps, viability.table_se_bps
    return adverse[j] + part_share * (adverse[j + 1] - adverse[j]), se[j] + part_share * (se[j + 1] - se[j])


@nb.njit(cache=True)
def _fill_rate(st: Any, side: int, j: int, part_share: float) -> tuple[float, float]:
    """Rate (1/s) at which a quote there is reached, times our efficiency, and its decay there (1/bps)."""
    log_rate, grid = st.viability.table_log_per_s[side], DEPTH_BPS
    rate = math.exp(log_rate[j] + part_share * (log_rate[j + 1] - log_rate[j])) * st.intensity.efficiency[side]
    before = 1 if part_share <= 0.5 else 0
    first, last = max(0, j - before), min(DEPTHS - 1, j + 2 - before)
    k = (log_rate[first] - log_rate[last]) / (grid[last] - grid[first])
    return rate, max(k, 0.1 * st.intensity.k_per_bps[side], 1e-4)


@nb.njit(cache=True)
def reach_rate(st: Any, side: int, depth_bps: float) -> float:
    """The same rate at a depth, before our efficiency, as of the last table; NaN before the first."""
    if st.viability.ready == 0:
        return np.nan
    j, part_share = place_of(depth_bps)
    log_rate = st.viability.table_log_per_s[side]
    return math.exp(log_rate[j] + part_share * (log_rate[j + 1] - log_rate[j]))


@nb.njit(cache=True)
def now_cost_bps(st: Any, p: Any, side: int) -> float:
    """What a fill costs now beyond fee and average adverse selection at every depth: toxicity, own impact."""
    return toxicity.extra_bps(st, p, side) + impact.own_bps(st, p, side)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def hear_own(st: Any, p: Any) -> None:
    """What own fills lose from the fill on beyond the table, as a quote is charged it (quoting.py)."""
    view = st.viability
    view.own_bps, view.own_se_bps = markouts.beyond(st.markouts, p.markouts, view.table_adverse_bps, p.own_prior_count)


@nb.njit(cache=True)
def assess(st: Any, p: Any) -> None:
    """Set depth, verdict and numbers of both sides.

    A depth is considered when its mean net is above the floor of quoting.py; it is left to GLFT (quote_depth_bps 0)
    unless another depth of the grid is worth clearly more.
    """
    viability = st.viability
    viability.liquidity = 0.0
    _tabulate(st, p)
    hear_own(st, p)
    own_bps = viability.own_bps
    for side in range(2):
        bar = KEEP if viability.pays[side] == 1 else START
        now_bps = now_cost_bps(st, p, side) + own_bps
        glft_bps = _survey(st, p, side, now_bps)
        best = _weigh(st, p, side, glft_bps, now_bps, bar, -math.inf)
        best_bps, known_bps = glft_bps, 0.0
        best *= CLEARLY if best > 0.0 else 1.0
        least = LOG_RARE - math.log(max(st.intensity.efficiency[side], 1e-9))
        paid_bps = st.account.maker_fee_bps + actions.cost_bps(st, p) + now_bps
        for j in range(DEPTHS):
            depth_bps = DEPTH_BPS[j]
            if viability.table_log_per_s[side, j] < least or depth_bps > p.max_half_spread_bps:
                continue
            net_bps = depth_bps - paid_bps - viability.table_adverse_bps[j] - jump.premium_bps(st, p, side, depth_bps)
            if net_bps >= max(p.min_edge_bps, p.floor_errors * viability.table_se_bps[j]):
                worth = _weigh(st, p, side, depth_bps, now_bps, bar, max(best, 0.0))
                if worth > max(best, 0.0):
                    best, best_bps, known_bps = worth, depth_bps, depth_bps
        if viability.best_depth_bps[side] != best_bps:  # another depth was weighed since
            _weigh(st, p, side, best_bps, now_bps, bar, -math.inf)
        viability.pays[side] = 1 if best > 0.0 else 0
        viability.quote_depth_bps[side] = known_bps
        viability.near_bps[side] = best_bps
        viability.more_bps[side] = now_bps - own_bps + jump.premium_bps(st, p, side, best_bps)
        j, part_share = place_of(best_bps)
        rate, k = _fill_rate(st, side, j, part_share)
        viability.rate_per_s[side] = rate
        viability.k_per_bps[side] = k
        _approach(st, p, side, rate, k)
    viability.seen += 1
    viability.last_ns = st.clock.recv_ns
    viability.ready = 1


@nb.njit(cache=True)
def _approach(st: Any, p: Any, side: int, rate: float, k: float) -> None:
    """How far fair comes to orders of `side` that wait: as it did, shrunk to what the band they are kept in makes."""
    b = upkeep.band_of_quote(rate, k, st.vol.sigma_bps, p.clip_usd, actions.own_price_usd(st, p))
    st.viability.band[side] = b
    st.viability.approach_bps[side] = markouts.waited_of(st.markouts, p.markouts, upkeep.approach(b) / k)


@nb.njit(cache=True)
def placed_adverse_bps(st: Any, p: Any, side: int, level: int) -> float:
    """What a fill of an order placed now on `level` will have lost since: the forecast that goes with the order.

    The approach is that of fills, and loss after the fill that of the depth which it leaves. A deeper level is reached
    e^(-k step) times as often, so its band is e^(k step / 4) times as wide (G(b) is b^4 / 12).
    """
    viability, step_bps = st.viability, level * p.level_step_bps
    k = viability.k_per_bps[side]
    mean_bps = markouts.approach_of(st.markouts, p.markouts, viability.approach_bps[side], 1.0 / max(k, 1e-3))
    if level > 0:
        b = viability.band[side]
        wider = min(upkeep.NEVER_BEYOND, b * math.exp(min(5.0, 0.25 * k * step_bps)))
        mean_bps *= min(2.0, upkeep.approach(wider) / max(upkeep.approach(b), 1e-9))
    j, part_share = place_of(st.quote.distance_bps[side] + step_bps - mean_bps)
    return adverse_at(viability, j, part_share)[0] + viability.own_bps + mean_bps  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _survey(st: Any, p: Any, side: int, now_bps: float) -> float:
    """Adverse selection and liquidity at the GLFT depth f + P + AS + 1/k + h, which is returned (bps).

    The depth depends on AS and AS on the depth: two steps of the fixed point are taken. (Where adverse selection grows
    faster than depth there is none, and no depth pays.) D = 2 A_eff C k z is 2 k z times the rate at the best depth,
    which is measured.
    """
    viability = st.viability
    start_bps = st.account.maker_fee_bps + actions.cost_bps(st, p) + 1.0 / max(st.intensity.k_per_bps[side], 1e-6)
    start_bps += now_bps + jump.premium_bps(st, p, side, start_bps)
    j, part_share = place_of(start_bps)
    adverse_bps, _ = adverse_at(viability, j, part_share)
    j, part_share = place_of(start_bps + adverse_bps)
    adverse_bps, se_bps = adverse_at(viability, j, part_share)
    viability.adverse_bps[side] = adverse_bps
    viability.adverse_se_bps[side] = se_bps
    j, part_share = place_of(start_bps + adverse_bps)
    rate, k = _fill_rate(st, side, j, part_share)
    viability.liquidity += rate * k * p.clip_usd
    return max(0.1, start_bps + adverse_bps + 0.5 * p.clip_usd * st.quote.own_skew_bps_per_usd)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def rate_near(st: Any, side: int, depth_bps: float) -> tuple[float, float]:
    """Rate and decay at a depth by the local exponential of the last assessment."""
    viability = st.viability
    k = viability.k_per_bps[side]
    away = max(-20.0, min(50.0, k * (depth_bps - viability.near_bps[side])))
    return viability.rate_per_s[side] * math.exp(-away), k


@nb.njit(cache=True)
def _weigh(  # noqa: PLR0917 - kernels take flat arguments
    st: Any, p: Any, side: int, depth_bps: float, now_bps: float, bar: float, least_usd_per_s: float
) -> float:
    """Write the numbers of one depth; what `bar` times the gain leaves above the cost, USD per second.

    Where even a quote kept for nothing would not leave more than `least_usd_per_s`, that bound, and nothing is written.
    """
    viability, price_usd = st.viability, actions.price_usd(st, p)
    j, part_share = place_of(depth_bps)
    adverse_bps, se_bps = adverse_at(viability, j, part_share)
    net_bps = depth_bps - st.account.maker_fee_bps - adverse_bps - now_bps
    rate, k = _fill_rate(st, side, j, part_share)
    net_bps -= jump.loss_bps_per_s(st, p, side, depth_bps) / max(rate, 1e-9)
    gain = rate * (net_bps + p.optimism_errors * se_bps) * p.clip_usd * 1e-4
    cost = rate * price_usd
    if bar * gain - cost <= least_usd_per_s:
        return bar * gain - cost  # type: ignore[no-any-return]
    cost += upkeep.cost_usd_per_s(gain - cost, k, st.vol.sigma_bps, price_usd)
    viability.best_depth_bps[side] = depth_bps
    viability.net_bps[side] = net_bps
    viability.gain_usd_per_s[side] = gain
    viability.cost_usd_per_s[side] = cost
    return bar * gain - cost  # type: ignore[no-any-return]
