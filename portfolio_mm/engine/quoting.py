"""GLFT quotes in the units of theory §0: bps, USD, 1/(bps USD). Each item is added once, none multiplied (D1, D2, D7).

Distance of a side from fair, outwards, with sign +1 for the bid and -1 for the ask:

    c1 + f + eps + a + h + sign (g_ii q_i + sum_j g_ij q_j - g_ii target) + bound

c1 = ln(1 + gamma z / k) / (gamma z) the static half-spread; f the maker fee; a the price P of the order that follows a
fill, P / z; eps the expected adverse selection (own markouts from the fill on, shrunk to the depth profile at the
quoted depth, plus the approach of fair to an order that waits); h = z g_ii / 2; g the skew matrix sqrt(gamma) Gamma:
the allocation's row while it is valid, else sigma sqrt(gamma / D), D = 2 A_eff C k z with A_eff = A e^(-k (f + eps +
a)) and C = 1/e, that is 2 k z times the rate at the best depth f + eps + a + 1/k, which is measured.
`bound` lifts the symmetric part to its floor f + eps + a + max(min edge, floor_errors * se), or sets it to the depth
that the profile says earns clearly more (one exponential does not fit a whole book), which an order kept in a band
around it meets when it stands out by the approach, plus what a fill costs now beyond
what it cost when that depth was found (toxicity, jumps, impact, vol-of-vol: at once, not once a second), caps skew (but
not what a cascade adds: it must be felt on top of a full position) and distance, and, on a side that must reduce but
where no quote pays, gives up f, eps and a: they are the price of getting out.
"""

import math
from typing import Any, Final

import numba as nb

from portfolio_mm.engine import actions, authority, pnl, viability
from portfolio_mm.engine import attribution as at
from portfolio_mm.engine.exposure import notional_usd
from portfolio_mm.engine.terms import arrivals, cascade, exact, funding, impact, jump, toxicity, volatility
from portfolio_mm.models import glft, risk_aversion

HEARS = ("BBO", "BOOK", "TIMER", "FILL", "ORDER", "ALLOCATION", "PERMIT", "MODE")
LOOK_NS: Final = 250_000_000
"""What only time changes (hazards, funding, answers that do not come) is looked at so often; what is heard, at once."""
LOOK_BPS: Final = 0.01
"""A forecast that moves fair by less, all in all, since the last decision is not news: a hundredth of a basis point."""


@nb.njit(cache=True)
def expected_adverse(st: Any, p: Any, side: int) -> tuple[float, float]:
    """Adverse selection that a placement on `side` is charged and its standard error, bps.

    What sweeps on others lose, what own fills lose beyond it from the fill on, and the approach of fair until then.
    """
    view, own_count = st.viability, st.markouts.own.n
    prior_se = view.adverse_se_bps[side] * p.own_prior_count / (own_count + p.own_prior_count)
    return view.adverse_bps[side] + view.own_bps + view.approach_bps[side], max(view.own_se_bps, prior_se)


