"""Admission of an event and the coin's two clocks: receive time and block time, neither ever backwards.

Refused by name (counted per kind): a market event of another coin, a crossed or negative book, numbers that are not
finite, ORDER events of another coin, coins outside the table, block time that no clock explains. An unknown kind is
counted apart.

Block time runs as fast as receive time, so a frame may be ahead of the last one by no more than the time between them
and AHEAD_NS. One stamp from the future would otherwise make every later frame old: the book would stand still until the
venue has passed it, and the parts on block time with it. A leap is believed when every new frame has agreed with it for
AGREE_NS (after a stall in which frames were dropped, it is the truth). Not guaranteed: that the first frame ever is
right; after a wrong one the book is stale, and nothing is quoted, until the venue has passed it.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.events import REPLAYED, EventKind
from portfolio_mm.domain.units import NS_PER_MS

_K: Final = EventKind
TIMER, BBO, BOOK, TRADE, CONTEXT, FEED = (int(k) for k in (_K.TIMER, _K.BBO, _K.BOOK, _K.TRADE, _K.CONTEXT, _K.FEED))
REFERENCE, REFERENCE_TRADE, LEADER = (int(k) for k in (_K.REFERENCE, _K.REFERENCE_TRADE, _K.LEADER))
ORDER, FILL, POSITION, ACCOUNT = (int(k) for k in (_K.ORDER, _K.FILL, _K.POSITION, _K.ACCOUNT))
FUNDING, SYNC, ALLOCATION, SKEW = (int(k) for k in (_K.FUNDING, _K.SYNC, _K.ALLOCATION, _K.SKEW))
PERMIT, MODE, LEAD, DEADLINE = (int(k) for k in (_K.PERMIT, _K.MODE, _K.LEAD, _K.DEADLINE))
KINDS: Final = max(EventKind) + 1
"""One more than the largest kind: counters are indexed by kind."""
KNOWN: Final = np.array([k in {int(kind) for kind in EventKind} for k in range(KINDS)])
HUGE: Final = 1e300
AHEAD_NS: Final = 3_000_000_000
"""How far block time may run ahead of receive time: blocks are under a second apart, the rest is what a frame may be
late (HL §4). A stamp that gets in holds the book for so long, so it is less than `stale_feed_s` (5 s)."""
AGREE_NS: Final = 2_000_000_000
"""How long frames must agree on a leap, by receive time; meanwhile no frame that says otherwise may come (two books a
second do)."""


@nb.njit(cache=True)
def _levels_ok(ev: Any) -> bool:
    """Finite and not negative; a missing level is zero."""
    for level in range(len(ev.bid_px)):
        if not (0.0 <= ev.bid_px[level] < HUGE and 0.0 <= ev.bid_sz[level] < HUGE):
            return False
        if not (0.0 <= ev.ask_px[level] < HUGE and 0.0 <= ev.ask_sz[level] < HUGE):
            return False
    return True


@nb.njit(cache=True)
def _book_ok(ev: Any) -> bool:
    """Finite, not negative, not crossed; a missing side is zero."""
    if ev.bid_ticks < 0 or ev.ask_ticks < 0 or ev.venue_ms <= 0:
        return False
    if ev.bid_ticks > 0 and ev.ask_ticks > 0 and ev.bid_ticks >= ev.ask_ticks:
        return False
    return _levels_ok(ev)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _reference_ok(p: Any, ev: Any) -> bool:
    """A two-sided uncrossed book of this coin with a time, deep sizes not negative."""
    two_sided = 0.0 < ev.bid_px[0] < ev.ask_px[0] and ev.bid_sz[0] > 0.0 and ev.ask_sz[0] > 0.0
    deep = 0.0 <= ev.sz < HUGE and 0.0 <= ev.sz2 < HUGE
    return two_sided and deep and ev.coin == p.coin and ev.venue_ms > 0 and _levels_ok(ev)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _valid(p: Any, ev: Any) -> bool:  # noqa: PLR0911 - one line per case
    """Whether the event says something that can be so."""
    kind = ev.kind
    if kind in (BBO, BOOK):
        return ev.coin == p.coin and _book_ok(ev)  # type: ignore[no-any-return]
    if kind == REFERENCE:
        return _reference_ok(p, ev)  # type: ignore[no-any-return]
    if kind == LEADER:
        other = 0 <= ev.coin < p.n_coins and ev.coin != p.coin
        return other and 0.0 < ev.px < HUGE and ev.venue_ms > 0  # type: ignore[no-any-return]
    if kind in (TRADE, REFERENCE_TRADE):
        sane = 0.0 < ev.px < HUGE and 0.0 < ev.sz < HUGE and ev.venue_ms > 0
        return sane and ev.coin == p.coin and 0 <= ev.side <= 1  # type: ignore[no-any-return]
    if kind == CONTEXT:
        return ev.coin == p.coin and ev.px_ticks > 0  # type: ignore[no-any-return]
    if kind == ORDER:
        return ev.coin == p.coin and 1 <= ev.status <= 9  # type: ignore[no-any-return]
    if kind == FILL:
        in_table = 0 <= ev.coin < p.n_coins and 0 <= ev.side <= 1
        return in_table and ev.sz_lots > 0 and ev.px_ticks > 0  # type: ignore[no-any-return]
    if kind in (POSITION, SKEW, FUNDING):
        return 0 <= ev.coin < p.n_coins and -HUGE < ev.px < HUGE  # type: ignore[no-any-return]
    if kind == LEAD:
        finite = -HUGE < ev.px < HUGE and 0.0 < ev.sz < HUGE
        return finite and 0 <= ev.coin < p.n_coins and ev.coin != p.coin  # type: ignore[no-any-return]
    if kind in (ACCOUNT, ALLOCATION):
        finite = -HUGE < ev.px < HUGE and -HUGE < ev.px2 < HUGE and -HUGE < ev.sz < HUGE
        return finite and -HUGE < ev.sz2 < HUGE  # type: ignore[no-any-return]
    return True


@nb.njit(cache=True)
def _in_time(clock: Any, recv_ns: int, venue_ns: int) -> bool:
    """Whether the block time of a market frame can be so; remembers the first of those that say otherwise."""
    ahead_ns = venue_ns - clock.base_venue_ns - (recv_ns - clock.base_recv_ns)
    if clock.base_venue_ns == 0 or ahead_ns <= AHEAD_NS:
        if venue_ns > clock.base_venue_ns:
            clock.doubt_venue_ns = 0
        return True
    waited_ns, passed_ns = recv_ns - clock.doubt_recv_ns, venue_ns - clock.doubt_venue_ns
    if clock.doubt_venue_ns == 0 or abs(passed_ns - waited_ns) > AHEAD_NS:
        clock.doubt_venue_ns = venue_ns
        clock.doubt_recv_ns = recv_ns
        return False
    if passed_ns <= 0 or waited_ns < AGREE_NS:
        return False
    clock.doubt_venue_ns = 0
    return True


@nb.njit(cache=True)
def admit(st: Any, p: Any, ev: Any) -> bool:
    """Count, check and stamp one event; False when it is refused and must change nothing else."""
    counters, clock = st.counters, st.clock
    counters.events += 1
    kind = ev.kind
    if kind < 0 or kind >= len(KNOWN) or not KNOWN[kind]:
        counters.unknown_kinds += 1
        return False
    if not _valid(p, ev):
        counters.refused[kind] += 1
        return False
    recv_ns, venue_ns = max(clock.recv_ns, ev.recv_ns), ev.venue_ms * NS_PER_MS
    tells_time = (kind in (BBO, BOOK, TRADE)) and ev.bits & REPLAYED == 0
    if tells_time and not _in_time(clock, recv_ns, venue_ns):
        counters.refused[kind] += 1
        return False
    counters.heard[kind] += 1
    clock.recv_ns = recv_ns
    counters.kind_ns[kind] = clock.recv_ns
    if tells_time and venue_ns >= clock.base_venue_ns:
        clock.base_venue_ns = venue_ns
        clock.base_recv_ns = clock.recv_ns
        clock.venue_ns = max(clock.venue_ns, venue_ns)
    elif clock.base_venue_ns > 0:
        clock.venue_ns = max(clock.venue_ns, clock.base_venue_ns + clock.recv_ns - clock.base_recv_ns)
    return True
