"""THE PAGE: everything one coin does with one event, in order. Nothing else calls an estimator.

(1) admit and stamp, (2) resolve what was due before this event, (3) estimators, (4) account and orders, (5) quote ->
ladder -> reconcile -> commands, attribution and the reason with it. `PAGE` says the same as a table; docs/wiring.md is
generated from it. Outcomes come before estimators, so nothing learns from what it is about to be judged by.
"""

from typing import Any, Final, NamedTuple

import numba as nb

from portfolio_mm.domain.events import LAST, REPLAYED, EventKind
from portfolio_mm.engine import (
    account,
    authority,
    book,
    clock,
    emit,
    ladder,
    places,
    pnl,
    quoting,
    reconcile,
    slots,
    viability,
)
from portfolio_mm.estimators import arrivals, depth_profile, fair_value, hawkes, intensity, markouts, queue, volatility

MAX_COMMANDS: Final = emit.MAX_COMMANDS
"""Room `step` needs in `commands`."""


class Part(NamedTuple):
    """One line of the page: a part, its module, the kinds it hears, the sub-records it reads and writes."""

    name: str
    module: str
    hears: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


ALL: Final = tuple(EventKind.__members__)
DECIDES: Final = tuple(kind for kind in ALL if kind not in {"TRADE", "SKEW"})
QUOTE: Final = ("quote",)
PAGE: Final = (
    Part("clock", "engine.clock", ALL, ("event",), ("clock", "counters")),
    Part("book", "engine.book", ("BBO", "BOOK", "FEED"), ("event", "orders"), ("book",)),
    Part("markouts", "estimators.markouts", markouts.HEARS, ("clock", "book"), ("markouts",)),
    Part("pnl", "engine.pnl", pnl.HEARS, ("book", "markouts", "event"), ("pnl",)),
    Part("depth", "estimators.depth_profile", depth_profile.HEARS, ("clock", "book", "fair"), ("depth",)),
    Part("fair", "estimators.fair_value", fair_value.HEARS, ("clock", "book"), ("fair",)),
    Part("vol", "estimators.volatility", volatility.HEARS, ("clock", "fair"), ("vol",)),
    Part("intensity", "estimators.intensity", intensity.HEARS, ("clock", "book", "fair", "orders"), ("intensity",)),
    Part("arrivals", "estimators.arrivals", arrivals.HEARS, ("clock", "book"), ("arrivals",)),
    Part("hawkes", "estimators.hawkes", hawkes.HEARS, ("clock", "book", "arrivals"), ("hawkes",)),
    Part("places", "engine.places", places.HEARS, ("event", "book", "orders", "intensity", "vol"), ("queue",)),
    Part("queue", "estimators.queue", queue.HEARS, ("clock", "arrivals", "quote"), ("queue",)),
    Part("account", "engine.account", account.HEARS, ("event", "fair"), ("account", "orders", "pnl", "markouts")),
    Part("orders", "engine.slots", slots.HEARS, ("event",), ("orders",)),
    Part("authority", "engine.authority", authority.HEARS, ("event", "clock", "book"), ("authority",)),
    Part("viability", "engine.viability", DECIDES, ("depth", "intensity", "vol", "account"), ("viability",)),
    Part("quoting", "engine.quoting", DECIDES, ("fair", "vol", "intensity", "viability", "markouts", "account"), QUOTE),
    Part("ladder", "engine.ladder", DECIDES, ("quote", "book", "account", "authority", "orders"), QUOTE),
    Part("reconcile", "engine.reconcile", DECIDES, ("quote", "orders", "authority"), ("orders", "counters")),
)
"""Every part in the order of `step`. Heavy parts on their own clock: viability (1 s), refits inside intensity and
depth (1 s). `authority` also heeds the clock: leases and staleness end without any event of their own."""
SHELVED: Final[dict[str, str]] = {}
"""Modules of estimators/ that the page does not call, each with the reason."""


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
    # (1) admit and stamp
    if not clock.admit(st, p, ev):
        return 0
    recv_ns, venue_ns = st.clock.recv_ns, st.clock.venue_ns
    moved = False
    if kind in (clock.BBO, clock.BOOK):
        moved = book.observe(st, p, ev, kind == clock.BOOK)
        places.observe(st, p, ev, kind == clock.BOOK)
    elif kind == clock.FEED:
        book.on_feed(st.book, ev.status)
    # (2) outcomes due
    if venue_ns > 0 and (moved or kind == clock.TIMER):
        if moved:
            pnl.follow_mid(st.pnl, st.book.mid2)
        mid_px = 0.5 * (st.book.px[0] + st.book.px[1])
        top_ns = st.book.top_ns
        for j in range(markouts.update(st.markouts, p.markouts, venue_ns, top_ns, mid_px, st.book.mid2)):
            out = st.markouts
            sign = 1 - 2 * out.out_side[j]
            pnl.on_adverse(st.pnl, sign, out.out_lots[j], out.out_mid2_fill[j], out.out_mid2_due[j])
        depth_profile.update(st.depth, p.depth, venue_ns, top_ns, mid_px, -1, 0.0, 0.0)
    # (3) estimators
    if moved:
        top_ns, top_px, top_sz = st.book.top_ns, st.book.px, st.book.sz
        if fair_value.update(st.fair, p.fair, top_ns, top_px[0], top_sz[0], top_px[1], top_sz[1]):
            volatility.update(st.vol, p.vol, top_ns, st.fair.mid_px)
    if kind == clock.BOOK and st.fair.ready == 1:
        lp, ls = st.book.level_px, st.book.level_sz
        intensity.observe_book(st.intensity, p.intensity, venue_ns, lp[0], ls[0], lp[1], ls[1], st.fair.fair_px)
    elif kind == clock.TRADE:
        trade_ns = ev.venue_ms * 1_000_000
        before_px = fair_value.before(st.fair, trade_ns)
        if ev.bits & REPLAYED == 0:
            arrivals.update(st.arrivals, p.arrivals, trade_ns, ev.side, ev.px * ev.sz)
            hawkes.update(st.hawkes, p.hawkes, trade_ns, ev.side, st.arrivals.season_ratio)
            places.on_trade(st, p, ev)
        if before_px > 0.0 and ev.bits & REPLAYED == 0:
            mid_px = st.fair.mid_px
            intensity.update(st.intensity, p.intensity, trade_ns, ev.side, ev.px, before_px)
            depth_profile.update(st.depth, p.depth, trade_ns, st.book.top_ns, mid_px, ev.side, ev.px, before_px)
        return 0
    elif kind == clock.TIMER and venue_ns > 0:
        intensity.update(st.intensity, p.intensity, venue_ns, -1, 0.0, 0.0)
        account.learn_exposure(st, p)
        account.count_uptime(st)
        if not book.is_stale(st, p):
            arrivals.update(st.arrivals, p.arrivals, venue_ns, -1, 0.0)
            hawkes.update(st.hawkes, p.hawkes, venue_ns, -1, st.arrivals.season_ratio)
            leave_per_s, usd_per_lot = places.follow(st)
            rates, usd = st.arrivals.bucket_per_s, st.arrivals.bucket_usd
            if usd_per_lot > 0.0:
                queue.update(st.queue, p.queue, venue_ns, rates, usd, usd_per_lot, leave_per_s)
    # (4) account, orders, authority
    elif kind == clock.FILL:
        places.on_fill(st, p, ev)
        account.on_fill(st, p, ev)
    elif kind == clock.POSITION:
        account.on_position(st, p, ev)
    elif kind == clock.ACCOUNT:
        account.on_account(st.account, ev, recv_ns)
    elif kind == clock.FUNDING:
        account.on_funding(st, p, ev)
    elif kind == clock.CONTEXT:
        account.on_context(st, ev)
    elif kind == clock.SYNC:
        slots.on_sync(st.orders, ev.oid, ev.tid)
    elif kind == clock.ORDER:
        side = slots.on_order(st.orders, ev, recv_ns)
        if side >= 0:
            reconcile.on_answer(st.orders, side, ev.status, ev.oid, ev.tid, recv_ns)
    elif kind == clock.PERMIT:
        authority.on_permit(st.authority, ev, recv_ns)
    elif kind == clock.MODE:
        authority.on_mode(st.authority, ev, recv_ns)
    elif kind == clock.ALLOCATION:
        authority.on_allocation(st, p, ev)
    elif kind == clock.SKEW:
        authority.on_skew(st.authority, ev, recv_ns)
        return 0
    if ev.bits & LAST != 0 and kind >= clock.ORDER:
        slots.end_sync(st.orders)
    # (5) stance -> quote -> ladder -> reconcile
    authority.stand(st, p)
    if st.authority.stance <= authority.WAIT:
        authority.explain(st, p)
    else:
        if kind in (clock.ACCOUNT, clock.ALLOCATION) or recv_ns - st.viability.last_ns >= p.viability_ns:
            viability.assess(st, p)
        quoting.decide(st, p)
        ladder.build(st, p)
    return reconcile.commands_for(st, p, ev, commands)  # type: ignore[no-any-return]
