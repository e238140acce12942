"""What the gateway says about money: fills and positions of all coins, fees, collateral, funding.

Positions of other coins are valued at the last price heard with them (their markets are not heard here): the error is
their move since, a few percent of a skew term. Ticks times lots are 1e-6 USD on every coin, so no grid is needed.
"""

from typing import Any

import numba as nb

from portfolio_mm.domain.events import REPLAYED, TAKER
from portfolio_mm.engine import orders, pnl, slots, viability
from portfolio_mm.engine.exposure import notional_usd
from portfolio_mm.estimators import evidence, fair_value, intensity, markouts, toxicity
from portfolio_mm.models import approach, fill_ring
from portfolio_mm.models.sweep import penetration_bps

HEARS = ("FILL", "POSITION", "ACCOUNT", "FUNDING", "CONTEXT")
EXPOSE_S = 0.5
"""Own orders are looked at this often: of the time they rest, each moment is as likely to be seen."""


@nb.njit(cache=True)
def recross(st: Any, p: Any) -> None:
    """Sum of g_ij q_j over the other coins, bps; recomputed when a position or the row changes."""
    total_bps = 0.0
    for j in range(p.n_coins):
        if j != p.coin:
            total_bps += st.authority.row_bps_per_usd[j] * st.account.position_usd[j]
    st.account.cross_skew_bps = total_bps


@nb.njit(cache=True)
def _set_position(st: Any, p: Any, coin: int, lots: int, px_ticks: int) -> None:
    account = st.account
    account.lots[coin] = lots
    if px_ticks > 0:
        account.px_ticks[coin] = px_ticks
    account.position_usd[coin] = notional_usd(lots, account.px_ticks[coin])
    recross(st, p)


@nb.njit(cache=True)
def on_fill(st: Any, p: Any, ev: Any) -> None:
    """A fill of any coin; of this coin it also closes orders, earns, and teaches (once: not when REPLAYED)."""
    sign = 1 - 2 * ev.side
    account = st.account
    account.seen += 1
    account.last_ns = st.clock.recv_ns
    account.seq = max(account.seq, ev.seq)
    _set_position(st, p, ev.coin, account.lots[ev.coin] + sign * ev.sz_lots, ev.px_ticks)
    if ev.coin != p.coin:
        return
    placed_fair_px = slots.on_own_fill(st.orders, ev.cloid_hi, ev.cloid_lo, ev.sz_lots, st.clock.recv_ns)
    pnl.on_fill(st.pnl, sign, ev.sz_lots, ev.px_ticks, ev.fee_1e8)
    st.counters.fills += 1
    st.counters.volume_1e8 += ev.px_ticks * ev.sz_lots * pnl.PX_1E8
    if ev.bits & (TAKER | REPLAYED) != 0:
        return
    if not fill_ring.is_new(st.markouts, ev.tid):
        return
    now_ns = ev.venue_ms * 1_000_000 if ev.venue_ms > 0 else st.clock.venue_ns
    px = ev.px_ticks / p.ticks_per_usd
    before_px = fair_value.before(st.fair, p.fair, now_ns)
    is_remembered = placed_fair_px > 0.0
    if not is_remembered:
        placed_fair_px = before_px
    mid2, placed = st.pnl.mid2, st.orders.filled
    slot = markouts.on_fill(st.markouts, p.markouts, now_ns, ev, px, placed_fair_px, mid2, placed)
    if slot >= 0:
        toxicity.on_fill(st.toxicity, slot, ev.side, placed.features)
        if is_remembered:
            markouts.on_approach(st.markouts, p.markouts, slot, before_px)
    counted = False
    if before_px > 0.0:
        counted = intensity.own_fill(st.intensity, now_ns, ev.side, penetration_bps(ev.side, px, before_px))
    charged_bps = ev.fee_1e8 / (ev.px_ticks * ev.sz_lots * pnl.PX_1E8) * 1e4
    evidence.on_fill(st.evidence, ev.side, charged_bps, counted)


