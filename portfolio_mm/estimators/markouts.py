"""Signed markouts of own maker fills (C9) at 0.5, 1, 5, 30 and 60 s, per side.

At a fill the fair value *at placement* is kept; when a horizon is due, the first mid at or after it resolves
    markout = sign (mid_h - px) / fair * 1e4        (profit, before fees)
    adverse = sign (fair - mid_h) / fair * 1e4      (loss; markout = captured - adverse, exactly)
with sign +1 for a buy. Never the mid at the fill: that learns our own quoting distance, not adverse selection.
Of the loss, the approach sign (fair - fair just before the fill) / fair is older than the fill, and known at once: an
order kept while fair comes nearer fills more often than one that fair leaves. What is learned for quotes is the rest,
the loss after the fill, beside what approach costs a placement: E[x e^(kx)] / E[e^(kx)], x how far fair has come to
orders that rest, over the time they do. The mean approach of fills is for forecasts only: it grows with the distance
we choose, and would widen quotes for having been wide.
One horizon, `p.learn`, is what adverse selection means: it is learned from, and PnL moves it out of inventory. Every
label of every horizon is handed out with the fill's place in the ring, beside what was known when its order was placed.
Source: theory §8. Not guaranteed: labels of one burst are independent; `shrink` states a plain standard error;
`blocks` counts windows of one horizon that held a fill, which is what a claim may rest on.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.conjugate import normal_mean
from portfolio_mm.models.decay import NS_PER_S, half_life_factor
from portfolio_mm.models.features import N_FEATURES
from portfolio_mm.models.sweep import penetration_bps
from portfolio_mm.models.upkeep import NEVER_BEYOND

HEARS = ("FILL", "BBO", "BOOK", "TIMER")
WARM_S = float("inf")
"""Seconds of an ordinary market after which it is ready."""
SCORES: dict[str, str] = {}
UNSCORED = "labels: what others are judged by"
HORIZONS = 5
PENDING = 64
"""Fills that wait for a label: more than one a second for a minute are refused and counted."""
OUT = 32
NEVER = 9_223_372_036_854_775_807

PARAMS = record(
    [
        ("horizon_ns", "i8", (HORIZONS,)),
        ("stale_ns", "i8"),
        ("half_life_s", "f8"),
        ("prior_sd_bps", "f8"),
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
        ("next_due_ns", "i8"),
        ("tail", "i8"),
        ("tids", "i8"),
        ("recent_tid", "i8", (PENDING,)),
        ("heads", "i8", (HORIZONS,)),
        ("fill_ns", "i8", (PENDING,)),
        ("fill_side", "i4", (PENDING,)),
        ("fill_lots", "i8", (PENDING,)),
        ("fill_mid2", "i8", (PENDING,)),
        ("fill_px", "f8", (PENDING,)),
        ("fill_fair_px", "f8", (PENDING,)),
        ("fill_tid", "i8", (PENDING,)),
        ("fill_cloid_hi", "u8", (PENDING,)),
        ("fill_cloid_lo", "u8", (PENDING,)),
        ("fill_decision", "i8", (PENDING,)),
        ("fill_placed_ns", "i8", (PENDING,)),
        ("fill_signals_off", "i8", (PENDING,)),
        ("fill_approach_bps", "f4", (PENDING,)),
        ("fill_distance_bps", "f4", (PENDING,)),
        ("fill_adverse_bps", "f4", (PENDING,)),
        ("fill_probability", "f4", (PENDING,)),
        ("fill_features", "f4", (PENDING, N_FEATURES)),
        ("counts", "i8", (HORIZONS, 2)),
        ("blocks", "i8", (HORIZONS,)),
        ("block_ns", "i8", (HORIZONS,)),
        ("markout_m1", "f8", (HORIZONS, 2)),
        ("markout_m2", "f8", (HORIZONS, 2)),
        ("adverse_m1", "f8", (HORIZONS, 2)),
        ("adverse_m2", "f8", (HORIZONS, 2)),
        ("learn_ns", "i8"),
        ("learned_n", "f8", (2,)),
        ("learned_s1", "f8", (2,)),
        ("learned_s2", "f8", (2,)),
        ("approach_ns", "i8"),
        ("approach_n", "f8"),
        ("approach_s1", "f8"),
        ("approach_s2", "f8"),
        ("waited_s", "f8"),
        ("waited_bps", "f8"),
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
order's placement; `*_m1`, `*_m2` sums of bps and of bps squared since the start; `learned_*` those after the fill at
the learned horizon with forgetting, `approach_*` those before it, both sides together, `waited_*` the weighted time
of orders and its sum of approach; `out_*` the labels resolved by the last `update`, `out_slot` their fills' places in
the ring, which hold until the next `on_fill`; `recent_tid` the newest trade ids."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: 0.5, 1, 5, 30, 60 s, 5 s learned; stale after 2 s, half-life 1 h, prior sd of a fill 5 bps.

    What the approach should be is worth three fills, and a minute of waiting.
    """
    p = np.zeros(1, dtype=PARAMS)
    p["horizon_ns"] = (500_000_000, 10**9, 5 * 10**9, 30 * 10**9, 60 * 10**9)
    p["stale_ns"], p["half_life_s"], p["prior_sd_bps"], p["ready_count"] = 2 * 10**9, 3600.0, 5.0, 10.0
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
    st.next_due_ns = NEVER
    st.tail = 0
    st.tids = 0
    st.learn_ns = 0
    st.approach_ns = 0
    st.approach_n = 0.0
    st.approach_s1 = 0.0
    st.approach_s2 = 0.0
    st.waited_s = 0.0
    st.waited_bps = 0.0
    st.fill_approach_bps[:] = 0.0
    for whole in (st.fill_ns, st.fill_placed_ns, st.fill_lots, st.fill_mid2, st.fill_tid, st.recent_tid):
        whole[:] = 0
    for whole in (st.fill_decision, st.fill_signals_off):
        whole[:] = 0
    for whole in (st.heads, st.blocks, st.block_ns):
        whole[:] = 0
    for whole in (st.out_lots, st.out_mid2_fill, st.out_mid2_due):
        whole[:] = 0
    for place in (st.out_slot, st.out_horizon, st.out_side):
        place[:] = 0
    st.fill_side[:] = 0
    st.fill_cloid_hi[:] = 0
    st.fill_cloid_lo[:] = 0
    st.counts[:, :] = 0
    for known in (st.fill_distance_bps, st.fill_adverse_bps, st.fill_probability):
        known[:] = np.nan
    st.fill_features[:, :] = np.nan
    st.fill_px[:] = 0.0
    st.fill_fair_px[:] = 0.0
    st.out_markout_bps[:] = 0.0
    st.out_adverse_bps[:] = 0.0
    for sums in (st.markout_m1, st.markout_m2, st.adverse_m1, st.adverse_m2):
        sums[:, :] = 0.0
    for sums in (st.learned_n, st.learned_s1, st.learned_s2):
        sums[:] = 0.0


