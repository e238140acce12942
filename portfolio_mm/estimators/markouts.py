"""Signed markouts of own maker fills (C9) at 0.5, 1, 5, 30 and 60 s, per side.

At a fill the fair value *at placement* is kept; when a horizon is due, the first mid at or after it resolves
    markout = sign (mid_h - px) / fair * 1e4        (profit, before fees)
    adverse = sign (fair - mid_h) / fair * 1e4      (loss; markout = captured - adverse, exactly)
with sign +1 for a buy. Never the mid at the fill: that learns our own quoting distance, not adverse selection.
Of the loss, the approach sign (fair - fair just before the fill) / fair is older than the fill, and known at once. What
is learned for quotes is the rest, the loss after the fill, against what sweeps on others lose at the fill's depth
(models/own_loss.py), beside what approach costs a placement (models/approach.py). The mean approach of fills is for
forecasts only: it grows with the distance we choose, and would widen quotes for having been wide. Of a fill whose
approach is not known (`unjudged`) neither part is learned; its markout and its PnL stay.
One horizon, `p.learn`, is what adverse selection means: it is learned from, and PnL moves it out of inventory. Every
label of every horizon is handed out with the fill's place in the ring, beside what was known when its order was placed.
Source: theory §8. Not guaranteed: labels of one burst are independent; `blocks` counts windows of one horizon that held
a fill, which is what a claim may rest on.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import approach, fill_ring, own_loss
from portfolio_mm.models.fill_ring import PENDING
from portfolio_mm.models.sweep import penetration_bps

HEARS = ("FILL", "BBO", "BOOK", "TIMER")
WARM_S = float("inf")
"""Seconds of an ordinary market after which it is ready."""
SCORES: dict[str, str] = {}
UNSCORED = "labels: what others are judged by"
HORIZONS = 5
OUT = 32
NEVER = 9_223_372_036_854_775_807
FORGET_NS = 10 * 10**9

PARAMS = record(
    [
        ("horizon_ns", "i8", (HORIZONS,)),
        ("stale_ns", "i8"),
        ("half_life_s", "f8"),
        ("prior_sd_bps", "f8"),
        ("block_s", "f8"),
        ("proof_count", "f8"),
        ("proof_errors", "f8"),
        ("ready_count", "f8"),
        ("approach_count", "f8"),
        ("approach_s", "f8"),
        ("learn", "i8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("out_count", "i4"),
        ("refused", "i8"),
        ("overflow", "i8"),
        ("dropped", "i8"),
        ("duplicates", "i8"),
        ("unjudged", "i8"),
        ("next_due_ns", "i8"),
        ("tail", "i8"),
        ("tids", "i8"),
        ("recent_tid", "i8", (PENDING,)),
        ("heads", "i8", (HORIZONS,)),
        *fill_ring.FIELDS,
        ("counts", "i8", (HORIZONS, 2)),
        ("blocks", "i8", (HORIZONS,)),
        ("block_ns", "i8", (HORIZONS,)),
        ("markout_m1", "f8", (HORIZONS, 2)),
        ("markout_m2", "f8", (HORIZONS, 2)),
        ("adverse_m1", "f8", (HORIZONS, 2)),
        ("adverse_m2", "f8", (HORIZONS, 2)),
        ("own", own_loss.OWN_LOSS),
        ("approach", approach.APPROACH),
        ("out_slot", "i4", (OUT,)),
        ("out_horizon", "i4", (OUT,)),
        ("out_markout_bps", "f8", (OUT,)),
        ("out_adverse_bps", "f8", (OUT,)),
        ("out_side", "i4", (OUT,)),
        ("out_lots", "i8", (OUT,)),
        ("out_mid2_fill", "i8", (OUT,)),
        ("out_mid2_due", "i8", (OUT,)),
    ]
)
"""`heads[h]`..`tail` are the fills whose horizon h is pending; `fill_*` the ring, filled at the fill and from the
order's placement; `*_m1`, `*_m2` sums of bps and of bps squared since the start; `own` has losses after the fill at
the learned horizon, with forgetting, `approach` those before it;
`out_*` the labels resolved by the last `update`, `out_slot` their fills' places in
the ring, which hold until the next `on_fill`; `recent_tid` the newest trade ids."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 0.5, 1, 5, 30, 60 s, 5 s learned; stale after 2 s, half-life 1 h, prior sd of a fill 5 bps.

    What the approach should be is worth three fills, and a minute of waiting. A loss counts as shown at 95 %, by blocks
    of 10 s, beside three fills that lost nothing.
    """
    p = np.zeros(1, dtype=PARAMS)
    p["horizon_ns"] = (500_000_000, 10**9, 5 * 10**9, 30 * 10**9, 60 * 10**9)
    p["stale_ns"], p["half_life_s"], p["prior_sd_bps"], p["ready_count"] = 2 * 10**9, 3600.0, 5.0, 10.0
    p["block_s"], p["proof_count"], p["proof_errors"] = 10.0, 3.0, 1.645
    p["approach_count"], p["approach_s"], p["learn"] = 3.0, 60.0, 2
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - one signature for all estimators
    """Forget everything, pending fills too."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.out_count = 0
    st.refused = 0
    st.overflow = 0
    st.dropped = 0
    st.duplicates = 0
    st.unjudged = 0
    st.next_due_ns = NEVER
    st.tail = 0
    st.tids = 0
    fill_ring.clear_ring(st)
    own_loss.clear_own(st.own)
    approach.clear_approach(st.approach)
    st.recent_tid[:] = 0
    for whole in (st.heads, st.blocks, st.block_ns):
        whole[:] = 0
    for whole in (st.out_lots, st.out_mid2_fill, st.out_mid2_due):
        whole[:] = 0
    for place in (st.out_slot, st.out_horizon, st.out_side):
        place[:] = 0
    st.counts[:, :] = 0
    st.out_markout_bps[:] = 0.0
    st.out_adverse_bps[:] = 0.0
    for sums in (st.markout_m1, st.markout_m2, st.adverse_m1, st.adverse_m2):
        sums[:, :] = 0.0


