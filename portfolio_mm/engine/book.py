"""The observed book without our own orders, from BBO (top, every block) and BOOK (five levels, every half second).

Our resting orders are in the public book; left in, our own quote would move our own fair value. Lots that surely rest
are taken off their level. Orders in flight, in doubt or just gone may or may not be in a frame: they are taken off
only when the level holds exactly their lots, that is, nothing else. Where the best level was ours alone, the next
level of the last BOOK stands in; where that cannot be (the market has moved past it), the last top of others holds
until the next frame.
"""

from typing import Any

import numba as nb

from portfolio_mm.engine.orders import CANCELLING, LEVELS, LIVE, MODIFYING, NONE

HEARS = ("BBO", "BOOK", "FEED", "TIMER")


@nb.njit(cache=True)
def others_lots(orders: Any, side: int, px_ticks: int, sz_lots: int, now_ns: int) -> int:
    """Lots of others at a public level that shows `sz_lots`."""
    sure, maybe = 0, 0
    for level in range(LEVELS):
        slot = orders.slots[side, level]
        for at in range(2):
            leg = slot.leg[at]
            if leg.state != NONE and leg.px_ticks == px_ticks:
                if leg.state in (LIVE, CANCELLING, MODIFYING):
                    sure += leg.lots
                else:
                    maybe += leg.lots
        if slot.ghost.px_ticks == px_ticks and now_ns < slot.ghost.until_ns:
            maybe += slot.ghost.lots
    if sure == 0 and maybe == 0:
        return sz_lots
    rest = max(0, sz_lots - sure)
    return 0 if rest == maybe else rest


@nb.njit(cache=True)
def _read_levels(st: Any, p: Any, side: int, px: Any, sz: Any) -> None:
    """Keep the five levels of one side without our own lots; a level of ours alone keeps its price with size 0."""
    book = st.book
    for level in range(len(px)):
        ticks = int(px[level] * p.ticks_per_usd + 0.5)
        lots = int(sz[level] * p.lots_per_coin + 0.5)
        book.level_ticks[side, level] = ticks
        book.level_px[side, level] = px[level]
        if ticks > 0:
            lots = others_lots(st.orders, side, ticks, lots, st.clock.recv_ns)
        book.level_sz[side, level] = lots / p.lots_per_coin


@nb.njit(cache=True)
def _set_top(st: Any, p: Any, side: int, ticks: int, px: float, sz: float) -> bool:  # noqa: PLR0917 - kernels take flat arguments
    """Best level of others: this one, or the first of the last BOOK behind it. False when none is known."""
    book = st.book
    lots = others_lots(st.orders, side, ticks, int(sz * p.lots_per_coin + 0.5), st.clock.recv_ns)
    if lots > 0:
        book.ticks[side] = ticks
        book.px[side] = px
        book.sz[side] = lots / p.lots_per_coin
        return True
    sign = 1 - 2 * side
    for level in range(book.level_ticks.shape[1]):
        behind = sign * (ticks - book.level_ticks[side, level])
        if behind > 0 and book.level_ticks[side, level] > 0 and book.level_sz[side, level] > 0.0:
            book.ticks[side] = book.level_ticks[side, level]
            book.px[side] = book.level_px[side, level]
            book.sz[side] = book.level_sz[side, level]
            return True
    return book.ticks[side] > 0 and sign * (ticks - book.ticks[side]) >= 0  # type: ignore[no-any-return]


@nb.njit(cache=True)
def observe(st: Any, p: Any, ev: Any, has_levels: bool) -> bool:  # noqa: FBT001 - compiled: positional only
    """Hear a BBO or a BOOK. True when the top of others is known and newer than, or as new as, what was known."""
    book, clock = st.book, st.clock
    venue_ns = ev.venue_ms * 1_000_000
    if has_levels and venue_ns >= book.levels_ns:
        book.levels_ns = venue_ns
        _read_levels(st, p, 0, ev.bid_px, ev.bid_sz)
        _read_levels(st, p, 1, ev.ask_px, ev.ask_sz)
    if venue_ns > book.top_ns:
        book.fresh_ns = clock.recv_ns
    if venue_ns < book.top_ns:
        return False
    book.seen += 1
    book.last_ns = venue_ns
    book.top_ns = venue_ns
    if ev.bid_ticks == 0 or ev.ask_ticks == 0:
        book.ready = 0
        return False
    if clock.first_book_ns == 0:
        clock.first_book_ns = clock.recv_ns
    book.raw_ticks[0] = ev.bid_ticks
    book.raw_ticks[1] = ev.ask_ticks
    bid_ticks, bid_px, bid_sz = book.ticks[0], book.px[0], book.sz[0]
    ask_ticks, ask_px, ask_sz = book.ticks[1], book.px[1], book.sz[1]
    known = _set_top(st, p, 0, ev.bid_ticks, ev.bid_px[0], ev.bid_sz[0])
    known = _set_top(st, p, 1, ev.ask_ticks, ev.ask_px[0], ev.ask_sz[0]) and known
    if not known or book.ticks[0] >= book.ticks[1]:
        book.ticks[0], book.px[0], book.sz[0] = bid_ticks, bid_px, bid_sz
        book.ticks[1], book.px[1], book.sz[1] = ask_ticks, ask_px, ask_sz
        return False
    book.ready = 1
    book.mid2 = book.ticks[0] + book.ticks[1]
    return True


@nb.njit(cache=True)
def on_feed(book: Any, is_up: int) -> None:
    """The feed was lost or is back; either way the old book is not to be traded on."""
    book.feed_up = 1 if is_up != 0 else 0
    book.ready = 0


@nb.njit(cache=True)
def is_stale(st: Any, p: Any) -> bool:
    """No frame moved block time on for longer than allowed, by receive time."""
    return st.clock.recv_ns - st.book.fresh_ns > p.stale_ns  # type: ignore[no-any-return]


@nb.njit(cache=True)
def is_heard(st: Any, p: Any) -> bool:
    """The market is heard: only then does a quiet moment say that nobody came."""
    return st.book.feed_up == 1 and not is_stale(st, p)