@nb.njit(cache=True)
def is_new(st: Any, tid: int) -> bool:
    """Whether this trade id was not among the newest PENDING; it is now. 0 is no id and always new."""
    if tid == 0:
        return True
    for each in st.recent_tid:
        if each == tid:
            st.duplicates += 1
            return False
    st.recent_tid[st.tids % PENDING] = tid
    st.tids += 1
    return True


@nb.njit(cache=True)
def on_fill(st: Any, p: Any, now_ns: int, fill: Any, px: float, fair_px: float, mid2: int, placed: Any) -> int:  # noqa: PLR0917 - flat arguments
    """Remember an own maker fill at `px`; side 0 we bought, 1 we sold.

    `fill` is a record with side, sz_lots, tid, cloid_hi, cloid_lo (a FILL event); `fair_px` the fair value when the
    order was placed, `mid2` bid plus ask ticks at the fill, `placed` what was known at the placement (a record with
    decision, placed_ns, signals_off, distance_bps, adverse_bps, fill_probability, features). A fill reported out of
    order takes the time of the newest one before it, so that horizons come due in order.

    Returns:
        Its place in the ring; -1 when refused (no fair, NaN, not positive, no lots) or the ring is full (`overflow`).
    """
    if now_ns <= 0 or fill.sz_lots <= 0 or not (0.0 < px < 1e300 and 0.0 < fair_px < 1e300):
        st.refused += 1
        return -1
    oldest = st.heads.min()
    if st.tail - oldest >= PENDING:
        st.overflow += 1
        return -1
    if st.tail > oldest:
        now_ns = max(now_ns, st.fill_ns[(st.tail - 1) % PENDING])
    slot = st.tail % PENDING
    st.fill_ns[slot] = now_ns
    st.fill_side[slot] = fill.side
    st.fill_lots[slot] = fill.sz_lots
    st.fill_mid2[slot] = mid2
    st.fill_px[slot] = px
    st.fill_fair_px[slot] = fair_px
    st.fill_tid[slot] = fill.tid
    st.fill_cloid_hi[slot] = fill.cloid_hi
    st.fill_cloid_lo[slot] = fill.cloid_lo
    st.fill_decision[slot] = placed.decision
    st.fill_placed_ns[slot] = placed.placed_ns
    st.fill_signals_off[slot] = placed.signals_off
    st.fill_approach_bps[slot] = 0.0
    st.fill_distance_bps[slot] = placed.distance_bps
    st.fill_adverse_bps[slot] = placed.adverse_bps
    st.fill_probability[slot] = placed.fill_probability
    st.fill_features[slot, :] = placed.features
    st.tail += 1
    st.next_due_ns = min(st.next_due_ns, now_ns + p.horizon_ns[0])
    return slot  # type: ignore[no-any-return]