@nb.njit(cache=True)
def on_fill(st: Any, p: Any, now_ns: int, fill: Any, px: float, fair_px: float, mid2: int, placed: Any) -> int:  # noqa: PLR0917 - flat arguments
    """Remember an own maker fill at `px`; side 0 we bought, 1 we sold.

    `fill` is a record with side, sz_lots, tid, cloid_hi, cloid_lo (a FILL event); `fair_px` the fair value when the
    order was placed, `mid2` bid plus ask ticks at the fill, `placed` what was known at the placement (a record with
    decision, placed_ns, signals_off, distance_bps, adverse_bps, fill_probability, features). A fill reported out of
    order takes the time of the newest one before it, so that horizons come due in order; one from the future is of
    stale_ns after the last `update` at most, or all that follow would wait for it.

    Returns:
        Its place in the ring; -1 when refused (no fair, NaN, not positive, no lots) or the ring is full (`overflow`).
    """
    if now_ns <= 0 or fill.sz_lots <= 0 or not (0.0 < px < 1e300 and 0.0 < fair_px < 1e300):
        st.refused += 1
        return -1
    if st.last_ns > 0:
        now_ns = min(now_ns, st.last_ns + p.stale_ns)
    oldest = st.heads.min()
    if st.tail - oldest >= PENDING:
        st.overflow += 1
        return -1
    if st.tail > oldest:
        now_ns = max(now_ns, st.fill_ns[(st.tail - 1) % PENDING])
    slot = st.tail % PENDING
    fill_ring.put(st, slot, now_ns, fill, px, fair_px, mid2, placed)
    st.tail += 1
    st.next_due_ns = min(st.next_due_ns, now_ns + p.horizon_ns[0])
    return slot  # type: ignore[no-any-return]


@nb.njit(cache=True)
def on_approach(st: Any, p: Any, slot: int, before_px: float) -> None:
    """The fill in place `slot` came when fair was `before_px`; NaN: its loss cannot be told from its approach."""
    if not 0.0 < before_px < 1e300:
        st.fill_approach_bps[slot] = np.nan
        return
    approach_bps = penetration_bps(st.fill_side[slot], before_px, st.fill_fair_px[slot])
    st.fill_approach_bps[slot] = approach_bps
    approach.take(st.approach, st.fill_ns[slot], approach_bps, p.half_life_s)


@nb.njit(cache=True)
def approach_of(st: Any, p: Any, prior_bps: float, sd_bps: float) -> float:
    """Mean approach of fills, bps, shrunk to `prior_bps`, which is worth approach_count of them of sd `sd_bps`."""
    return approach.of_fills(st.approach, prior_bps, p.approach_count, sd_bps)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def drawn_approach(st: Any, p: Any, draw: int, prior_bps: float) -> float:
    """Approach of one of the newest fills, bps (`fill_ring.drawn`); `prior_bps` is worth approach_count of them."""
    return fill_ring.drawn(st, draw, prior_bps, p.approach_count)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def wait(st: Any, p: Any, seconds: float) -> None:
    """Time passed for all orders that rest: what they saw is forgotten by so much."""
    approach.wait(st.approach, seconds, p.half_life_s)


