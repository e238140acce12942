"""From distances to orders the venue accepts: one to three levels with tick, lot and 10 USD rules (D5, E4).

Level j stands j steps behind the first. Sizes are deterministic: a clip per level, first level first, out of what the
limit, the collateral, the Kelly cap and the position leave; what is under the minimum goes to no level, so a small
budget makes fewer levels rather than orders that are refused. A side that knows little yet, or is being run over,
offers the smallest order. A price is clamped to one tick short of the freshest public opposite side, so a post-only
does not cross. A reducing order never exceeds the position; one that closes the whole of it, and says so by being
reduce-only, is exempt from the minimum (HL §7.4).
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.domain.price_grid_kernels import round_px, tick_step
from portfolio_mm.engine import attribution, authority, exposure
from portfolio_mm.engine.orders import CANCELLING, LEVELS, UNKNOWN
from portfolio_mm.engine.terms import cascade
from portfolio_mm.engine.why import Reason

HEARS = ("BBO", "BOOK", "TIMER", "FILL", "ORDER", "ACCOUNT")
QUOTING, CANNOT_PAY, AT_LIMIT = int(Reason.QUOTING), int(Reason.CANNOT_PAY), int(Reason.AT_LIMIT)
BELOW_MINIMUM, NO_COLLATERAL = int(Reason.BELOW_MINIMUM), int(Reason.NO_COLLATERAL)
TOO_WIDE: Final = int(Reason.TOO_WIDE)


@nb.njit(cache=True)
def level_px_ticks(side: int, px_ticks: float, raw_bid_ticks: int, raw_ask_ticks: int, px_decimals: int) -> int:
    """Valid price at or outside `px_ticks`, clamped one tick short of the public opposite side; 0 when none is valid.

    >>> level_px_ticks(0, 1000123.4, 1000000, 1000100, 1), level_px_ticks(1, 99.5, 100, 101, 2)
    (1000090, 101)
    """
    if side == 0:
        ticks = round_px(min(px_ticks, raw_ask_ticks - 1.0), px_decimals, False)  # noqa: FBT003 - compiled
    else:
        ticks = round_px(max(px_ticks, raw_bid_ticks + 1.0), px_decimals, True)  # noqa: FBT003 - compiled
    return max(ticks, 0)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _stuck_lots(orders: Any, side: int) -> int:
    """Lots of orders we cannot replace (in doubt, or being cancelled) but that may still fill."""
    total = 0
    for level in range(LEVELS):
        for at in range(2):
            leg = orders.slots[side, level].leg[at]
            if leg.state in (UNKNOWN, CANCELLING):
                total += leg.lots
    return total


@nb.njit(cache=True)
def is_probing(st: Any, p: Any, side: int) -> bool:
    """Whether so little is known that a side offers the smallest order: under `evidence_count` sweeps of others there.

    Time ends it too (`probe_ns` after the first book): on a coin where nobody trades the priors are all there is.
    """
    young = st.clock.recv_ns - st.clock.first_book_ns < p.probe_ns
    return young and st.intensity.probes[side] < p.evidence_count  # type: ignore[no-any-return]


@nb.njit(cache=True)
def opening_cap_usd(st: Any, p: Any, side: int) -> float:
    """The most a side may add to the position, USD: the Kelly cap (here and nowhere else), never under one order."""
    if is_probing(st, p, side) or cascade.is_firing(st, p, side):
        return p.min_order_usd  # type: ignore[no-any-return]
    return max(p.min_order_usd, st.edge.cap_usd)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def budget_lots(st: Any, p: Any, side: int) -> int:
    """Lots this side may have working in all, so that position, orders in doubt and new ones stay in the limit."""
    sign = 1 - 2 * side
    value = st.quote.value_usd_per_lot
    if value <= 0.0:
        return 0
    lots = st.account.lots[p.coin]
    closing = max(0, -sign * lots)
    stuck = _stuck_lots(st.orders, side)
    if st.authority.stance == authority.REDUCE:
        return max(0, closing - stuck)  # type: ignore[no-any-return]
    room = int(st.quote.limit_usd / value) - sign * lots
    if st.viability.pays[side] == 0:
        return max(0, min(closing, room) - stuck) if st.quote.urgent[side] == 1 else 0
    free_usd = st.account.free_usd if st.account.ready == 1 else 0.0  # what nobody told cannot be spent
    room = min(room, closing + int(max(0.0, 0.5 * free_usd * p.leverage) / value))
    capped = opening_cap_usd(st, p, side)
    if capped < 1e12:
        room = min(room, closing + int(capped / value) + 1)
    return max(0, room - stuck)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _no_budget(st: Any, p: Any, side: int) -> None:
    """Say why this side has nothing to quote."""
    quote, numbers = st.quote, st.quote.numbers[side]
    sign = 1.0 - 2.0 * side
    stuck_usd = _stuck_lots(st.orders, side) * quote.value_usd_per_lot
    if st.authority.stance == authority.REDUCE:
        quote.why[side] = st.authority.reason
        numbers[0] = quote.position_usd
    elif st.viability.pays[side] == 0:
        quote.why[side] = CANNOT_PAY
        numbers[0] = (st.book.px[1] - st.book.px[0]) / quote.mid_px * 1e4
        numbers[1] = st.account.maker_fee_bps
        numbers[3] = st.viability.best_depth_bps[side] - st.viability.net_bps[side]
        numbers[2] = numbers[3] - numbers[1]
        numbers[4] = st.viability.net_bps[side]
        numbers[5] = st.viability.gain_usd_per_s[side] * 3600.0
        numbers[6] = st.viability.cost_usd_per_s[side] * 3600.0
    elif sign * quote.position_usd + stuck_usd + p.min_order_usd > quote.limit_usd:
        quote.why[side] = AT_LIMIT
        numbers[0] = quote.position_usd
        numbers[1] = quote.limit_usd
        numbers[2] = stuck_usd
    else:
        quote.why[side] = NO_COLLATERAL
        numbers[0] = st.account.free_usd if st.account.ready == 1 else 0.0


@nb.njit(cache=True)
def _level_lots(st: Any, p: Any, side: int, budget: int, px_ticks: int) -> int:
    """Lots of the next level out of `budget`; 0 when the venue would refuse what is left.

    Less than the minimum only where it closes the whole position.
    """
    px_usd = exposure.notional_usd(1, px_ticks)
    clip = max(1, int(p.clip_usd / px_usd))
    lots = min(clip, budget)
    if lots * px_usd >= p.min_order_usd:
        return lots
    least = int(p.min_order_usd / px_usd) + 1
    sign = 1 - 2 * side
    whole = -sign * st.account.lots[p.coin]
    if least <= budget and least * px_usd <= 2.0 * p.clip_usd:
        return least
    return whole if 0 < whole <= budget else 0


@nb.njit(cache=True)
def build(st: Any, p: Any) -> None:
    """Set wanted price, lots and reduce-only of every level and, where there is none, the reason."""
    quote = st.quote
    for side in range(2):
        quote.quoting[side] = 0
        quote.lots[side, :] = 0
        quote.px_ticks[side, :] = 0
        quote.numbers[side, :] = 0.0
        quote.why[side] = QUOTING
        budget = budget_lots(st, p, side)
        if budget <= 0:
            _no_budget(st, p, side)
            continue
        floor_bps = attribution.cost_bps(quote.items_bps[side])
        if floor_bps > p.max_half_spread_bps and quote.urgent[side] == 0:
            quote.why[side] = TOO_WIDE
            quote.numbers[side, 0] = floor_bps
            quote.numbers[side, 1] = p.max_half_spread_bps
            continue
        _fill_side(st, p, side, budget)


@nb.njit(cache=True)
def _fill_side(st: Any, p: Any, side: int, budget: int) -> None:
    """Levels of one side, best first, until the budget is used."""
    quote = st.quote
    sign = 1 - 2 * side
    reducing = st.authority.stance == authority.REDUCE or st.viability.pays[side] == 0
    first_ticks, last_ticks = 0, 0
    left_usd = budget * quote.value_usd_per_lot
    for level in range(p.levels):
        distance_bps = quote.distance_bps[side] + level * p.level_step_bps
        px = quote.fair_px - sign * distance_bps * 1e-4 * quote.mid_px
        ticks = level_px_ticks(side, px * p.ticks_per_usd, st.book.raw_ticks[0], st.book.raw_ticks[1], p.px_decimals)
        if level > 0 and sign * (last_ticks - ticks) <= 0:
            step = tick_step(last_ticks - 1 if side == 0 else last_ticks, p.px_decimals)
            ticks = last_ticks - sign * step
        if ticks <= 0 or distance_bps > p.max_half_spread_bps + p.level_step_bps * LEVELS:
            break
        last_ticks = ticks
        lots = _level_lots(st, p, side, budget, ticks)
        if lots <= 0:
            break
        if level == 0:
            first_ticks = ticks
        quote.px_ticks[side, level] = ticks
        quote.lots[side, level] = lots
        is_dust = exposure.notional_usd(lots, ticks) < p.min_order_usd
        quote.reduce_only[side, level] = 1 if reducing or is_dust else 0
        budget = 0 if is_dust else budget - lots
    if first_ticks > 0:
        quote.quoting[side] = 1
        attribution.close(quote.items_bps[side], side, quote.mid_px, first_ticks / p.ticks_per_usd)
    else:
        quote.why[side] = BELOW_MINIMUM
        quote.numbers[side, 0] = left_usd
        quote.numbers[side, 1] = p.min_order_usd
