"""The decision journal's rows (room for learning): what was decided, what was known then, and what came of it.

`collect` is called after each `step` and reads what the step left in the state: nothing is kept for it, so it costs the
page nothing, cannot overflow, and a replay of the inputs writes the same rows again. Two kinds of rows:

- DECISION: one order placed or moved, with the whole SNAPSHOT (features, expected adverse selection, P(fill)), the
  items of its quote and the experiment's mask; joined by cloid (and by `snap.decision`, which all commands of one event
  share);
- OUTCOME: ORDER (what the gateway said of a cloid), FILL (cloid, tid), MARKOUT (cloid, tid, horizon), INTERVAL.

| OUTCOME | fields |
|---|---|
| ORDER | cloid, tid venue's order id, status `OrderEvent` |
| FILL | cloid, tid, decision, interval in which it happened, px_ticks, lots, fee_1e8, bps markout at the mid now \
(sign (mid - px) / px), status 1 when markouts will follow |
| MARKOUT | cloid, tid, decision, interval of the fill, horizon_ms, lots, bps markout, adverse_bps, ns of the fill |
| INTERVAL | interval, off_mask, banned_mask, propensity, reward_usd, lots how many fills, status 1 when complete, 0 \
when markouts are missing |
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import REPLAYED, EventKind
from portfolio_mm.domain.records import record
from portfolio_mm.engine import actions
from portfolio_mm.engine.ablation import propensity_of
from portfolio_mm.engine.attribution import ITEM_COUNT
from portfolio_mm.engine.orders import LEVELS
from portfolio_mm.engine.signals import OPEN
from portfolio_mm.engine.snapshot import SNAPSHOT, copy_snapshot
from portfolio_mm.estimators.markouts import OUT
from portfolio_mm.models.fill_ring import PENDING

ORDER, FILL, MARKOUT, INTERVAL = range(1, 5)
"""Kinds of OUTCOME."""
CANCEL: Final = int(CommandKind.CANCEL)
EV_ORDER, EV_FILL = int(EventKind.ORDER), int(EventKind.FILL)
MAX_DECISIONS: Final = 2 * LEVELS
MAX_OUTCOMES: Final = OUT + OPEN + 1
"""Rows that one event can bring: an order in each slot; labels, intervals, and the event itself."""

DECISION = record(
    [
        ("run", "i8"),
        ("event", "i8"),
        ("recv_ns", "i8"),
        ("interval", "i8"),
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("target_hi", "u8"),
        ("target_lo", "u8"),
        ("kind", "i4"),
        ("cause", "i4"),
        ("side", "i4"),
        ("level", "i4"),
        ("bits", "i4"),
        ("stance", "i4"),
        ("px_ticks", "i8"),
        ("lots", "i8"),
        ("banned_mask", "i8"),
        ("propensity", "f8"),
        ("gain_usd", "f8"),
        ("action_price_usd", "f8"),
        ("position_usd", "f8"),
        ("target_usd", "f8"),
        ("limit_usd", "f8"),
        ("sigma_bps", "f4"),
        ("rate_per_s", "f4"),
        ("k_per_bps", "f4"),
        ("own_skew_bps_per_usd", "f4"),
        ("snap", SNAPSHOT),
        ("items_bps", "f4", (ITEM_COUNT,)),
        ("pad_", "f4"),
    ]
)
"""`event` counts the coin's events of the run (`counters.events`), `interval` is the decision interval, `kind` of
`CommandKind`, `cause` the kind of the event that caused it, `target` the order it replaces, `stance` of authority.py;
why: `gain_usd` expected of the action against `action_price_usd`, its price. `propensity` of the interval's mask."""
OUTCOME = record(
    [
        ("run", "i8"),
        ("event", "i8"),
        ("ns", "i8"),
        ("kind", "i4"),
        ("status", "i4"),
        ("side", "i4"),
        ("horizon_ms", "i4"),
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("tid", "i8"),
        ("decision", "i8"),
        ("interval", "i8"),
        ("px_ticks", "i8"),
        ("lots", "i8"),
        ("fee_1e8", "i8"),
        ("off_mask", "i8"),
        ("banned_mask", "i8"),
        ("bps", "f8"),
        ("adverse_bps", "f8"),
        ("reward_usd", "f8"),
        ("propensity", "f8"),
    ]
)
"""`ns` block time; a field not named for a kind is zero."""


