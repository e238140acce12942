"""Placing one order: rules in their order, then the book (HL §2.2, §2.3, §7.1, §7.4)."""

from typing import Any, Final

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import SIGN, USD_1E8
from portfolio_mm.matching.market import Bbo, Level, MarketFull, NewOrder, Placement, Print, Tif
from portfolio_mm.venue.clearinghouse import clearing, sufficiency
from portfolio_mm.venue.clearinghouse.orders import Draft, OwnOrder
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import bands, wording
from portfolio_mm.venue.exchange.wording import Refused, Why
from portfolio_mm.venue.protocol.amounts import rounded, wire_text
from portfolio_mm.venue.state import CoinState, VenueState

MIN_VALUE_1E8: Final = 10 * USD_1E8
OPEN_ORDERS: Final = 1000
OPEN_ORDERS_MAX: Final = 5000
USD_PER_OPEN_ORDER: Final = 5_000_000
BOOK_TIF: Final = {"Alo": Tif.ALO, "Gtc": Tif.GTC, "Ioc": Tif.IOC, "FrontendMarket": Tif.IOC}


def new_order(state: VenueState, user: User, draft: Draft) -> OwnOrder:
    """An order with an oid of its own; nobody has heard of it."""
    return OwnOrder(draft, user.number, state.new_oid(), state.now_ms)


def place(state: VenueState, user: User, order: OwnOrder) -> dict[str, Any] | Refused:
    """Bring an order to its book; the leg's entry in `statuses`, or the refusal."""
    why = _admit(state, user, order)
    if why is not None:
        return refuse(state, user, order, why)
    book = state.books[order.instrument.index]
    user.open[order.oid] = order
    user.remember(order)
    new = NewOrder(order.oid, user.number, order.side, order.px_ticks, order.sz_lots, BOOK_TIF[order.tif or "Gtc"])
    before = book.market.bbo()
    try:
        placed = book.market.place(new)
    except MarketFull:
        return refuse(state, user, order, wording.TOO_MANY)
    if placed.crossed:
        bbo = bbo_text(order.instrument, before)
        why = Why(f"Post only order would have immediately matched, bbo was {bbo}.", "badAloPxRejected")
        return refuse(state, user, order, why)
    state.outbox.books.add(order.instrument.coin)
    return _outcome(state, user, order, take(state, book, new, placed))


def take(state: VenueState, book: CoinState, new: NewOrder, placed: Placement) -> Placement:
    """Settle what a taker matched, and let it go on for what resting orders could not deliver (HL §7.1).

    It goes on only while it has the margin for what it would meet next; a liquidation has its limit price instead.
    """
    user, taken, short = state.users[new.owner], [], 1
    order = user.open[new.oid]
    while short:
        for oid in placed.self_cancelled:
            _self_cancelled(state, user, oid)
        settled = clearing.settle(state, placed.fills)
        prints = [Print(f.px_ticks, f.sz_lots, f.aggressor_side) for f in placed.fills]
        clearing.publish(state, book, prints, placed.fills, settled)
        taken += [f._replace(sz_lots=s.sz_lots) for f, s in zip(placed.fills, settled, strict=True) if s.sz_lots]
        short = sum(f.sz_lots for f in placed.fills) - sum(s.sz_lots for s in settled)
        if short:
            book.market.cancel(new.oid)  # it has only just arrived: no place in a queue is lost
            if order.tif != clearing.LIQUIDATION and sufficiency.lacks(state, user, order):
                return placed._replace(fills=tuple(taken), resting_lots=0)
            placed = book.market.place(new._replace(sz_lots=order.sz_lots))
    return placed._replace(fills=tuple(taken))


def _self_cancelled(state: VenueState, user: User, oid: int) -> None:
    """The book has already removed it."""
    clearing.remove(state, user.open[oid], "selfTradeCanceled", by_engine=True)


