"""From the ladder wanted to the fewest commands worth their price (E2, F4).

A new order is placed when what it earns until it is filled or moved beats the price of an action, a resting one kept
unless moving it gains more than that: models/upkeep.py says what moving is worth, given how far the wanted price has
left it. A missing size loses in proportion, for as long as a placement lives; a size that the side may no longer offer
is taken back; the queue already waited for is worth up to half of what the order earns meanwhile. Safety pulls (stale
book, no permit, feed, mode, limit) are free and immediate. A refusal backs its side off (backoff.py).
"""

import math
from typing import Any, Final

import numba as nb

from portfolio_mm.engine import actions, authority, emit, exposure
from portfolio_mm.engine.orders import CANCELLING, LEVELS, LIVE, NONE, PENDING, UNKNOWN
from portfolio_mm.engine.terms import queue
from portfolio_mm.engine.viability import KEEP
from portfolio_mm.engine.why import Reason
from portfolio_mm.models import upkeep

HEARS = ("BBO", "BOOK", "TIMER", "FILL", "ORDER", "PERMIT", "MODE", "ALLOCATION", "FEED")
QUOTING, BACKING_OFF, IN_FLIGHT = int(Reason.QUOTING), int(Reason.BACKING_OFF), int(Reason.IN_FLIGHT)
PRICED_OUT: Final = int(Reason.PRICED_OUT)
URGENT_PER_S = 0.02
"""An order that must reduce is kept as if it could fill at least this often."""
CANCEL_AGAIN_NS: Final = 1_000_000_000
"""A safety cancel that did not take is repeated after this long."""


@nb.njit(cache=True)
def _pull(st: Any, p: Any, ev: Any, commands: Any, n: int) -> int:
    """Safety: cancel everything not already being cancelled, now and free of charge."""
    for side in range(2):
        for level in range(LEVELS):
            n = _cancel_slot(st, p, ev, commands, n, side, level, 0.0, True)  # noqa: FBT003 - compiled
    return n


@nb.njit(cache=True)
def _cancel_slot(  # noqa: PLR0917 - kernels take flat arguments
    st: Any,
    p: Any,
    ev: Any,
    commands: Any,
    n: int,
    side: int,
    level: int,
    gain_usd: float,
    is_safety: bool,  # noqa: FBT001 - compiled
) -> int:
    """Cancel both legs of a slot; a cancel unanswered, or answered "it lives on", is asked again after a while."""
    slot = st.orders.slots[side, level]
    for at in range(2):
        leg = slot.leg[at]
        if leg.state == NONE:
            continue
        again_ns = p.stuck_ns if leg.state == CANCELLING or not is_safety else CANCEL_AGAIN_NS
        if leg.state != UNKNOWN and (leg.cancel_ns == 0 or st.clock.recv_ns - leg.cancel_ns > again_ns):
            n = emit.cancel(st, p, ev, commands, n, side, level, at, gain_usd, is_safety)
    return n


