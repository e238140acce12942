"""THE PAGE: everything one coin does with one event, in order. Nothing else calls an estimator.

(1) admit and stamp, (2) resolve what was due before this event, (3) estimators, (4) account and orders, (5) quote ->
ladder -> reconcile -> commands, attribution and the reason with it. page.py says the same as a table; docs/wiring.md is
generated from it. Outcomes come before estimators, so nothing learns from what it is about to be judged by.

A decision stands until there is news, fair has drifted, or time alone has gone on for a while (quoting.is_due). Leases
and staleness are looked at with every event but trades and words from outside that leave fair where it is: at the
latest with the next timer.
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.domain.events import LAST, REPLAYED
from portfolio_mm.engine import ablation, account, authority, backoff, book, clock, emit, fair_inputs, ladder, learning
from portfolio_mm.engine import places, pnl, quoting, reconcile, signals, slots, viability
from portfolio_mm.engine.terms import exact
from portfolio_mm.estimators import arrivals, cascade, depth_profile, edge, evidence, fair_value, funding, hawkes
from portfolio_mm.estimators import impact, informed, intensity, jumps, leaders, markouts, order_flow, particles
from portfolio_mm.estimators import queue, reference, regimes, toxicity, vol_of_vol, volatility, walls

MAX_COMMANDS: Final = emit.MAX_COMMANDS
"""Room `step` needs in `commands`."""


@nb.njit(cache=True)
def step(events: Any, i: int, state: Any, params: Any, commands: Any) -> int:  # noqa: PLR0912 - the page
    """Hear event `i`; write commands to `commands[0:n]` and return n.

    Args:
        events: array of EVENT.
        i: which one.
        state: array of one COIN, changed in place.
        params: array of one PARAMS.
        commands: array of COMMAND with room for MAX_COMMANDS.
    """
    st, p, ev = state[0], params[0], events[i]
    kind = ev.kind
    st.markouts.out_count, st.signals.closed_now = 0, 0  # nothing has come of this event yet
    # (1) admit and stamp
    if not clock.admit(st, p, ev):
        return 0
    is_outside = kind in (clock.REFERENCE, clock.REFERENCE_TRADE, clock.LEADER)
    if not (is_outside or kind == clock.TIMER):
        st.quote.news = 1
    moved, is_heard = False, book.is_heard(st, p)
    if kind in (clock.BBO, clock.BOOK):
        moved = book.observe(st, p, ev, kind == clock.BOOK)
        places.observe(st, p, ev, kind == clock.BOOK)
    elif kind == clock.FEED:
        book.on_feed(st.book, ev.status)
    # (2) outcomes due
    if st.clock.venue_ns > 0 and (moved or kind == clock.TIMER):
        _resolve(st, p, moved, is_heard)
    if st.book.ready == 1:
        fair_value.advance(st.fair, p.fair, st.clock.venue_ns)
    ablation.roll(st, p)
    # (3) estimators
    if moved:
        _hear_top(st, p)
    if st.book.ready == 1 and st.fair.ready == 1 and (moved or (kind == clock.TIMER and is_heard)):
        cascade.update(st.cascade, p.cascade, st.clock.venue_ns, st.fair.mid_px)
    if kind == clock.BOOK and st.fair.ready == 1:
        lp, ls, venue_ns = st.book.level_px, st.book.level_sz, st.clock.venue_ns
        cascade.on_book(st.cascade, lp, ls)
        intensity.observe_book(st.intensity, p.intensity, venue_ns, lp[0], ls[0], lp[1], ls[1], st.fair.fair_px)
    elif kind == clock.TRADE:
        _hear_trade(st, p, ev)
        return 0
    elif is_outside:
        if not (_hear_outside(st, p, ev) and quoting.has_drifted(st)):
            return 0
    elif kind == clock.TIMER:
        if st.clock.venue_ns > 0:
            _hear_time(st, p, is_heard)
    # (4) account, orders, authority
    elif kind not in (clock.BBO, clock.BOOK, clock.FEED) and not _hear_account(st, p, ev):
        return 0
    # (5) stance -> quote -> ladder -> reconcile
    authority.stand(st, p)
    if st.authority.stance <= authority.WAIT:
        authority.explain(st, p)
    else:
        if kind in (clock.ACCOUNT, clock.ALLOCATION) or st.clock.recv_ns - st.viability.last_ns >= p.viability_ns:
            viability.assess(st, p)
            exact.look(st, p)
            edge.hear(st.edge, p.edge, st.clock.venue_ns, st.markouts, p.markouts.learn, st.account)
            st.quote.news = 1
        if not quoting.is_due(st):
            return 0
        learning.look(st, p)
        quoting.decide(st, p)
        ladder.build(st, p)
    n = reconcile.commands_for(st, p, ev, commands)
    ablation.on_commands(st, p, commands, n)
    return n  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _resolve(st: Any, p: Any, moved: bool, is_heard: bool) -> None:  # noqa: FBT001 - compiled: positional only
    """Labels that are due by now reach what learns from them (BBO, BOOK, TIMER)."""
    venue_ns, top_ns = st.clock.venue_ns, st.book.top_ns
    if moved:
        pnl.follow_mid(st.pnl, st.book.mid2)
    mid_px = 0.5 * (st.book.px[0] + st.book.px[1])
    for j in range(markouts.update(st.markouts, p.markouts, venue_ns, top_ns, mid_px, st.book.mid2)):
        out = st.markouts
        if out.out_horizon[j] == p.markouts.learn:
            sign = 1 - 2 * out.out_side[j]
            pnl.on_adverse(st.pnl, sign, out.out_lots[j], out.out_mid2_fill[j], out.out_mid2_due[j])
            ablation.on_label(st, p, j)
        learning.on_label(st, p, j, venue_ns)
    if st.book.ready == 1:
        toxicity.update(st.toxicity, p.toxicity, venue_ns, top_ns, mid_px)
        informed.update(st.informed, p.informed, venue_ns, top_ns, mid_px)
        impact.update(st.impact, p.impact, venue_ns, mid_px)
    if moved or is_heard:
        depth_profile.update(st.depth, p.depth, venue_ns, top_ns, mid_px, -1, 0.0, 0.0)


@nb.njit(cache=True)
def _hear_top(st: Any, p: Any) -> None:
    """The best prices of others are known anew (BBO, BOOK)."""
    top_ns, top_px, top_sz = st.book.top_ns, st.book.px, st.book.sz
    order_flow.update(st.order_flow, p.order_flow, top_ns, top_px[0], top_sz[0], top_px[1], top_sz[1])
    fair_inputs.gather(st, p)
    applied = st.signals.applied
    if not fair_value.update(st.fair, p.fair, top_ns, top_px[0], top_sz[0], top_px[1], top_sz[1], applied):
        return
    mid_px, vol = st.fair.mid_px, st.vol
    intensity.observe_top(st.intensity, top_ns, top_px[0], top_px[1])
    volatility.update(vol, p.vol, top_ns, mid_px)
    jumps.update(st.jumps, p.jumps, top_ns, mid_px, vol.sigma_bps, vol.noise_bps)
    vol_of_vol.update(st.vov, p.vov, top_ns, mid_px)
    particles.update(st.particles, p.particles, top_ns, mid_px, vol.sigma_bps, vol.median_bps, vol.noise_bps)
    if regimes.update(st.regimes, p.regimes, top_ns, mid_px, 1e4 * (top_px[1] - top_px[0]) / mid_px):
        lean, shift = applied[signals.REGIME], st.regimes.shift
        intensity.shift_priors(st.intensity, lean * shift[0], lean * shift[1])
        volatility.expect(vol, p.vol, lean * shift[2], lean * st.regimes.changed)


@nb.njit(cache=True)
def _hear_trade(st: Any, p: Any, ev: Any) -> None:
    """A print (TRADE); the decision follows with the next event, as prints of a block come in one frame."""
    trade_ns, worth_usd = ev.venue_ms * 1_000_000, ev.px * ev.sz
    if ev.bits & REPLAYED != 0:
        return
    before_px = fair_value.before(st.fair, p.fair, trade_ns)
    if before_px > 0.0:
        learning.on_sweep(st, p, ev, trade_ns, before_px)
    order_flow.on_trade(st.order_flow, p.order_flow, trade_ns, ev.side, ev.px, ev.sz)
    arrivals.update(st.arrivals, p.arrivals, trade_ns, ev.side, worth_usd)
    hawkes.update(st.hawkes, p.hawkes, trade_ns, ev.side, st.arrivals.season_ratio)
    places.on_trade(st, p, ev)
    if before_px > 0.0:
        mid_px = st.fair.mid_px
        cascade.on_trade(st.cascade, trade_ns, ev.side, ev.px, ev.sz)
        informed.trade(st.informed, p.informed, trade_ns, ev.side, worth_usd, before_px)
        impact.trade(st.impact, p.impact, trade_ns, ev.side, worth_usd)
        intensity.update(st.intensity, p.intensity, trade_ns, ev.side, ev.px, before_px)
        depth_profile.update(st.depth, p.depth, trade_ns, st.book.top_ns, mid_px, ev.side, ev.px, before_px)
        jumps.observe_sweep(st.jumps, p.jumps, trade_ns, ev.side, ev.px, before_px)
        regimes.observe_sweep(st.regimes, trade_ns, ev.side, ev.px, before_px)


@nb.njit(cache=True)
def _hear_outside(st: Any, p: Any, ev: Any) -> bool:
    """Other coins and another venue (LEADER, REFERENCE, REFERENCE_TRADE); whether fair has moved."""
    if ev.kind == clock.LEADER:
        leaders.update(st.leaders, p.leaders, st.clock.recv_ns, ev.coin, ev.px)
        return fair_inputs.renew_leaders(st, p)  # type: ignore[no-any-return]
    is_trade = ev.kind == clock.REFERENCE_TRADE
    reference.hear(st.reference, p.reference, st.clock.recv_ns, ev, is_trade, st.book)
    return fair_inputs.renew_reference(st, p)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _hear_time(st: Any, p: Any, is_heard: bool) -> None:  # noqa: FBT001 - compiled: positional only
    """Time has passed (TIMER); where the market is heard, nobody came meanwhile."""
    venue_ns = st.clock.venue_ns
    fair_inputs.renew(st, p)
    account.learn_exposure(st, p, is_heard)
    account.count_uptime(st)
    if is_heard:
        intensity.update(st.intensity, p.intensity, venue_ns, -1, 0.0, 0.0)
        arrivals.update(st.arrivals, p.arrivals, venue_ns, -1, 0.0)
        hawkes.update(st.hawkes, p.hawkes, venue_ns, -1, st.arrivals.season_ratio)
        usd_per_lot = places.follow(st, p)
        rates, usd = st.arrivals.bucket_per_s, st.arrivals.bucket_usd
        if usd_per_lot > 0.0:
            queue.update(st.queue, p.queue, venue_ns, rates, usd, usd_per_lot)


@nb.njit(cache=True)
def _hear_account(st: Any, p: Any, ev: Any) -> bool:  # noqa: PLR0912 - one branch per kind
    """What gateway and portfolio say; whether there is something to decide now."""
    kind, recv_ns, venue_ns = ev.kind, st.clock.recv_ns, st.clock.venue_ns
    if kind == clock.FILL:
        places.on_fill(st, p, ev)
        account.on_fill(st, p, ev)
        ablation.on_fill(st, p, ev)
    elif kind == clock.POSITION:
        account.on_position(st, p, ev)
    elif kind == clock.ACCOUNT:
        account.on_account(st, ev, recv_ns)
    elif kind == clock.FUNDING:
        account.on_funding(st, p, ev)
    elif kind == clock.CONTEXT:
        account.on_context(st, ev)
        funding.update(st.funding, p.funding, venue_ns, ev.px, ev.px2, ev.sz)
        cascade.on_context(st.cascade, venue_ns, ev.sz2, ev.sz)
        regimes.observe_interest(st.regimes, venue_ns, ev.sz2)
    elif kind == clock.DEADLINE:
        walls.on_deadline(st.walls, recv_ns, ev.oid)
    elif kind == clock.SYNC:
        slots.on_sync(st.orders, ev.oid, ev.tid)
    elif kind == clock.ORDER:
        side = slots.on_order(st.orders, ev, recv_ns)
        if side >= 0:
            backoff.on_answer(st.orders, side, ev.status, ev.oid, ev.tid, recv_ns)
    elif kind == clock.PERMIT:
        authority.on_permit(st.authority, ev, recv_ns)
    elif kind == clock.MODE:
        authority.on_mode(st.authority, ev, recv_ns)
    elif kind == clock.ALLOCATION:
        authority.on_allocation(st, p, ev)
        leaders.adopt(st.leaders, ev.seq)
    elif kind == clock.SKEW:
        authority.on_skew(st.authority, ev, recv_ns)
        return False
    elif kind == clock.LEAD:
        leaders.on_lead(st.leaders, ev.coin, ev.px, ev.sz, ev.seq)
        return False
    if kind in (clock.FILL, clock.ACCOUNT):
        evidence.reckon(st.evidence, p.evidence, st.account)
    if ev.bits & LAST != 0 and kind >= clock.ORDER:
        slots.end_sync(st.orders)
    return True
