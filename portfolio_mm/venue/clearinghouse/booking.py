"""One side of a trade becomes money: position, ledger, volume, and the row the user sees (HL §1.12)."""

from typing import Any, Final, NamedTuple

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.venue.clearinghouse.isolated import moved_1e8
from portfolio_mm.venue.clearinghouse.orders import SIDE_LETTER
from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8, direction
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import usd_text, wire_text
from portfolio_mm.venue.state import VenueState

NO_HASH: Final = "0x" + "0" * 64
"""Slices of a TWAP are nobody's transaction (HL §1.12): neither side of the match has a hash, nor has its print."""
TENTHS_OF_A_BP: Final = 100_000


class Trade(NamedTuple):
    """One side of a match: signed lots, price, and what its row tells besides.

    `dir_shown` is None for the ordinary words; `liquidation` is the object of that name; a trade `off_book` (backstop,
    deleveraging) pays no fee and is no volume.
    """

    lots: int
    px_ticks: int
    tid: int
    oid: int
    crossed: bool
    cloid: str | None = None
    dir_shown: str | None = None
    liquidation: dict[str, str] | None = None
    off_book: bool = False
    builder: tuple[str, int] | None = None
    """Address, tenths of a basis point."""
    twap_id: int | None = None
    sliced: bool = False
    """Whether the taker is a slice of a TWAP."""


def book(state: VenueState, user: User, coin: Instrument, trade: Trade) -> None:
    """Book a trade for one user, on the cross ledger or on that of an isolated position."""
    position, terms = user.position(coin.index), state.books[coin.index].terms
    position.isolated = user.isolates(coin)
    before, cash = position.szi, trade.lots * trade.px_ticks * TICK_LOT_1E8
    fee = 0
    if not trade.off_book:
        fee = user.fee_1e8(cash, crossed=trade.crossed, scale=terms.fees)
        counted = abs(cash) * terms.volume_percent // 100
        user.standing.volume.add(state.day, counted, crossed=trade.crossed)
        user.volume_1e8 += counted
    built = _builder_fee(state, trade.builder, cash)
    fee += built
    if position.isolated:
        moved = moved_1e8(position, trade.lots, trade.px_ticks, fee, user.leverage_of(coin))
        position.raw_1e8 += moved - cash - fee
        user.enter(terms.dex, -moved)
    else:
        user.raw_1e8 -= cash + fee
    pnl = position.trade(trade.lots, trade.px_ticks)
    row: dict[str, Any] = {
        "coin": coin.coin,
        "px": wire_text(trade.px_ticks, coin.px_decimals),
        "sz": wire_text(abs(trade.lots), coin.sz_decimals),
        "side": SIDE_LETTER[BUY if trade.lots > 0 else SELL],
        "time": state.now_ms,
        "startPosition": wire_text(before, coin.sz_decimals),
        "dir": trade.dir_shown or direction(before, trade.lots),
        "closedPnl": usd_text(pnl),
        "hash": NO_HASH if trade.sliced else state.block_hash(),
        "oid": trade.oid,
        "crossed": trade.crossed,
        "fee": usd_text(fee),
        "tid": trade.tid,
    }
    if built:
        row["builderFee"] = usd_text(built)
    if trade.cloid is not None:
        row["cloid"] = trade.cloid
    if trade.liquidation is not None:
        row["liquidation"] = trade.liquidation
    row |= {"feeToken": "USDC", "twapId": trade.twap_id}
    user.fills.append(row)
    state.outbox.fills[user.number].append(row)
    if trade.twap_id is not None:
        _count_slice(state, user, trade, row)


def _builder_fee(state: VenueState, builder: tuple[str, int] | None, cash_1e8: int) -> int:
    """What the builder of an order earns on a fill, 1e-8 USD: he may claim it, it is in no balance yet."""
    if builder is None:
        return 0
    address, tenths_of_a_bp = builder
    fee = builder_fee_1e8(cash_1e8, tenths_of_a_bp)
    state.by_address[address].builder_rewards_1e8 += fee
    return fee


def builder_fee_1e8(notional_1e8: int, tenths_of_a_bp: int) -> int:
    """A builder's fee, truncated at eight decimals as all fees are.

    >>> builder_fee_1e8(-1_000_01000000, 10)
    10000100
    """
    return abs(notional_1e8) * tenths_of_a_bp // TENTHS_OF_A_BP


def _count_slice(state: VenueState, user: User, trade: Trade, row: dict[str, Any]) -> None:
    """A fill of a TWAP is told once more, with its number."""
    assert trade.twap_id is not None
    twap = user.twaps[trade.twap_id]
    twap.executed_lots += abs(trade.lots)
    twap.executed_1e8 += abs(trade.lots) * trade.px_ticks * TICK_LOT_1E8
    told = {"fill": row, "twapId": twap.number}
    user.twap_fills.append(told)
    state.outbox.twap_fills[user.number].append(told)
