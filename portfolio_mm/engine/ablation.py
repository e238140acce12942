"""The experiment that says what each signal is worth, and the switch it works (C17; predecessor finding 16).

Block time is cut into decision intervals of `interval_ns`. At the beginning of each one every signal is switched off
with probability `ablation_share`; a signal that the verdict has banned is off with probability 1 - `explore_share`
instead, so that the experiment goes on. The draw is a hash of (run, coin, interval, signal): known beforehand, the same
in every replay, independent of the market. An interval in which nothing may be quoted from the start is not counted.

Reward of an interval, USD, zero when nothing was filled:

    sum over own maker fills in it of   markout at the learned horizon x notional - fee - price of the inventory
    - price of an action x commands sent in it, safety pulls apart

The inventory q taken on by a fill dq is charged what the quote itself says it costs, the change of
g/2 (q - target)^2 + c q in bps USD, with g the own and c the cross coefficient of the skew. A fill belongs to the
interval in which it happens, because keeping an order is a decision of that interval as much as placing it. Crediting
the interval of the placement instead would pay a signal that only moves orders about for the fills which the orders it
replaced would have had. `signals_off` of each order's snapshot says under which mask it was placed.

An interval is closed when its last markout is due; one of which a markout is missing is left out and counted. From the
matured intervals comes the marginal value of each signal (models/marginal.py), judged after every block of
`block_intervals`. A signal whose value lies under zero at all times' confidence is banned. It comes back when its
prediction, scored anew since the ban, has a skill with a positive lower bound over MIN_BLOCKS new blocks, twice as many
after each further ban; a signal without a prediction when its value in the experiment since then is above zero.
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.domain.commands import SAFETY
from portfolio_mm.domain.events import REPLAYED, TAKER
from portfolio_mm.domain.units import NS_PER_S
from portfolio_mm.engine import actions, authority, shadow
from portfolio_mm.engine.exposure import notional_usd
from portfolio_mm.engine.signals import N_SIGNALS, OPEN
from portfolio_mm.models import marginal
from portfolio_mm.models.decay import half_life_factor
from portfolio_mm.models.fill_ring import PENDING
from portfolio_mm.models.splitmix import uniform

LATE_NS: Final = 1_000_000_000
"""Fills are told this long after they happened, at most, for their interval to know of them."""
MOST_DOUBLINGS: Final = 10


@nb.njit(cache=True)
def off_probability(p: Any, banned_mask: int, signal: int) -> float:
    """Probability that a signal is off in an interval."""
    return 1.0 - p.explore_share if (banned_mask >> signal) & 1 else p.ablation_share  # type: ignore[no-any-return]


@nb.njit(cache=True)
def propensity_of(p: Any, off_mask: int, banned_mask: int) -> float:
    """Probability of a whole mask, given which signals were banned."""
    share = 1.0
    for s in range(N_SIGNALS):
        off_share = off_probability(p, banned_mask, s)
        share *= off_share if (off_mask >> s) & 1 == 1 else 1.0 - off_share
    return share


@nb.njit(cache=True)
def roll(st: Any, p: Any) -> None:
    """When an interval has ended: close those that have matured, judge, draw the next."""
    signals, now_ns = st.signals, st.clock.venue_ns
    if now_ns <= 0 or now_ns < signals.next_ns:
        return
    st.quote.news = 1
    signals.seen += 1
    signals.last_ns = st.clock.recv_ns
    signals.ready = 1
    _mature(st, p, now_ns)
    shadow.hear(st)
    _pardon(signals)
    signals.number = now_ns // p.interval_ns
    signals.next_ns = (signals.number + 1) * p.interval_ns
    _draw(st, p)
    signals.running = 1 if st.authority.stance > authority.WAIT else 0
    if signals.running == 1 and signals.tail - signals.head < OPEN:
        place = signals.tail % OPEN
        signals.open_number[place] = signals.number
        signals.open_off_mask[place] = signals.off_mask
        signals.open_banned_mask[place] = signals.banned_mask
        signals.open_reward_usd[place] = 0.0
        signals.open_fills[place] = 0
        signals.open_labels[place] = 0
        signals.tail += 1
    else:
        signals.running = 0


@nb.njit(cache=True)
def _draw(st: Any, p: Any) -> None:
    """Which signals are off in the interval that begins, and how probable that was."""
    signals = st.signals
    off_mask = 0
    for s in range(N_SIGNALS):
        is_off = uniform(st.orders.run, p.coin, signals.number, s) < off_probability(p, signals.banned_mask, s)
        signals.applied[s] = 0.0 if is_off else 1.0
        off_mask |= (1 if is_off else 0) << s
    signals.off_mask = off_mask
    signals.propensity = propensity_of(p, off_mask, signals.banned_mask)


@nb.njit(cache=True)
def _find(signals: Any, number: int) -> int:
    """Place of an open interval in the ring; -1 when it is not open."""
    for k in range(signals.head, signals.tail):
        if signals.open_number[k % OPEN] == number:
            return k % OPEN
    return -1


@nb.njit(cache=True)
def on_fill(st: Any, p: Any, ev: Any) -> None:
    """A fill: fee and inventory are charged to the interval in which it happened, its markout is awaited."""
    signals, marks = st.signals, st.markouts
    if marks.tail == signals.fill_tail or ev.coin != p.coin or ev.bits & (TAKER | REPLAYED) != 0:
        return  # no markout of it will come
    signals.fill_tail = marks.tail
    place = _find(signals, marks.fill_ns[(marks.tail - 1) % PENDING] // p.interval_ns)
    if place < 0:
        signals.outside += 1
        return
    moved_usd = (1 - 2 * ev.side) * notional_usd(ev.sz_lots, ev.px_ticks)
    before_usd = st.account.position_usd[p.coin] - moved_usd
    slope_bps = st.quote.own_skew_bps_per_usd * (before_usd + 0.5 * moved_usd - st.quote.target_usd)
    if authority.is_allocated(st):
        slope_bps += st.account.cross_skew_bps
    signals.open_reward_usd[place] -= ev.fee_1e8 * 1e-8 + slope_bps * 1e-4 * moved_usd
    signals.open_fills[place] += 1


@nb.njit(cache=True)
def on_label(st: Any, p: Any, k: int) -> None:
    """The k-th label that markouts hand out is at the learned horizon: what the fill was worth."""
    signals, marks = st.signals, st.markouts
    slot = marks.out_slot[k]
    place = _find(signals, marks.fill_ns[slot] // p.interval_ns)
    if place >= 0:
        notional = marks.fill_lots[slot] * marks.fill_px[slot] / p.lots_per_coin
        signals.open_reward_usd[place] += marks.out_markout_bps[k] * 1e-4 * notional
        signals.open_labels[place] += 1


@nb.njit(cache=True)
def on_commands(st: Any, p: Any, commands: Any, n: int) -> None:
    """What was asked just now costs its actions; safety pulls are no signal's choice."""
    signals, asked = st.signals, 0
    for i in range(n):
        asked += 1 if commands[i].bits & SAFETY == 0 else 0
    if asked > 0 and signals.running == 1:
        signals.open_reward_usd[(signals.tail - 1) % OPEN] -= asked * actions.price_usd(st, p)