def _outcome(state: VenueState, user: User, order: OwnOrder, placed: Placement) -> dict[str, Any] | Refused:
    if order.oid in user.open:
        if placed.resting_lots:
            if order.trigger is None:
                state.outbox.order(order)
            if order.reduce_only:
                clearing.trim_reduce_only(state, user, order.instrument.index)
        elif placed.fills:
            clearing.finish(state, user, order, "canceled")
        else:
            market = order.tif == "FrontendMarket" or order.trigger is not None
            return refuse(state, user, order, wording.NO_LIQUIDITY if market else wording.NO_MATCH)
    return filled_entry(order, placed) if placed.fills else {"resting": ids(order)}


def ids(order: OwnOrder) -> dict[str, Any]:
    """How a reply names an order."""
    return {"oid": order.oid} if order.cloid is None else {"oid": order.oid, "cloid": order.cloid}


def filled_entry(order: OwnOrder, placed: Placement) -> dict[str, Any]:
    """The entry of an order that was filled on arrival, wholly or in part."""
    coin, lots = order.instrument, sum(fill.sz_lots for fill in placed.fills)
    average = rounded(sum(fill.sz_lots * fill.px_ticks for fill in placed.fills), lots)
    total = {"totalSz": wire_text(lots, coin.sz_decimals), "avgPx": wire_text(average, coin.px_decimals)}
    return {"filled": {**total, **ids(order)}}


def refuse(state: VenueState, user: User, order: OwnOrder, why: Why) -> Refused:
    """A refused order leaves a record and an update, with an oid of its own."""
    user.remember(order)
    clearing.finish(state, user, order, why.status)
    return Refused(why.text, order.instrument.asset, why.status)


def misread(state: VenueState, user: User, refused: Refused) -> Refused:
    """A leg that did not read well uses up an oid, and leaves a record where it can (HL §2.2)."""
    if refused.draft is not None:
        refuse(state, user, new_order(state, user, refused.draft), Why(refused.text, refused.status))
    elif refused.text != wording.BAD_PRICE:
        state.new_oid()  # of an unknown coin there can be no record
    return refused


def _admit(state: VenueState, user: User, order: OwnOrder) -> Why | None:
    """Rules before the book; trims a reduce-only order to the position."""
    why = bands.halted(state, order) or bands.window(state, order)
    szi = user.szi(order.instrument.index)
    against = szi * SIGN[order.side] < 0
    if why is None and order.reduce_only and not against:
        why = wording.REDUCE_ONLY
    closes_all = against and (order.sz_lots == abs(szi) or (order.reduce_only and order.sz_lots > abs(szi)))
    if why is None and order.value_1e8 < MIN_VALUE_1E8 and not closes_all and order.twap_id is None:
        why = wording.TOO_SMALL
    if why is not None:
        return why
    if order.reduce_only:
        order.sz_lots = min(order.sz_lots, abs(szi))
    why = too_many(user, scarce=order.reduce_only) or bands.too_large(order)
    why = why or bands.oracle_band(state, order)
    why = why or bands.open_interest(state, user, order)
    short = sufficiency.refusal(state, user, order) if why is None else None
    return why if short is None else Why(*short)


def too_many(user: User, *, scarce: bool) -> Why | None:
    """Number of open orders; from a thousand on reduce-only and trigger orders (`scarce`) are refused (HL §5.4)."""
    allowed = min(OPEN_ORDERS_MAX, OPEN_ORDERS + user.volume_1e8 // USD_1E8 // USD_PER_OPEN_ORDER)
    held = len(user.open) + len(user.triggers)
    return wording.TOO_MANY if held >= allowed or (scarce and held >= OPEN_ORDERS) else None


def bbo_text(coin: Instrument, bbo: Bbo) -> str:
    """Best prices as the post-only refusal prints them: `90901@90902`; an empty side is `null`, which is our guess."""
    return "@".join(_px_text(coin, level) for level in bbo)


def _px_text(coin: Instrument, level: Level | None) -> str:
    return coin.px_text(level.px_ticks) if level is not None else "null"