@nb.njit(cache=True)
def collect(  # noqa: PLR0917 - kernels take flat arguments
    events: Any, i: int, state: Any, params: Any, commands: Any, n: int, decisions: Any, outcomes: Any
) -> tuple[int, int]:
    """Write what event `i` brought to `decisions[0:a]` and `outcomes[0:b]`, after the `step` that gave `n` commands.

    Args:
        events: array of EVENT, as given to `step`.
        i: which one.
        state: array of one COIN, as `step` left it; not changed.
        params: array of one PARAMS.
        commands: array of COMMAND, as `step` left it.
        n: how many commands there are.
        decisions: array of DECISION with room for MAX_DECISIONS.
        outcomes: array of OUTCOME with room for MAX_OUTCOMES.

    Returns:
        a and b.
    """
    st, p = state[0], params[0]
    a = 0
    for j in range(n):
        if commands[j].kind != CANCEL:
            _decision(st, p, commands[j], decisions[a])
            a += 1
    return a, _outcomes(st, p, events[i], outcomes)


@nb.njit(cache=True)
def _decision(st: Any, p: Any, cmd: Any, row: Any) -> None:
    """One order placed or moved; its snapshot lies in the slot it was given."""
    quote, signals = st.quote, st.signals
    row.run = st.orders.run
    row.event = st.counters.events
    row.recv_ns = st.clock.recv_ns
    row.interval = signals.number
    row.cloid_hi = cmd.cloid_hi
    row.cloid_lo = cmd.cloid_lo
    row.target_hi = cmd.target_hi
    row.target_lo = cmd.target_lo
    row.kind = cmd.kind
    row.cause = cmd.cause
    row.side = cmd.side
    row.level = cmd.level
    row.bits = cmd.bits
    row.stance = st.authority.stance
    row.px_ticks = cmd.px_ticks
    row.lots = cmd.sz_lots
    row.banned_mask = signals.banned_mask
    row.propensity = signals.propensity
    row.gain_usd = cmd.gain_usd
    row.action_price_usd = actions.own_price_usd(st, p)
    row.position_usd = quote.position_usd
    row.target_usd = quote.target_usd
    row.limit_usd = quote.limit_usd
    row.sigma_bps = quote.sigma_bps
    row.rate_per_s = quote.rate_per_s[cmd.side]
    row.k_per_bps = quote.k_per_bps[cmd.side]
    row.own_skew_bps_per_usd = quote.own_skew_bps_per_usd
    row.pad_ = 0.0
    copy_snapshot(row.snap, st.orders.slots[cmd.side, cmd.level].leg[1].snap)
    row.items_bps[:] = quote.items_bps[cmd.side]


@nb.njit(cache=True)
def _outcomes(st: Any, p: Any, ev: Any, outcomes: Any) -> int:
    """What became of earlier decisions; how many rows."""
    b = 0
    if ev.coin == p.coin:
        if ev.kind == EV_ORDER and ev.status > 0:
            _head(st, outcomes[b], ORDER)
            _of_order(ev, outcomes[b])
            b += 1
        elif ev.kind == EV_FILL and ev.sz_lots > 0 and ev.px_ticks > 0 and ev.bits & REPLAYED == 0:
            _head(st, outcomes[b], FILL)
            _of_fill(st, p, ev, outcomes[b])
            b += 1
    for k in range(st.markouts.out_count):
        _head(st, outcomes[b], MARKOUT)
        _of_label(st, p, k, outcomes[b])
        b += 1
    for k in range(st.signals.head - st.signals.closed_now, st.signals.head):
        _head(st, outcomes[b], INTERVAL)
        _of_interval(st, p, k % OPEN, outcomes[b])
        b += 1
    return b