@nb.njit(cache=True)
def _mature(st: Any, p: Any, now_ns: int) -> None:
    """Close every open interval whose last markout is due by now."""
    signals = st.signals
    wait_ns = p.markouts.horizon_ns[p.markouts.learn] + p.markouts.stale_ns + LATE_NS
    while signals.head < signals.tail:
        place = signals.head % OPEN
        if now_ns < (signals.open_number[place] + 1) * p.interval_ns + wait_ns:
            break
        signals.head += 1
        signals.closed_now += 1
        if signals.open_labels[place] == signals.open_fills[place]:
            settle(
                signals,
                p,
                signals.open_reward_usd[place],
                signals.open_off_mask[place],
                signals.open_banned_mask[place],
            )
        else:
            signals.lost += 1


@nb.njit(cache=True)
def settle(signals: Any, p: Any, reward_usd: float, off_mask: int, banned_mask: int) -> None:
    """One matured interval joins every signal's experiment; at the end of a block they are judged."""
    for s in range(N_SIGNALS):
        if ((banned_mask ^ signals.banned_mask) >> s) & 1 == 0:  # not of the time before the verdict
            marginal.add(signals.value[s], reward_usd, (off_mask >> s) & 1, off_probability(p, banned_mask, s))
    signals.in_block += 1
    if signals.in_block >= p.block_intervals:
        signals.in_block = 0
        keep = half_life_factor(p.block_intervals * p.interval_ns / NS_PER_S, p.value_half_life_s)
        for s in range(N_SIGNALS):
            marginal.close_block(signals.value[s], keep)
            _judge(signals, s)


@nb.njit(cache=True)
def _judge(signals: Any, s: int) -> None:
    """Ban a signal that costs money; let one without a prediction back that earns some."""
    value, bit = signals.value[s], 1 << s
    if not marginal.is_enough(value):
        return
    reach_usd = marginal.radius_usd(value)
    if signals.banned_mask & bit == 0:
        if value.effect_usd + reach_usd < 0.0:
            signals.banned_mask |= bit
            signals.anew_mask |= bit
            signals.bans[s] += 1
            signals.shadow_blocks[s] = 0
            marginal.clear_marginal(value)
    elif signals.scored_mask & bit == 0 and value.effect_usd - reach_usd > 0.0:
        _readmit(signals, s)


@nb.njit(cache=True)
def _pardon(signals: Any) -> None:
    """Let signals back whose prediction, scored anew since the ban, is better than its rival."""
    for s in range(N_SIGNALS):
        if ((signals.banned_mask & signals.scored_mask & ~signals.anew_mask) >> s) & 1 == 0:
            continue
        value = signals.value[s]
        needed = marginal.MIN_BLOCKS << min(max(signals.bans[s] - 1, 0), MOST_DOUBLINGS)
        costs = marginal.is_enough(value) and value.effect_usd + marginal.radius_usd(value) < 0.0
        if signals.shadow_blocks[s] >= needed and signals.shadow_weight[s] > 0.0 and not costs:
            _readmit(signals, s)


@nb.njit(cache=True)
def _readmit(signals: Any, s: int) -> None:
    """The signal may act again; its experiment begins anew."""
    signals.banned_mask &= ~(1 << s)
    marginal.clear_marginal(signals.value[s])
