"""Notes and account facts as EVENT records for the coins (fields by kind: domain/events.py)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.gateway.notes import FillNote, FundingNote, Note, OrderNote, PositionNote, order_note
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.domain.events import EVENT, TAKER, AccountMode, CoinMode, EventKind, Mood
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent, OrderState

Rows = npt.NDArray[Any]


def blank(kind: EventKind, count: int = 1, coin: int = 0) -> Rows:
    """Zeroed events of one kind."""
    rows = np.zeros(count, EVENT)
    rows["kind"] = kind
    rows["coin"] = coin
    return rows


def note_rows(notes: Sequence[Note], instruments: Sequence[Instrument]) -> Rows:
    """One event per note that concerns coins; orphans concern nobody."""
    told = [note for note in notes if isinstance(note, OrderNote | FillNote | FundingNote | PositionNote)]
    rows = np.zeros(len(told), EVENT)
    for row, note in zip(rows, told, strict=True):
        match note:
            case OrderNote():
                _order(row, note)
            case FillNote():
                _fill(row, note)
            case FundingNote():
                _funding(row, note)
            case PositionNote():
                _position(row, note, instruments[note.coin])
    return rows


def _order(row: Any, note: OrderNote) -> None:
    row["kind"] = EventKind.ORDER
    row["coin"], row["side"], row["level"] = note.coin, note.side, note.level
    row["status"] = note.event
    row["venue_ms"] = note.venue_ms
    refused = note.event in {OrderEvent.REFUSED, OrderEvent.MODIFY_FAILED}
    row["oid"], row["tid"] = (int(note.refusal), note.wait_ns) if refused else (note.oid, 0)
    row["cloid_hi"], row["cloid_lo"] = note.key
    row["px_ticks"], row["sz_lots"] = note.px_ticks, note.sz_lots


def _fill(row: Any, note: FillNote) -> None:
    row["kind"] = EventKind.FILL
    row["coin"], row["side"], row["level"] = note.coin, note.side, note.level
    row["bits"] = TAKER if note.taker else 0
    row["venue_ms"] = note.venue_ms
    row["oid"], row["tid"] = note.oid, note.tid
    row["cloid_hi"], row["cloid_lo"] = note.key
    row["px_ticks"], row["sz_lots"], row["fee_1e8"] = note.px_ticks, note.sz_lots, note.fee_1e8


def _funding(row: Any, note: FundingNote) -> None:
    row["kind"] = EventKind.FUNDING
    row["coin"], row["venue_ms"], row["fee_1e8"] = note.coin, note.venue_ms, note.payment_1e8


def _position(row: Any, note: PositionNote, instrument: Instrument) -> None:
    row["kind"] = EventKind.POSITION
    row["coin"] = note.coin
    row["venue_ms"] = note.venue_ms
    row["px_ticks"], row["sz_lots"] = instrument.ticks(note.entry_px), note.szi_lots


def order_rows(orders: Sequence[OwnOrder], instruments: Sequence[Instrument]) -> Rows:
    """Carried orders as a snapshot tells them: resting ones as accepted, all others as uncertain."""
    live = {OrderState.LIVE, OrderState.CANCELLING, OrderState.MODIFYING}
    notes = [
        order_note(order, OrderEvent.ACCEPTED if order.state in live else OrderEvent.UNCERTAIN)
        for order in orders
        if not order.over
    ]
    return note_rows(notes, instruments)


def account_row(
    equity_usd: float, free_usd: float, maker_fee_bps: float, taker_fee_bps: float, mode: AccountMode
) -> Rows:
    """ACCOUNT."""
    rows = blank(EventKind.ACCOUNT)
    rows["px"], rows["px2"], rows["sz"], rows["sz2"] = equity_usd, free_usd, maker_fee_bps, taker_fee_bps
    rows["status"] = mode
    return rows


def permit_row(coin: int, state: RiskState, left_ns: int, epoch: int) -> Rows:
    """PERMIT as one coin gets it."""
    rows = blank(EventKind.PERMIT, coin=coin)
    rows["status"], rows["oid"], rows["seq"] = state, left_ns, epoch
    return rows


def mode_row(coin: int, mode: CoinMode, mood: Mood = Mood.NONE) -> Rows:
    """MODE of one coin, with the venue's reason when it is one."""
    rows = blank(EventKind.MODE, coin=coin)
    rows["status"], rows["oid"] = mode, mood
    return rows


def sync_row(coin: int, epoch: int, run: int) -> Rows:
    """SYNC: a full snapshot follows."""
    rows = blank(EventKind.SYNC, coin=coin)
    rows["oid"], rows["tid"] = epoch, run
    return rows


def deadline_row(coin: int, left_ns: int) -> Rows:
    """DEADLINE: how long this coin may still hold something; over it stays one ns, for zero means no deadline."""
    row = blank(EventKind.DEADLINE, coin=coin)
    row["oid"] = max(1, left_ns)
    return row
