"""Liquidation (HL §8.3): market orders into the book, the backstop, and deleveraging below zero.

Judged on mark in every block, after the flow: cross positions together, each isolated one alone. Below maintenance
all the positions go to the book, those above 100k USDC (a setting; 10k on testnet) by a fifth at first and whole for
the 30 s after that. Below two thirds of it they go, with all their margin, to the liquidator vault: an account of this
venue with a ledger like any other, so no money is lost; it keeps what it takes and does not trade.

The limit price of a liquidation's order is our choice, for the venue documents none: the price at which closing
leaves the account just nothing, so that the book alone never makes an account negative; what the book does not
take at that price stays for the next block, the backstop or deleveraging.
"""

from typing import Any, Final, NamedTuple

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, SELL, USD_1E8
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.venue.clearinghouse import booking, clearing, collateral, deleveraging, margin
from portfolio_mm.venue.clearinghouse.fees import WHOLE_1E4
from portfolio_mm.venue.clearinghouse.orders import Draft, OwnOrder
from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8, Position
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import placement
from portfolio_mm.venue.protocol.amounts import usd_text, wire_text
from portfolio_mm.venue.state import VenueState

PARTIAL_DIVISOR: Final = 5
COOLDOWN_MS: Final = 30_000
CROSS: Final = -1
"""Key of the cross account where isolated ones are named by their coin."""
RATE_1E6: Final = 1_000_000


class Account(NamedTuple):
    """What is liquidated together: all cross positions, or an isolated one; its worth and maintenance, 1e-8 USD."""

    user: User
    key: int
    held: list[tuple[Instrument, Position]]
    equity_1e8: int
    maintenance_1e8: int

    @property
    def kind(self) -> str:
        """`Cross` or `Isolated`, as rows name it."""
        return "Cross" if self.key == CROSS else "Isolated"


def run(state: VenueState) -> None:
    """Liquidate whoever is below maintenance; again when deleveraging may have brought somebody else below it."""
    again = True
    while again:  # each turn has closed positions for good
        again = sum(_judge_all(state, user) for user in list(state.users.values()) if _exposed(user)) > 0


def _exposed(user: User) -> bool:
    return user.raw_1e8 + user.spot_1e8 < 0 or any(position.szi for position in user.positions.values())


def _judge_all(state: VenueState, user: User) -> bool:
    """Judge the cross account and each isolated position; whether one of them was deleveraged."""
    deleveraged = _judge(state, _cross(state, user))
    for coin, held in margin.open_positions(user, state.coins, isolated=True):
        deleveraged |= _judge(state, _isolated(state, user, coin, held))
    return deleveraged


def _cross(state: VenueState, user: User) -> Account:
    held = margin.open_positions(user, state.coins, isolated=False)
    needed = margin.maintenance_used_1e8(user, state.coins, state.marks)
    return Account(user, CROSS, held, margin.equity_1e8(user, state.marks), needed)


def _isolated(state: VenueState, user: User, coin: Instrument, held: Position) -> Account:
    mark = state.marks[coin.index]
    needed = margin.maintenance_1e8(coin, held.value_1e8(mark))
    return Account(user, coin.index, [(coin, held)], held.worth_1e8(mark), needed)


def _judge(state: VenueState, account: Account) -> bool:
    """Liquidate an account if it must be; whether it was deleveraged. One below zero without positions is only paid."""
    if account.equity_1e8 >= account.maintenance_1e8:
        return False
    user, dex = account.user, 0 if account.key == CROSS else state.books[account.key].terms.dex
    before = user.ledger_1e8(dex)
    for order in user.live():
        if _shares(state, account, order):
            clearing.remove(state, order, "liquidatedCanceled", by_engine=True)
    negative = account.equity_1e8 < 0
    if not negative and 3 * account.equity_1e8 >= 2 * account.maintenance_1e8:
        _to_book(state, account)
        return False
    _tell(state, account, _delta(state, account))
    if negative:
        deleveraging.close(state, user, account.held, account.kind)
    else:
        for coin, held in account.held:
            _hand_over(state, account, coin, held.szi)
    if account.key == CROSS and _cash_1e8(state, user) < 0 and user.credit_1e8:
        collateral.sell(state, user, -_cash_1e8(state, user))
    rest = _cash_1e8(state, user) if account.key == CROSS else user.ledger_1e8(dex) - before
    if not negative or rest < 0:
        _to_vault(state, account, rest, dex)
    return negative and bool(account.held)


def _shares(state: VenueState, account: Account, order: OwnOrder) -> bool:
    """Whether an order rests on the money of an account: one of another dex has its own in standard mode."""
    index = order.instrument.index
    if account.key == CROSS:
        return account.user.unified or state.books[index].terms.dex == 0
    return account.key == index


def _cash_1e8(state: VenueState, user: User) -> int:
    """Cross equity without what tokens would let the account borrow."""
    return margin.equity_1e8(user, state.marks) - (user.credit_1e8 if user.unified else 0)


