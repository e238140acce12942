"""Fills become money: both owners' ledgers, order states, reduce-only trims, public trades."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import SELL, SIGN
from portfolio_mm.matching.market import BACKGROUND, Fill, Print
from portfolio_mm.venue.clearinghouse import booking
from portfolio_mm.venue.clearinghouse.orders import SIDE_LETTER, OwnOrder
from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8
from portfolio_mm.venue.clearinghouse.sufficiency import outlook
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import wire_text
from portfolio_mm.venue.state import CoinState, VenueState

BACKGROUND_ADDRESS = "0x" + "0" * 40
LIQUIDATION: Final = "LiquidationMarket"
"""Time in force of a liquidation's order into the book; no client can send it."""


class Settled(NamedTuple):
    """What came of a match: its trade id, the lots that changed hands, whether a slice of a TWAP took them."""

    tid: int
    sz_lots: int
    sliced: bool


def settle(state: VenueState, fills: Sequence[Fill]) -> list[Settled]:
    """Book fills for both owners; of each, how much the resting side could deliver.

    A resting order is judged again at its match (HL §7.1): one that may no longer trade is cancelled, and what it
    did not deliver is booked for nobody.
    """
    settled = []
    for fill in fills:
        tid, lots, sliced = state.new_tid(), _deliver(state, fill), _sliced(state, fill)
        settled.append(Settled(tid, lots, sliced))
        liquidation = _liquidation(state, fill)
        sides = (
            (fill.maker_owner, fill.maker_oid, 1 - fill.aggressor_side, False),
            (fill.taker_owner, fill.taker_oid, fill.aggressor_side, True),
        )
        for owner, oid, side, crossed in sides:
            if lots and owner != BACKGROUND:
                order = state.users[owner].open[oid]
                trade = booking.Trade(
                    SIGN[side] * lots,
                    fill.px_ticks,
                    tid,
                    oid,
                    crossed,
                    order.cloid,
                    liquidation=liquidation,
                    builder=order.builder,
                    twap_id=order.twap_id,
                    sliced=sliced,
                )
                _fill(state, state.users[owner], order, trade)
        if lots < fill.sz_lots and fill.maker_oid in (resting := state.users[fill.maker_owner].open):
            remove(state, resting[fill.maker_oid], "reduceOnlyCanceled")
    return settled


def _deliver(state: VenueState, fill: Fill) -> int:
    """Lots of a match the resting side may trade: all of the background's."""
    if fill.maker_owner == BACKGROUND:
        return fill.sz_lots
    user = state.users[fill.maker_owner]
    order = user.open.get(fill.maker_oid)
    if order is None:
        return 0
    lots = _closable(user, order, fill.sz_lots)
    match = (SIGN[order.side] * lots, fill.px_ticks)
    if lots and not outlook(state, user, order, [match], crossed=False).sound:
        remove(state, order, "marginCanceled", by_engine=True)
        return 0
    return lots


def _closable(user: User, order: OwnOrder, lots: int) -> int:
    """Lots a fill may have: two matches of one block can ask a reduce-only order for more than is left to close."""
    szi = user.szi(order.instrument.index)
    if not order.reduce_only:
        return lots
    return min(lots, abs(szi)) if szi * SIGN[order.side] < 0 else 0


def _sliced(state: VenueState, fill: Fill) -> bool:
    if fill.taker_owner == BACKGROUND:
        return False
    return state.users[fill.taker_owner].open[fill.taker_oid].twap_id is not None


def _liquidation(state: VenueState, fill: Fill) -> dict[str, str] | None:
    """What both rows of a match tell when its taker is being liquidated."""
    if fill.taker_owner == BACKGROUND:
        return None
    user = state.users[fill.taker_owner]
    taker = user.open[fill.taker_oid]
    return liquidation_of(state, user, taker.instrument, "market") if taker.tif == LIQUIDATION else None


def liquidation_of(state: VenueState, user: User, coin: Instrument, method: str) -> dict[str, str]:
    """The `liquidation` object of a fill (HL §1.12)."""
    mark = wire_text(state.marks[coin.index], coin.px_decimals)
    return {"liquidatedUser": user.address, "markPx": mark, "method": method}


def _fill(state: VenueState, user: User, order: OwnOrder, trade: booking.Trade) -> None:
    booking.book(state, user, order.instrument, trade)
    order.sz_lots -= abs(trade.lots)
    order.filled_lots += abs(trade.lots)
    order.filled_1e8 += abs(trade.lots) * trade.px_ticks * TICK_LOT_1E8
    if order.sz_lots == 0 and order.oid in user.open:
        finish(state, user, order, "filled")
    trim_reduce_only(state, user, order.instrument.index)