@nb.njit(cache=True)
def risk_gamma(st: Any, p: Any) -> float:
    """Gamma, 1/(bps USD): the allocation's while valid, else by the same rule from what this coin knows alone (D4)."""
    if authority.is_allocated(st) and st.authority.gamma_per_bps_usd > 0.0:
        return st.authority.gamma_per_bps_usd  # type: ignore[no-any-return]
    floor = risk_aversion.kelly_floor(st.account.equity_usd, p.kelly_share) if st.account.ready == 1 else 0.0
    k = 0.5 * (st.intensity.k_per_bps[0] + st.intensity.k_per_bps[1])
    liquidity = max(st.viability.liquidity, 1e-12)
    return risk_aversion.rule(st.quote.sigma_bps, k, p.clip_usd, p.inventory_sd_usd, liquidity, floor)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _own_skew(st: Any, p: Any, gamma: float) -> float:
    """g_ii, bps per USD: the allocation's while valid, else from this coin's own sigma and liquidity.

    At most the largest skew at the position limit: where nothing ever fills, liquidity says "infinitely illiquid".
    """
    if authority.is_allocated(st):
        own = st.authority.row_bps_per_usd[p.coin]
        if own > 0.0:
            return min(own, p.max_own_skew_bps_per_usd)  # type: ignore[no-any-return]
    own = st.quote.sigma_bps * math.sqrt(gamma / max(st.viability.liquidity, 1e-12))
    return min(own, p.max_own_skew_bps_per_usd)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _side(st: Any, p: Any, side: int, gamma: float, carry_bps: float) -> None:
    """Items and distance of one side; why it may not quote, if so."""
    quote, items = st.quote, st.quote.items_bps[side]
    sign = 1.0 - 2.0 * side
    fee_bps, eps_bps = st.account.maker_fee_bps, quote.adverse_bps[side]
    own = quote.own_skew_bps_per_usd
    items[at.FAIR_BOOK] = -sign * st.fair.parts_bps[0]
    items[at.FAIR_FLOW] = -sign * st.fair.parts_bps[1]
    items[at.FAIR_REFERENCE] = -sign * st.fair.parts_bps[2]
    items[at.FAIR_LEADERS] = -sign * st.fair.parts_bps[3]
    items[at.STATIC] = glft.static_half_spread(max(st.intensity.k_per_bps[side], 1e-6), gamma, p.clip_usd)
    items[at.FEE] = fee_bps
    items[at.ADVERSE] = eps_bps
    items[at.TOXICITY] = toxicity.extra_bps(st, p, side)
    items[at.JUMP] = jump.premium_bps(st, p, side, quote.distance_bps[side])
    items[at.IMPACT] = impact.own_bps(st, p, side)
    items[at.ACTION] = actions.cost_bps(st, p)
    items[at.RISK] = 0.5 * p.clip_usd * own
    items[at.VOL_OF_VOL] = volatility.extra_bps(st, p, items[at.RISK])
    items[at.OWN] = sign * own * quote.position_usd
    items[at.OTHER] = sign * st.account.cross_skew_bps if authority.is_allocated(st) else 0.0
    items[at.TARGET] = -sign * own * quote.target_usd
    items[at.EXACT] = exact.extra_bps(st, p, side)
    items[at.FUNDING] = sign * carry_bps
    items[at.CASCADE] = cascade.back_off_bps(st, p, side)
    cost_bps = at.cost_bps(items)
    base_bps = items[at.STATIC] + cost_bps + items[at.RISK] + items[at.VOL_OF_VOL]
    skew_bps = items[at.OWN] + items[at.OTHER] + items[at.TARGET]
    skew_bps += items[at.EXACT] + items[at.FUNDING]
    if quote.urgent[side] == 1:
        wanted_bps = items[at.STATIC] + items[at.RISK]
    else:
        floor_bps = cost_bps + max(p.min_edge_bps, p.floor_errors * quote.adverse_se_bps[side])
        known_bps = st.viability.quote_depth_bps[side]
        if known_bps > 0.0:  # what a fill costs more, or less, than when that depth was found
            known_bps += items[at.TOXICITY] + items[at.JUMP] + items[at.IMPACT] - st.viability.more_bps[side]
            known_bps += items[at.VOL_OF_VOL] + st.viability.approach_bps[side]
        wanted_bps = max(floor_bps, known_bps if st.viability.quote_depth_bps[side] > 0.0 else base_bps)
    wanted_bps = min(p.max_half_spread_bps, wanted_bps)
    skew_cap = min(p.max_skew_bps, max(-p.max_skew_bps, skew_bps))
    distance_bps = min(p.max_half_spread_bps, wanted_bps + skew_cap + items[at.CASCADE])
    items[at.BOUND] = distance_bps - base_bps - skew_bps - items[at.CASCADE]
    quote.distance_bps[side] = distance_bps
    rate, k = viability.rate_near(st, side, distance_bps)
    quote.rate_per_s[side] = rate * arrivals.factor(st, p, side)
    quote.k_per_bps[side] = k


@nb.njit(cache=True)
def has_drifted(st: Any) -> bool:
    """Whether fair has left the decision that stands far enough to be worth another."""
    return abs(st.fair.fair_px - st.quote.fair_px) >= LOOK_BPS * 1e-4 * st.quote.mid_px  # type: ignore[no-any-return]


@nb.njit(cache=True)
def is_due(st: Any) -> bool:
    """Whether there is anything to decide: news, fair has moved, or time alone has gone on for LOOK_NS."""
    quote = st.quote
    return quote.news == 1 or has_drifted(st) or st.clock.recv_ns - quote.last_ns >= LOOK_NS  # type: ignore[no-any-return]


@nb.njit(cache=True)
def decide(st: Any, p: Any) -> None:
    """Set both sides' distances and items from what is known now (the stance must have been taken)."""
    quote = st.quote
    quote.news = 0
    quote.seen += 1
    quote.last_ns = st.clock.recv_ns
    if st.fair.ready == 0 or st.book.ready == 0:
        quote.ready = 0
        return
    quote.ready = 1
    quote.fair_px = st.fair.fair_px
    quote.mid_px = st.fair.mid_px
    quote.sigma_bps = volatility.sigma_bps(st, p)
    allocated = authority.is_allocated(st)
    quote.value_usd_per_lot = notional_usd(1, 0.5 * pnl.mark2_of(st.pnl))
    quote.position_usd = st.account.lots[p.coin] * quote.value_usd_per_lot
    quote.target_usd = st.authority.target_usd if allocated else 0.0
    quote.limit_usd = min(p.max_position_usd, st.authority.limit_usd) if allocated else 0.0
    gamma = risk_gamma(st, p)
    for side in range(2):
        quote.adverse_bps[side], quote.adverse_se_bps[side] = expected_adverse(st, p, side)
    quote.own_skew_bps_per_usd = _own_skew(st, p, gamma)
    carry_bps = funding.shift_bps(st, p, 0)  # a bid's; the ask moves by the same the other way
    for side in range(2):
        quote.urgent[side] = must_reduce(st, p, side)
        _side(st, p, side, gamma, carry_bps)


@nb.njit(cache=True)
def must_reduce(st: Any, p: Any, side: int) -> int:
    """1 when this side must shrink the position although no quote there pays, or nothing else is allowed."""
    sign = 1.0 - 2.0 * side
    if st.authority.stance == authority.REDUCE:
        return 1 if sign * st.quote.position_usd < 0.0 else 0
    excess_usd = st.quote.position_usd - st.quote.target_usd
    material = sign * excess_usd < -max(0.5 * p.clip_usd, p.min_order_usd)
    return 1 if material and sign * st.quote.position_usd < 0.0 and st.viability.pays[side] == 0 else 0