@nb.njit(cache=True)
def on_position(st: Any, p: Any, ev: Any) -> bool:
    """A position of any coin replaces what was known; False when it is older than a fill already counted."""
    account = st.account
    if 0 < ev.seq < account.seq:
        return False
    account.seen += 1
    account.last_ns = st.clock.recv_ns
    account.seq = max(account.seq, ev.seq)
    _set_position(st, p, ev.coin, ev.sz_lots, ev.px_ticks if account.px_ticks[ev.coin] == 0 or ev.sz_lots == 0 else 0)
    if ev.coin == p.coin:
        pnl.take_over(st.pnl, ev.sz_lots)
    return True


@nb.njit(cache=True)
def on_account(st: Any, ev: Any, now_ns: int) -> None:
    """Collateral and fees; a fee beyond 1 % cannot be meant in bps and is ignored."""
    account = st.account
    account.seen += 1
    account.last_ns = now_ns
    account.ready = 1
    account.mode = ev.status
    account.equity_usd = ev.px
    account.free_usd = ev.px2
    if -100.0 < ev.sz < 100.0:
        account.maker_fee_bps = ev.sz
        evidence.tell_fee(st.evidence, ev.sz)
    if -100.0 < ev.sz2 < 100.0:
        account.taker_fee_bps = ev.sz2


@nb.njit(cache=True)
def on_context(st: Any, ev: Any) -> None:
    """The mark values the position."""
    st.pnl.mark2 = 2 * ev.px_ticks


@nb.njit(cache=True)
def on_funding(st: Any, p: Any, ev: Any) -> None:
    """Funding of this coin."""
    if ev.coin == p.coin:
        pnl.on_funding(st.pnl, ev.fee_1e8)


@nb.njit(cache=True)
def learn_exposure(st: Any, p: Any, is_heard: bool) -> None:  # noqa: FBT001 - compiled: positional only
    """Tell how far from fair the nearest order of each side stands now, ours or not (TIMER).

    Then, twice a second: how long each own order rested, how far from fair and how far fair has come. While the market
    is not heard nobody knows where fair is, and nothing is counted.
    """
    clock = st.clock
    seconds = (clock.venue_ns - clock.exposed_ns) * 1e-9
    is_known = clock.exposed_ns > 0 and 0.0 < seconds < 2.0 and st.fair.ready == 1 and is_heard
    is_due = is_known and seconds >= EXPOSE_S
    if is_due:
        markouts.wait(st.markouts, p.markouts, seconds)
    for side in range(2):
        near_px, sign = st.book.px[side], 1 - 2 * side
        for level in range(orders.LEVELS):
            leg = st.orders.slots[side, level].leg[0]
            if leg.state == orders.LIVE and leg.lots > 0:
                px = leg.px_ticks / p.ticks_per_usd
                near_px = px if sign * (px - near_px) > 0.0 else near_px
                if is_due:
                    _expose(st, side, leg.fair_px, px, seconds)
        if is_known and st.book.ready == 1:
            intensity.stand(st.intensity, side, penetration_bps(side, near_px, st.fair.fair_px))
    if is_due or not is_known:
        clock.exposed_ns = clock.venue_ns


@nb.njit(cache=True)
def _expose(st: Any, side: int, placed_fair_px: float, px: float, seconds: float) -> None:
    """An own order at `px` rested for so long."""
    depth_bps = penetration_bps(side, px, st.fair.fair_px)
    intensity.expose(st.intensity, side, depth_bps, seconds, viability.reach_rate(st, side, depth_bps))
    k = max(st.viability.k_per_bps[side], 1e-3)
    approach.rest(st.markouts.approach, side, placed_fair_px, st.fair.fair_px, k, seconds)


@nb.njit(cache=True)
def count_uptime(st: Any) -> None:
    """Seconds with an order at the venue on any side, and on both (TIMER)."""
    clock = st.clock
    seconds = (clock.recv_ns - clock.timer_ns) * 1e-9
    if clock.timer_ns > 0 and 0.0 < seconds < 2.0:
        sides = 0
        for side in range(2):
            for level in range(orders.LEVELS):
                leg = st.orders.slots[side, level].leg[0]
                if (leg.state in (orders.LIVE, orders.MODIFYING)) and leg.lots > 0:
                    sides |= 1 << side
        if sides != 0:
            st.counters.quoting_s += seconds
        if sides == 3:
            st.counters.two_sided_s += seconds
    clock.timer_ns = clock.recv_ns