@nb.njit(cache=True)
def _head(st: Any, row: Any, kind: int) -> None:
    """What every row has; the rest is zeroed."""
    row.run = st.orders.run
    row.event = st.counters.events
    row.ns = st.clock.venue_ns
    row.kind = kind
    row.status = 0
    row.side = 0
    row.horizon_ms = 0
    row.cloid_hi = 0
    row.cloid_lo = 0
    row.tid = 0
    row.decision = 0
    row.interval = 0
    row.px_ticks = 0
    row.lots = 0
    row.fee_1e8 = 0
    row.off_mask = 0
    row.banned_mask = 0
    row.bps = 0.0
    row.adverse_bps = 0.0
    row.reward_usd = 0.0
    row.propensity = 0.0


@nb.njit(cache=True)
def _of_order(ev: Any, row: Any) -> None:
    row.cloid_hi = ev.cloid_hi
    row.cloid_lo = ev.cloid_lo
    row.tid = ev.oid
    row.status = ev.status
    row.side = ev.side
    row.px_ticks = ev.px_ticks
    row.lots = ev.sz_lots


@nb.njit(cache=True)
def _of_fill(st: Any, p: Any, ev: Any, row: Any) -> None:
    marks, sign = st.markouts, 1.0 - 2.0 * ev.side
    place = (marks.tail - 1) % PENDING
    row.status = 1 if marks.tail > 0 and marks.fill_tid[place] == ev.tid else 0
    row.ns = ev.venue_ms * 1_000_000 if ev.venue_ms > 0 else st.clock.venue_ns
    if row.status == 1:  # told out of order, it counts as the newest: the interval must be that of its markouts
        row.ns = marks.fill_ns[place]
    row.side = ev.side
    row.cloid_hi = ev.cloid_hi
    row.cloid_lo = ev.cloid_lo
    row.tid = ev.tid
    row.decision = st.orders.filled.decision
    row.interval = row.ns // p.interval_ns
    row.px_ticks = ev.px_ticks
    row.lots = ev.sz_lots
    row.fee_1e8 = ev.fee_1e8
    row.bps = sign * (0.5 * st.pnl.mid2 - ev.px_ticks) / ev.px_ticks * 1e4


@nb.njit(cache=True)
def _of_label(st: Any, p: Any, k: int, row: Any) -> None:
    marks = st.markouts
    slot, h = marks.out_slot[k], marks.out_horizon[k]
    row.ns = marks.fill_ns[slot]
    row.side = marks.fill_side[slot]
    row.horizon_ms = p.markouts.horizon_ns[h] // 1_000_000
    row.cloid_hi = marks.fill_cloid_hi[slot]
    row.cloid_lo = marks.fill_cloid_lo[slot]
    row.tid = marks.fill_tid[slot]
    row.decision = marks.fill_decision[slot]
    row.interval = row.ns // p.interval_ns
    row.lots = marks.fill_lots[slot]
    row.off_mask = marks.fill_signals_off[slot]
    row.bps = marks.out_markout_bps[k]
    row.adverse_bps = marks.out_adverse_bps[k]


@nb.njit(cache=True)
def _of_interval(st: Any, p: Any, place: int, row: Any) -> None:
    signals = st.signals
    row.interval = signals.open_number[place]
    row.off_mask = signals.open_off_mask[place]
    row.banned_mask = signals.open_banned_mask[place]
    row.propensity = propensity_of(p, row.off_mask, row.banned_mask)
    row.reward_usd = signals.open_reward_usd[place]
    row.lots = signals.open_fills[place]
    row.status = 1 if signals.open_labels[place] == signals.open_fills[place] else 0