@nb.njit(cache=True)
def on_approach(st: Any, p: Any, slot: int, before_px: float) -> None:
    """The fill in place `slot` of the ring came when fair was `before_px`: how far it had come since the placement."""
    if not 0.0 < before_px < 1e300:
        return
    now_ns, keep = st.fill_ns[slot], 1.0
    if 0 < st.approach_ns < now_ns:
        keep = half_life_factor((now_ns - st.approach_ns) / NS_PER_S, p.half_life_s)
    approach_bps = penetration_bps(st.fill_side[slot], before_px, st.fill_fair_px[slot])
    st.fill_approach_bps[slot] = approach_bps
    st.approach_ns = now_ns
    st.approach_n = keep * st.approach_n + 1.0
    st.approach_s1 = keep * st.approach_s1 + approach_bps
    st.approach_s2 = keep * st.approach_s2 + approach_bps * approach_bps


@nb.njit(cache=True)
def approach_of(st: Any, p: Any, prior_bps: float, sd_bps: float) -> float:
    """Mean approach of fills, bps, shrunk to `prior_bps`, which is worth approach_count of them of sd `sd_bps`."""
    n, s1, s2 = st.approach_n, st.approach_s1, st.approach_s2
    return normal_mean(prior_bps, p.approach_count, sd_bps, n, s1, s2)[0]  # type: ignore[no-any-return]


@nb.njit(cache=True)
def wait(st: Any, p: Any, seconds: float) -> None:
    """Time passed for all orders that rest: what they saw is forgotten by so much."""
    keep = half_life_factor(seconds, p.half_life_s)
    st.waited_s *= keep
    st.waited_bps *= keep


@nb.njit(cache=True)
def on_waiting(st: Any, side: int, placed_fair_px: float, fair_px: float, k_per_bps: float, seconds: float) -> None:  # noqa: PLR0917 - flat arguments
    """An order rested for `seconds` while fair stood where it does now: it counts by how much likelier a fill was."""
    if not (0.0 < placed_fair_px < 1e300 and 0.0 < fair_px < 1e300):
        return
    x_bps = penetration_bps(side, fair_px, placed_fair_px)
    weight = math.exp(min(NEVER_BEYOND, max(-NEVER_BEYOND, k_per_bps * x_bps)))
    st.waited_s += weight * seconds
    st.waited_bps += weight * seconds * min(NEVER_BEYOND / k_per_bps, max(-NEVER_BEYOND / k_per_bps, x_bps))


@nb.njit(cache=True)
def waited_of(st: Any, p: Any, prior_bps: float) -> float:
    """Mean approach of the time orders rest, weighted by e^(k x), bps; `prior_bps` is worth approach_s seconds."""
    return (st.waited_bps + p.approach_s * prior_bps) / (st.waited_s + p.approach_s)  # type: ignore[no-any-return]


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
    if h == p.learn:
        _learn(st, p, side, now_ns, adverse_bps - float(st.fill_approach_bps[slot]))
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


@nb.njit(cache=True)
def _learn(st: Any, p: Any, side: int, now_ns: int, adverse_bps: float) -> None:
    """Forget both sides up to now, add one label to `side`."""
    if st.learn_ns > 0:
        keep = half_life_factor((now_ns - st.learn_ns) / NS_PER_S, p.half_life_s)
        for each in range(2):
            st.learned_n[each] *= keep
            st.learned_s1[each] *= keep
            st.learned_s2[each] *= keep
    st.learn_ns = now_ns
    st.learned_n[side] += 1.0
    st.learned_s1[side] += adverse_bps
    st.learned_s2[side] += adverse_bps * adverse_bps
    if st.learned_n[0] + st.learned_n[1] >= p.ready_count:
        st.ready = 1


@nb.njit(cache=True)
def shrink(st: Any, p: Any, side: int, prior_bps: float, prior_count: float) -> tuple[float, float]:
    """What own fills on `side` lose from the fill on and its standard error, both bps, shrunk to a prior mean.

    The Normal-Gamma posterior of the mean; the prior is worth `prior_count` fills (positive) of sd prior_sd_bps. Usable
    from the first moment, `ready` says own fills count.
    """
    n, s1, s2 = st.learned_n[side], st.learned_s1[side], st.learned_s2[side]
    return normal_mean(prior_bps, prior_count, p.prior_sd_bps, n, s1, s2)  # type: ignore[no-any-return]