@nb.njit(cache=True)
def waited_of(st: Any, p: Any, prior_bps: float) -> float:
    """Mean approach of the time orders rest, weighted by e^(k x), bps; `prior_bps` is worth approach_s seconds."""
    return approach.of_waiting(st.approach, prior_bps, p.approach_s)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def beyond(st: Any, p: Any, said_bps: Any, prior_count: float) -> tuple[float, float]:
    """What own fills lose from the fill on beyond what `said_bps` (DEPTHS,) says of sweeps, and its error, bps.

    `prior_count` fills (positive) of sd prior_sd_bps say that they lose the same. Usable from the first moment, `ready`
    says own fills count.
    """
    return own_loss.beyond(st.own, said_bps, prior_count, p.prior_sd_bps, p.proof_count, p.proof_errors)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_ns: int, mid_px: float, mid2: int) -> int:  # noqa: PLR0917 - flat arguments
    """Time is `now_ns`, the newest mid is `mid_px` (`mid2` in half-ticks) of block time `mid_ns`.

    A label resolves at the first mid at or after its due time; when none came within stale_ns it is dropped and
    counted, never guessed; the learned label of a dropped fill stays in inventory.

    Returns:
        How many labels lie in `out_*` now (at most OUT; the rest follow at the next call).
    """
    st.out_count = 0
    if now_ns <= 0 or now_ns < st.last_ns:
        st.refused += 1
        return 0
    st.seen += 1
    st.last_ns = now_ns
    if now_ns - st.own.ns >= FORGET_NS:
        own_loss.forget(st.own, now_ns, p.half_life_s, p.block_s)
    if now_ns < st.next_due_ns:
        return 0
    sane = 0.0 < mid_px < 1e300
    next_due_ns = NEVER
    for h in range(HORIZONS):
        while st.heads[h] < st.tail:
            due_ns = st.fill_ns[st.heads[h] % PENDING] + p.horizon_ns[h]
            if due_ns > now_ns or st.out_count >= OUT:
                break
            if sane and 0 <= mid_ns - due_ns <= p.stale_ns:  # later than that we were away: not its horizon any more
                _resolve(st, p, h, now_ns, mid_px, mid2)
            elif now_ns - due_ns > p.stale_ns:
                st.dropped += 1
            else:
                break
            st.heads[h] += 1
        if st.heads[h] < st.tail:
            next_due_ns = min(next_due_ns, st.fill_ns[st.heads[h] % PENDING] + p.horizon_ns[h])
    st.next_due_ns = next_due_ns
    return st.out_count  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _resolve(st: Any, p: Any, h: int, now_ns: int, mid_px: float, mid2: int) -> None:  # noqa: PLR0917 - flat arguments
    """Book one label of the oldest fill pending at horizon `h`."""
    slot = st.heads[h] % PENDING
    side = st.fill_side[slot]
    sign = 1.0 if side == 0 else -1.0
    fair_px = st.fill_fair_px[slot]
    markout_bps = sign * (mid_px - st.fill_px[slot]) / fair_px * 1e4
    adverse_bps = sign * (fair_px - mid_px) / fair_px * 1e4
    st.counts[h, side] += 1
    if st.blocks[h] == 0 or st.fill_ns[slot] - st.block_ns[h] >= p.horizon_ns[h]:
        st.blocks[h] += 1
        st.block_ns[h] = st.fill_ns[slot]
    st.markout_m1[h, side] += markout_bps
    st.markout_m2[h, side] += markout_bps * markout_bps
    st.adverse_m1[h, side] += adverse_bps
    st.adverse_m2[h, side] += adverse_bps * adverse_bps
    if h == p.learn and math.isnan(st.fill_approach_bps[slot]):
        st.unjudged += 1
    elif h == p.learn:
        approach_bps = float(st.fill_approach_bps[slot])
        depth_bps = penetration_bps(side, st.fill_px[slot], fair_px) - approach_bps
        own_loss.take(st.own, now_ns, adverse_bps - approach_bps, depth_bps, p.half_life_s, p.block_s)
        st.ready = 1 if st.own.n >= p.ready_count else st.ready
    out = st.out_count
    st.out_slot[out] = slot
    st.out_horizon[out] = h
    st.out_markout_bps[out] = markout_bps
    st.out_adverse_bps[out] = adverse_bps
    st.out_side[out] = side
    st.out_lots[out] = st.fill_lots[slot]
    st.out_mid2_fill[out] = st.fill_mid2[slot]
    st.out_mid2_due[out] = mid2
    st.out_count = out + 1