@nb.njit(cache=True)
def _over_limit(st: Any, p: Any, side: int) -> bool:
    """Whether position and working orders of this side could exceed the limit (only a side that adds can)."""
    value = st.quote.value_usd_per_lot
    if value <= 0.0 or st.quote.ready == 0:
        return False
    sign = 1 - 2 * side
    worst = sign * st.account.lots[p.coin] + exposure.side_lots(st.orders, side)
    allowed = 0.0 if st.authority.stance == authority.REDUCE else st.quote.limit_usd
    return worst > 0 and worst * value > allowed * 1.02 + 1e-9  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _place_gain(st: Any, p: Any, side: int, level: int, rate: float, k: float, price_usd: float) -> float:  # noqa: PLR0917 - kernels take flat arguments
    """Expected gain of a new order over its life, USD: the edge granted by the verdict, at least 1/k."""
    verdict_bps = st.viability.net_bps[side] + p.optimism_errors * st.viability.adverse_se_bps[side]
    edge_bps = max(1.0 / k, verdict_bps - actions.cost_bps(st, p)) + level * p.level_step_bps
    worth = rate * p.clip_usd * 1e-4 * edge_bps
    gain_usd = upkeep.placing_gain_usd(worth, rate, k, st.quote.sigma_bps, price_usd, KEEP)
    if st.quote.urgent[side] == 1:
        gain_usd = max(gain_usd, 2.0 * price_usd)
    return gain_usd  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _judge_place(st: Any, p: Any, side: int, level: int, k: float, price_usd: float) -> float:  # noqa: PLR0917 - kernels take flat arguments
    """The gain of placing now; a refusal stands as long as a verdict of viability.py, whose numbers it rests on."""
    orders, now_ns = st.orders, st.clock.recv_ns
    if st.quote.urgent[side] == 0 and now_ns - orders.priced_ns[side, level] < p.viability_ns:
        return min(orders.priced_gain_usd[side, level], price_usd)  # type: ignore[no-any-return]
    gain_usd = _place_gain(st, p, side, level, _rate_of(st.quote, p, side, level, k), k, price_usd)
    if gain_usd <= price_usd:
        orders.priced_ns[side, level] = now_ns
        orders.priced_gain_usd[side, level] = gain_usd
    return gain_usd  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _rate_of(quote: Any, p: Any, side: int, level: int, k: float) -> float:
    """How often a fill reaches a level, 1/s."""
    rate = quote.rate_per_s[side]
    if level > 0:
        rate *= math.exp(-min(50.0, k * level * p.level_step_bps))
    return max(rate, URGENT_PER_S) if quote.urgent[side] == 1 else rate  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _move_gain(st: Any, p: Any, side: int, level: int, k: float, price_usd: float) -> float:  # noqa: PLR0917 - kernels take flat arguments
    """Expected gain of replacing the resting order by the wanted one, USD, net of the queue it gives up.

    Where that cannot be more than the price, something that is not more than the price either.
    """
    leg = st.orders.slots[side, level].leg[0]
    want_ticks, want_lots = st.quote.px_ticks[side, level], st.quote.lots[side, level]
    if leg.px_ticks == want_ticks and leg.lots == want_lots and leg.reduce_only == st.quote.reduce_only[side, level]:
        return 0.0
    sign, sigma_bps = 1.0 - 2.0 * side, st.quote.sigma_bps
    y = k * sign * (want_ticks - leg.px_ticks) / want_ticks * 1e4
    worth = _rate_of(st.quote, p, side, level, k) * p.clip_usd * 1e-4 / k
    gain_usd = upkeep.time_scale_s(k, sigma_bps) * worth * upkeep.edge_value(y)
    missing_usd_per_s = abs(want_lots - leg.lots) / max(want_lots, leg.lots) * worth
    if missing_usd_per_s > 0.0:
        if gain_usd + missing_usd_per_s * upkeep.life_bound_s(worth, k, sigma_bps, price_usd) <= price_usd:
            return gain_usd  # type: ignore[no-any-return]
        gain_usd += missing_usd_per_s * upkeep.life_s(worth, k, sigma_bps, price_usd)
    return gain_usd - queue.place_value_usd(st, p, side, level, worth, y)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _may_not_stay(quote: Any, p: Any, resting: Any, side: int, level: int) -> bool:
    """Whether an order must change whatever that gains.

    It is a whole order larger than what the side may offer, or would match our next best order of the other side, which
    would be refused.
    """
    if (resting.lots - quote.lots[side, level]) * quote.value_usd_per_lot >= p.min_order_usd:
        return True
    sign, other = 1 - 2 * side, 1 - side
    wanted_ticks = quote.px_ticks[other, 0]
    return quote.lots[other, 0] > 0 and wanted_ticks > 0 and sign * (resting.px_ticks - wanted_ticks) >= 0  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _empty(  # noqa: PLR0917 - kernels take flat arguments
    st: Any, p: Any, ev: Any, commands: Any, n: int, side: int, level: int, k: float, price_usd: float
) -> int:
    """A slot without an order: place one when that is worth an action."""
    gain_usd = _judge_place(st, p, side, level, k, price_usd)
    if gain_usd > price_usd:
        return emit.place(st, p, ev, commands, n, side, level, gain_usd)  # type: ignore[no-any-return]
    if level == 0:
        st.quote.why[side] = PRICED_OUT
        st.quote.numbers[side, 0] = gain_usd
        st.quote.numbers[side, 1] = price_usd
    return n


