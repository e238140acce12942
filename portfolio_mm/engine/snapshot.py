"""What was known at an order's placement, kept with the order until its markouts are due (H2, architecture law 6)."""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.estimators import informed, regimes
from portfolio_mm.models import fair_row
from portfolio_mm.models import features as at
from portfolio_mm.models.features import N_FEATURES

SNAPSHOT = record(
    [
        ("decision", "i8"),
        ("placed_ns", "i8"),
        ("mid_px", "f8"),
        ("fair_px", "f8"),
        ("distance_bps", "f8"),
        ("adverse_bps", "f8"),
        ("fill_probability", "f8"),
        ("signals_off", "i8"),
        ("features", "f4", (N_FEATURES,)),
    ]
)
"""`placed_ns` block time; `distance_bps` from fair, outwards; `adverse_bps` expected then of its level; `signals_off`
the mask of signals that were switched off for the experiment (bit i: SIGNALS[i])."""


@nb.njit(cache=True)
def take(st: Any, p: Any, side: int, px_ticks: int, snap: Any) -> None:
    """Write what is known now about an order of `side` at `px_ticks`."""
    quote, sign = st.quote, 1.0 - 2.0 * side
    snap.decision = st.orders.decision + 1
    snap.placed_ns = st.clock.venue_ns
    snap.mid_px = quote.mid_px
    snap.fair_px = quote.fair_px
    snap.distance_bps = np.nan
    if quote.mid_px > 0.0:
        snap.distance_bps = sign * (quote.fair_px - px_ticks / p.ticks_per_usd) / quote.mid_px * 1e4
    snap.adverse_bps = quote.adverse_bps[side]
    snap.fill_probability = np.nan
    snap.signals_off = st.signals.off_mask
    describe(st, p, snap.features)


@nb.njit(cache=True)
def describe(st: Any, p: Any, row: Any) -> None:
    """The features known now; the others are NaN."""
    row[:] = np.nan
    # book and flow
    row[at.MICRO_DEV] = st.fair.micro_dev_bps
    row[at.ORDER_FLOW] = st.fair.x[fair_row.ORDER_FLOW]
    row[at.TRADE_IMBALANCE] = st.fair.x[fair_row.TRADE_IMBALANCE]
    row[at.BUY_PRESSURE] = st.order_flow.pressure_z
    row[at.VPIN] = st.order_flow.vpin_excess
    row[at.REFERENCE_MOVE] = st.fair.x[fair_row.MOVE]
    row[at.BASIS] = -st.fair.x[fair_row.GAP]
    # volatility and regimes
    if st.vol.minutes > 0 and st.vol.median_bps > 0.0:
        row[at.SIGMA_RATIO] = math.log(st.vol.sigma_bps / st.vol.median_bps)
    if st.jumps.ready == 1:
        row[at.JUMP_Z] = st.jumps.jump_z
    if st.regimes.ready == 1:
        row[at.STORM] = st.regimes.state_probability[regimes.STORM]
    # arrivals and queue
    if st.hawkes.ready == 1:
        row[at.EXCITATION_BUY] = st.hawkes.excitation[0]
        row[at.EXCITATION_SELL] = st.hawkes.excitation[1]
    # informed flow and impact
    if st.informed.ready == 1:
        row[at.INFORMED] = informed.probability_at(st.informed, p.informed, st.clock.venue_ns)
    if st.impact.ready == 1:
        row[at.KYLE] = st.impact.kyle_bps

    # carry and cascade
    if st.funding.ready == 1:
        row[at.CARRY] = st.funding.expected_bps
    if st.cascade.ready == 1:
        row[at.CASCADE] = st.cascade.hazard_probability
    row[at.SPREAD] = (st.book.px[1] - st.book.px[0]) / st.fair.mid_px * 1e4


@nb.njit(cache=True)
def copy_snapshot(target: Any, source: Any) -> None:
    """Copy one SNAPSHOT."""
    target.decision = source.decision
    target.placed_ns = source.placed_ns
    target.mid_px = source.mid_px
    target.fair_px = source.fair_px
    target.distance_bps = source.distance_bps
    target.adverse_bps = source.adverse_bps
    target.fill_probability = source.fill_probability
    target.signals_off = source.signals_off
    target.features[:] = source.features


@nb.njit(cache=True)
def clear_snapshot(snap: Any) -> None:
    """Nothing is known of the placement."""
    snap.decision = 0
    snap.placed_ns = 0
    snap.mid_px = np.nan
    snap.fair_px = np.nan
    snap.distance_bps = np.nan
    snap.adverse_bps = np.nan
    snap.fill_probability = np.nan
    snap.signals_off = 0
    snap.features[:] = np.nan
