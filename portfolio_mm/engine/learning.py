"""What learns from fills, own and virtual: each label beside what was known at its order's placement (C9, C10)."""

from typing import Any

import numba as nb

from portfolio_mm.engine import snapshot
from portfolio_mm.engine.exposure import notional_usd
from portfolio_mm.engine.terms import toxicity as term
from portfolio_mm.estimators import evidence, impact, markouts, toxicity
from portfolio_mm.models.sweep import penetration_bps

HEARS = ("BBO", "BOOK", "TIMER", "TRADE")


@nb.njit(cache=True)
def on_label(st: Any, p: Any, j: int, now_ns: int) -> None:
    """Label `j` of those that markouts hands out now."""
    out = st.markouts
    h, slot, side = out.out_horizon[j], out.out_slot[j], out.out_side[j]
    if h == p.markouts.learn:
        adverse_bps = out.out_adverse_bps[j]
        toxicity.learn(st.toxicity, p.toxicity, now_ns, slot, side, out.fill_features[slot], adverse_bps)
        evidence.update(st.evidence, p.evidence, now_ns, side, adverse_bps)
    mid2 = out.out_mid2_fill[j]
    if mid2 > 0:
        move_bps = (2 * side - 1) * (out.out_mid2_due[j] - mid2) / mid2 * 1e4
        impact.respond(st.impact, p.impact, h, notional_usd(out.out_lots[j], 0.5 * mid2), move_bps)


@nb.njit(cache=True)
def on_sweep(st: Any, p: Any, ev: Any, now_ns: int, fair_px: float) -> None:
    """A trade, before anything else learns of it: what stood on its way would have been filled.

    Own orders are placed earlier, and filled more often when fair has come to them: a virtual one takes the approach of
    an own fill in turn, so that its label is what an own fill's is.
    """
    side = 1 - ev.side
    if now_ns >= st.toxicity.next_sample_ns:
        depth_bps = penetration_bps(side, ev.px, fair_px)
        if depth_bps >= p.toxicity.min_depth_bps:
            snapshot.describe(st, p, st.toxicity.now)
            prior_bps = st.viability.approach_bps[side]
            came_bps = markouts.drawn_approach(st.markouts, p.markouts, st.toxicity.seen, prior_bps)
            placed_px = fair_px * (1.0 + (1.0 - 2.0 * side) * 1e-4 * came_bps)
            toxicity.sample(st.toxicity, p.toxicity, now_ns, side, depth_bps, placed_px, st.toxicity.now)


@nb.njit(cache=True)
def look(st: Any, p: Any) -> None:
    """What toxicity says of this moment, for both sides; P(adverse) is its level while none has earned a weight."""
    is_asked = term.may_speak(st)
    if is_asked:
        snapshot.describe(st, p, st.toxicity.now)
        toxicity.predict(st.toxicity, p.toxicity, st.toxicity.now)
    term.say(st, is_asked)


def age(state: Any, params: Any, now_ns: int) -> None:
    """Masses that count own fills forget the time from their last event to block time `now_ns`; counts stay.

    The other estimators keep the times of their sums and forget at their next event.
    """
    evidence.update(state[0]["evidence"], params[0]["evidence"], now_ns, -1, 0.0)