@nb.njit(cache=True)
def _is_settled(st: Any, p: Any, side: int, level: int, price_usd: float) -> bool:
    """Whether `_slot` has nothing to do: no order is there or wanted, or moving the one that rests cannot pay.

    Most moments are such.
    """
    quote, slot = st.quote, st.orders.slots[side, level]
    resting, wanted = slot.leg[0], quote.lots[side, level]
    if slot.leg[1].state != NONE:
        return False
    if resting.state == NONE:
        return wanted == 0  # type: ignore[no-any-return]
    if resting.state != LIVE or wanted == 0 or _may_not_stay(quote, p, resting, side, level):
        return False
    if resting.px_ticks == quote.px_ticks[side, level] and resting.lots == wanted:
        return True
    return _gain_bound(st, p, side, level, price_usd) <= price_usd  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _gain_bound(st: Any, p: Any, side: int, level: int, price_usd: float) -> float:
    """No `_move_gain` of this slot is larger: the first level's worth, and no queue to give up."""
    quote, resting = st.quote, st.orders.slots[side, level].leg[0]
    want_ticks, want_lots = quote.px_ticks[side, level], quote.lots[side, level]
    k = max(quote.k_per_bps[side], 1e-6)
    worth = _rate_of(quote, p, side, 0, k) * p.clip_usd * 1e-4 / k
    y = k * (1.0 - 2.0 * side) * (want_ticks - resting.px_ticks) / want_ticks * 1e4
    most_usd = worth * upkeep.time_scale_s(k, quote.sigma_bps) * upkeep.edge_bound(y)
    if want_lots != resting.lots and most_usd <= price_usd:
        life_s = upkeep.LONGEST_S  # of the first level it is known: others live longer
        if level == 0:
            life_s = upkeep.life_bound_s(worth, k, quote.sigma_bps, price_usd)
        most_usd += worth * life_s * abs(want_lots - resting.lots) / max(want_lots, resting.lots)
    return most_usd  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _slot(st: Any, p: Any, ev: Any, commands: Any, n: int, side: int, level: int, price_usd: float) -> int:  # noqa: PLR0917, PLR0911 - kernels take flat arguments
    """One slot: leave, place, move or cancel."""
    quote, slot, now_ns = st.quote, st.orders.slots[side, level], st.clock.recv_ns
    resting, coming = slot.leg[0], slot.leg[1]
    wanted = quote.lots[side, level]
    if coming.state != NONE or (resting.state not in (NONE, LIVE)):
        return _unstick(st, p, ev, commands, n, side, level)  # type: ignore[no-any-return]
    if wanted == 0:
        if resting.state == LIVE:
            n = _cancel_slot(st, p, ev, commands, n, side, level, 2.0 * price_usd, False)  # noqa: FBT003 - compiled
        return n
    if now_ns < st.orders.backoff_until_ns[side]:
        if resting.state == NONE and level == 0:
            quote.why[side] = BACKING_OFF
            quote.numbers[side, 0] = (st.orders.backoff_until_ns[side] - now_ns) * 1e-9
            quote.numbers[side, 1] = st.orders.backoff_class[side]
        return n
    k = max(quote.k_per_bps[side], 1e-6)
    if resting.state == NONE:
        return _empty(st, p, ev, commands, n, side, level, k, price_usd)  # type: ignore[no-any-return]
    if now_ns - resting.live_ns < p.requote_ns:
        return n
    gain_usd = _move_gain(st, p, side, level, k, price_usd)
    if _may_not_stay(quote, p, resting, side, level):
        gain_usd = max(gain_usd, 2.0 * price_usd)
    if gain_usd > price_usd:
        return emit.modify(st, p, ev, commands, n, side, level, gain_usd)  # type: ignore[no-any-return]
    return n


@nb.njit(cache=True)
def _unstick(st: Any, p: Any, ev: Any, commands: Any, n: int, side: int, level: int) -> int:  # noqa: PLR0917 - kernels take flat arguments
    """No gate without a time-out: an order or cancel unanswered for long is cancelled (again), which is idempotent."""
    slot, now_ns = st.orders.slots[side, level], st.clock.recv_ns
    for at in range(2):
        leg = slot.leg[at]
        waits = leg.state in (PENDING, CANCELLING) or (leg.apart == 1 and leg.state == LIVE)
        if waits and now_ns - max(leg.sent_ns, leg.cancel_ns) > p.stuck_ns:
            n = emit.cancel(st, p, ev, commands, n, side, level, at, 0.0, True)  # noqa: FBT003 - compiled
    if level == 0 and slot.leg[0].state == NONE:
        st.quote.why[side] = IN_FLIGHT
    return n


@nb.njit(cache=True)
def commands_for(st: Any, p: Any, ev: Any, commands: Any) -> int:
    """Write the commands of this moment to `commands[0:n]` and return n."""
    if st.orders.ready == 0 or st.orders.syncing == 1:
        return 0
    if st.authority.stance == authority.PULL:
        return _pull(st, p, ev, commands, 0)  # type: ignore[no-any-return]
    if st.authority.stance == authority.WAIT or st.quote.ready == 0:
        return 0
    n, price_usd = 0, actions.own_price_usd(st, p)
    for side in range(2):
        if _over_limit(st, p, side):
            for level in range(LEVELS - 1, -1, -1):
                if exposure.side_lots(st.orders, side) > 0 and st.quote.lots[side, level] < _working(st, side, level):
                    n = _cancel_slot(st, p, ev, commands, n, side, level, 0.0, True)  # noqa: FBT003 - compiled
        for level in range(LEVELS):
            if not _is_settled(st, p, side, level, price_usd):
                n = _slot(st, p, ev, commands, n, side, level, price_usd)
    if n > 0:
        st.orders.decision += 1
    return n


@nb.njit(cache=True)
def _working(st: Any, side: int, level: int) -> int:
    """Lots working in one slot."""
    legs = st.orders.slots[side, level].leg
    return exposure.pair_lots(legs[0].state, legs[0].lots, legs[1].state, legs[1].lots)  # type: ignore[no-any-return]