def finish(state: VenueState, user: User, order: OwnOrder, status: str) -> None:
    """An order has ended: no longer open, and the user hears of it. Its relatives are told by `relatives.settle`."""
    user.open.pop(order.oid, None)
    user.triggers.pop(order.oid, None)
    order.end(status, state.now_ms)
    state.outbox.order(order)
    if order.children or order.siblings:
        state.ended.append(order)


def remove(state: VenueState, order: OwnOrder, status: str, *, by_engine: bool = False) -> None:
    """Take a live order off its book, or from among those that wait."""
    user = state.users[order.owner]
    if order.oid in user.open:
        state.books[order.instrument.index].market.cancel(order.oid)
        state.outbox.books.add(order.instrument.coin)
    finish(state, user, order, status)
    if by_engine:
        state.outbox.non_user_cancels[user.number].append({"coin": order.instrument.coin, "oid": order.oid})


def trim_reduce_only(state: VenueState, user: User, index: int) -> None:
    """Resting reduce-only orders may close the position and no more: the oldest gives way first (HL §7.4)."""
    szi = user.szi(index)
    closing_side = SELL if szi > 0 else 1 - SELL
    resting = [order for order in user.open.values() if order.reduce_only and order.instrument.index == index]
    room = abs(szi)
    excess = sum(order.sz_lots for order in resting if order.side == closing_side) - room
    for order in resting:
        if szi == 0 or order.side != closing_side or order.sz_lots <= excess:
            excess -= order.sz_lots if order.side == closing_side else 0
            remove(state, order, "reduceOnlyCanceled")
        elif excess > 0:
            order.sz_lots -= state.books[index].market.reduce(order.oid, excess)
            state.outbox.books.add(order.instrument.coin)
            excess = 0


def publish(
    state: VenueState, book: CoinState, prints: Sequence[Print], fills: Sequence[Fill], settled: Sequence[Settled]
) -> None:
    """Public trades of one coin; a print that is a fill carries its trade id and its users.

    What a resting order did not deliver to the background the background traded with itself.
    """
    matched: defaultdict[Print, list[tuple[Fill, Settled]]] = defaultdict(list)
    for fill, result in zip(fills, settled, strict=True):
        matched[Print(fill.px_ticks, fill.sz_lots, fill.aggressor_side)].append((fill, result))
    for trade in prints:
        rest = trade.sz_lots
        if matched[trade]:
            fill, result = matched[trade].pop(0)
            if result.sz_lots:
                _print(state, book, trade._replace(sz_lots=result.sz_lots), result, _users(state, fill))
            rest = rest - result.sz_lots if fill.taker_owner == BACKGROUND else 0
        if rest:
            among = Settled(state.new_tid(), rest, sliced=False)
            _print(state, book, trade._replace(sz_lots=rest), among, [BACKGROUND_ADDRESS, BACKGROUND_ADDRESS])


def _print(state: VenueState, book: CoinState, trade: Print, settled: Settled, users: list[str]) -> None:
    coin = book.coin
    row = {
        "coin": coin.coin,
        "side": SIDE_LETTER[trade.aggressor_side],
        "px": wire_text(trade.px_ticks, coin.px_decimals),
        "sz": wire_text(trade.sz_lots, coin.sz_decimals),
        "time": state.now_ms,
        "hash": booking.NO_HASH if settled.sliced else state.block_hash(),
        "tid": settled.tid,
        "users": users,
    }
    book.trades.append(row)
    book.candles.trade(trade.px_ticks, trade.sz_lots, state.now_ms)
    book.last_ticks = trade.px_ticks
    book.volume_base += coin.sz(trade.sz_lots)
    book.volume_usd += coin.sz(trade.sz_lots) * coin.px(trade.px_ticks)
    state.count_volume(trade.px_ticks * trade.sz_lots * TICK_LOT_1E8)
    state.outbox.trades[coin.coin].append(row)


def _users(state: VenueState, fill: Fill) -> list[str]:
    """Buyer, then seller."""
    address = [
        state.users[owner].address if owner != BACKGROUND else BACKGROUND_ADDRESS
        for owner in (fill.taker_owner, fill.maker_owner)
    ]
    return address if fill.aggressor_side != SELL else address[::-1]
