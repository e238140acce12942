"""Whether an account has the margin for what it asks for: when an order is placed, and at each match (HL §7.1, §8.1).

At a match: after an opening fill, equity at mark covers the initial margin of all positions, the loss against mark
already taken off (not the fee: `maxTradeSzs` leaves no room for it, and what it offers must trade); a closing fill,
fee and all, may not bring equity below zero, nor further below it. When an order is
placed the same holds for all it would match at once, and what rests of it needs initial margin beside everything else
that rests. The venue does not document what its check of a taker counts; counting less would let an account end below
zero by its own order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Final, NamedTuple

from portfolio_mm.domain.units import BUY, SELL, SIGN
from portfolio_mm.matching.market import Level
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.booking import builder_fee_1e8
from portfolio_mm.venue.clearinghouse.isolated import moved_1e8
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8, Position
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.state import VenueState

DEPTHS: Final = (20, 10_000)
"""Levels read of a book: a few, and if they are not enough, all."""
RESTS: Final = frozenset({"Alo", "Gtc"})

Match = tuple[int, int]
"""Signed lots and price in ticks."""
Sides = defaultdict[int, list[int]]
"""Notional of resting orders by coin and side."""


class Outlook(NamedTuple):
    """An account after some fills: cross equity and value of the coin's position at mark, and whether it bears them."""

    equity_1e8: int
    value_1e8: int
    sound: bool


def outlook(state: VenueState, user: User, order: OwnOrder, fills: Iterable[Match], *, crossed: bool) -> Outlook:
    """What fills of an order would make of the account."""
    coin = order.instrument
    mark, isolates = state.marks[coin.index], user.isolates(coin)
    held = copy(user.positions.get(coin.index, Position()))
    terms = state.books[coin.index].terms
    before, equity = held.szi, margin.equity_1e8(user, state.marks, terms.dex)
    spent = fees = worst = 0
    for lots, px in fills:
        cash = lots * px * TICK_LOT_1E8
        fee = user.fee_1e8(cash, crossed=crossed, scale=terms.fees)
        fee += 0 if order.builder is None else builder_fee_1e8(cash, order.builder[1])
        if isolates:
            moved = moved_1e8(held, lots, px, fee, user.leverage_of(coin))
            worst = min(worst, held.worth_1e8(px) - fee) if held.szi * lots < 0 else worst
            held.raw_1e8 += moved - cash - fee
            spent += moved
        else:
            spent += cash - lots * mark * TICK_LOT_1E8
            fees += fee
        held.szi += lots
    after = equity - spent
    value = held.value_1e8(mark)
    if abs(held.szi) <= abs(before) and held.szi * before >= 0:
        return Outlook(after, value, worst >= 0 and (isolates or after - fees >= min(0, equity)))
    used = margin.margin_used_1e8(user, state.backed(user, terms.dex), state.marks)
    if isolates:
        sound = worst >= 0 and after >= used and held.worth_1e8(mark) >= margin.maintenance_1e8(coin, value)
    else:
        used -= margin.position_margin_1e8(user, coin, state.marks)
        sound = after >= used + margin.needed_1e8(user, coin, value, (0, 0), user.leverage_of(coin))
    return Outlook(after, value, sound)


def refusal(state: VenueState, user: User, order: OwnOrder) -> tuple[str, str] | None:
    """Why an arriving order may not be placed, as text and status; None when it may."""
    sums = margin.sides_1e8(user, order)
    if _beyond_tier(state, user, order, sums[order.instrument.index]):
        return "Order would cause position to exceed margin tier limit at current leverage", "perpMaxPositionRejected"
    if lacks(state, user, order, sums):
        return "Insufficient margin to place order.", "perpMarginRejected"
    return None


def lacks(state: VenueState, user: User, order: OwnOrder, resting: Sides | None = None) -> bool:
    """Whether an order, at its arrival, needs margin the user has not got; `resting` are the sides of all others."""
    coin, leverage = order.instrument, user.leverage_of(order.instrument)
    fills = _expected(state, user, order)
    then = outlook(state, user, order, fills, crossed=True)
    if not then.sound:
        return bool(fills)
    sums = margin.sides_1e8(user, order) if resting is None else resting
    here = sums[coin.index]
    before = margin.coin_margin_1e8(user, coin, state.marks, here)
    if order.tif in RESTS and not order.reduce_only:
        left = order.sz_lots - sum(abs(lots) for lots, _ in fills)
        here[order.side] += left * order.px_ticks * TICK_LOT_1E8
    needed = margin.needed_1e8(user, coin, then.value_1e8, here, leverage)
    if needed <= before:
        return False
    for one in state.backed(user, state.books[coin.index].terms.dex):
        if one.index != coin.index:
            needed += margin.coin_margin_1e8(user, one, state.marks, sums[one.index])
    return needed > then.equity_1e8


def _beyond_tier(state: VenueState, user: User, order: OwnOrder, resting: Sequence[int]) -> bool:
    """Whether the position could grow past what its margin tiers allow at the user's leverage (HL §8.2)."""
    coin = order.instrument
    limit = margin.tier_limit_1e8(coin, user.leverage_of(coin))
    if limit is None or order.reduce_only:
        return False
    held = user.positions.get(coin.index)
    value = held.value_1e8(state.marks[coin.index]) if held is not None else 0
    after = value + SIGN[order.side] * (resting[order.side] + order.value_1e8)
    return abs(after) > max(limit, abs(value))


def _expected(state: VenueState, user: User, order: OwnOrder) -> list[Match]:
    """What an order would match now. Its owner's own orders would be cancelled, not matched (HL §7.3)."""
    if order.tif == "Alo":
        return []
    market, other = state.books[order.instrument.index].market, SELL if order.side == BUY else BUY
    own: Counter[int] = Counter()
    for resting in user.open.values():
        if resting.instrument.index == order.instrument.index and resting.side == other:
            own[resting.px_ticks] += resting.sz_lots
    fills: list[Match] = []
    for depth in DEPTHS:
        levels = market.levels(depth)[other]
        fills, left = _walk(order, levels, own)
        if not left or len(levels) < depth or SIGN[order.side] * (levels[-1].px_ticks - order.px_ticks) > 0:
            break
    return fills


def _walk(order: OwnOrder, levels: Sequence[Level], own: Counter[int]) -> tuple[list[Match], int]:
    """Matches of an order on some levels, and the lots it has left."""
    fills, left, sign = [], order.sz_lots, SIGN[order.side]
    for level in levels:
        lots = min(left, level.sz_lots - own[level.px_ticks])
        if sign * (level.px_ticks - order.px_ticks) > 0 or not left:
            break
        if lots > 0:
            fills.append((sign * lots, level.px_ticks))
            left -= lots
    return fills, left