def _to_book(state: VenueState, account: Account) -> None:
    """Send market orders, of the largest notional first, until the account is above maintenance again."""
    user, marks = account.user, state.marks
    cooling = state.now_ms - user.partial_ms.get(account.key, -COOLDOWN_MS) < COOLDOWN_MS
    ordered = sorted(account.held, key=lambda row: -abs(row[1].value_1e8(marks[row[0].index])))
    for coin, held in ordered:
        now = _cross(state, user) if account.key == CROSS else _isolated(state, user, coin, held)
        if now.equity_1e8 >= now.maintenance_1e8:
            return
        lots = abs(held.szi)
        above = round(state.settings.partial_liquidation_usd * USD_1E8)
        part = abs(held.value_1e8(marks[coin.index])) > above and not cooling
        if part:
            lots = -(-lots // PARTIAL_DIVISOR)
        delta = _delta(state, now)
        if _send(state, now, coin, -lots if held.szi > 0 else lots):
            _tell(state, now, delta)
            if part:
                user.partial_ms[account.key] = state.now_ms


def _send(state: VenueState, account: Account, coin: Instrument, lots: int) -> bool:
    """One order into the book; whether anything of it was filled."""
    user, book = account.user, state.books[coin.index]
    rate_1e6 = -(-user.tier.taker_1e6 * book.terms.fees.fee_1e4 // WHOLE_1E4)
    px = worst_px_ticks(coin, lots, state.marks[coin.index], account.equity_1e8, rate_1e6)
    side = BUY if lots > 0 else SELL
    draft = Draft(coin, side, px, abs(lots), reduce_only=True, tif=clearing.LIQUIDATION, cloid=None)
    order = OwnOrder(draft, user.number, state.new_oid(), state.now_ms)
    user.open[order.oid] = order
    new = NewOrder(order.oid, user.number, order.side, px, abs(lots), Tif.IOC)
    placed = placement.take(state, book, new, book.market.place(new))
    state.outbox.books.add(coin.coin)
    if not placed.fills:
        del user.open[order.oid]  # asked of the book in every block: the user hears only of what traded
        return False
    user.remember(order)
    if order.oid in user.open:
        clearing.finish(state, user, order, "canceled")
    return True


def worst_px_ticks(coin: Instrument, lots: int, mark: int, equity_1e8: int, fee_1e6: int) -> int:
    """Worst price on the grid at which trading signed lots, with the fee, costs no more than the equity at mark.

    >>> btc = Instrument("BTC", 0, 0, 5, 40, 56)
    >>> worst_px_ticks(btc, -100_000, 1_000_000, 1_000 * 10**8, 0), worst_px_ticks(btc, 10**5, 10**6, 10**11, 450)
    (990000, 1009540)
    """
    size = abs(lots) * TICK_LOT_1E8
    if lots < 0:
        px = -(-(size * mark - equity_1e8) * RATE_1E6 // (size * (RATE_1E6 - fee_1e6)))
        return int(round_px(float(max(1, px)), coin.px_decimals, up=True))
    px = (size * mark + equity_1e8) * RATE_1E6 // (size * (RATE_1E6 + fee_1e6))
    return int(round_px(float(px), coin.px_decimals, up=False))


def _hand_over(state: VenueState, account: Account, coin: Instrument, szi: int) -> None:
    """Give a position to the vault, at mark."""
    liquidation = clearing.liquidation_of(state, account.user, coin, "backstop")
    shown = deleveraging.liquidated(account.kind, szi)
    tid, oid, mark = state.new_tid(), state.new_oid(), state.marks[coin.index]
    for user, lots, words in ((account.user, -szi, shown), (state.liquidator, szi, None)):
        crossed = user is account.user
        trade = booking.Trade(lots, mark, tid, oid, crossed, None, words, liquidation, off_book=True)
        booking.book(state, user, coin, trade)


def _to_vault(state: VenueState, account: Account, amount_1e8: int, dex: int) -> None:
    """The vault takes the margin left after the backstop, or pays what an account is still below zero.

    What a closed isolated position was worth has come to the cross ledger: it is taken from there. The vault's own
    ledger says what it got.
    """
    user, vault = account.user, state.liquidator
    user.enter(dex, -amount_1e8)
    vault.enter(dex, amount_1e8)
    if account.key == CROSS and user.unified:
        user.raw_1e8 += user.spot_1e8
        user.spot_1e8 = 0
    state.write_ledger(vault, {**_delta(state, account), "accountValue": usd_text(amount_1e8), "user": user.address})


def _delta(state: VenueState, account: Account) -> dict[str, Any]:
    """Ledger row of a liquidation, of the account as it stands."""
    notional = sum(abs(held.value_1e8(state.marks[coin.index])) for coin, held in account.held)
    return {
        "type": "liquidation",
        "liquidatedNtlPos": usd_text(notional),
        "accountValue": usd_text(account.equity_1e8),
        "leverageType": account.kind,
        "liquidatedPositions": [
            {"coin": coin.coin, "szi": wire_text(held.szi, coin.sz_decimals)} for coin, held in account.held
        ],
    }


def _tell(state: VenueState, account: Account, delta: dict[str, Any]) -> None:
    """The user hears of it, by event and ledger; `delta` is of before it happened."""
    event = {
        "lid": state.new_lid(),
        "liquidator": state.liquidator.address,
        "liquidated_user": account.user.address,
        "liquidated_ntl_pos": delta["liquidatedNtlPos"],
        "liquidated_account_value": delta["accountValue"],
    }
    state.outbox.liquidations[account.user.number].append(event)
    state.write_ledger(account.user, delta)
