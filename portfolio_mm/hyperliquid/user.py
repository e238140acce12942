"""Frames about our own account: order updates, fills, fundings, transfers, cancels by the venue (HL §1.11, §4.3).

Money is exact to 1e-8 USD; prices and sizes stay the venue's text (`Instrument.ticks`/`.lots` make integers of them).
Frames carry no sequence number: `isSnapshot` rows repeat history and must be de-duplicated by `Fill.key`.
"""

from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.instrument import usd_1e8
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.money_moves import LedgerRow, rows_of

LIVE_STATUSES: Final = frozenset({"open", "triggered"})
_SIDES: Final = {"B": BUY, "A": SELL}


class OrderUpdate(msgspec.Struct, frozen=True):
    """One order's new status. `sz` is what remains; `status_ms` is block time.

    A partial fill need not show here; a filled order has status "filled", every other unknown word is terminal when
    `is_terminal` says so (HL §1.11).
    """

    coin: str
    side: int
    limit_px: str
    sz: str
    orig_sz: str
    oid: int
    placed_ms: int
    status: str
    status_ms: int
    cloid: str | None = None
    reduce_only: bool = False

    @property
    def is_terminal(self) -> bool:
        """Whether the order is gone for good."""
        return self.status not in LIVE_STATUSES


class Liquidation(msgspec.Struct, frozen=True, rename="camel"):
    """Why a fill was forced; `method` is "market" or "backstop"."""

    liquidated_user: str | None = None
    mark_px: str | float | None = None
    method: str = ""


class Fill(msgspec.Struct, frozen=True):
    """One fill of our account. `crossed` means we took; a negative fee is a rebate; builder's share is inside."""

    coin: str
    px: str
    sz: str
    side: int
    time_ms: int
    start_position: str
    direction: str
    closed_pnl_1e8: int
    fee_1e8: int
    fee_token: str
    hash: str
    oid: int
    tid: int
    crossed: bool
    cloid: str | None = None
    liquidation: Liquidation | None = None
    is_snapshot: bool = False

    @property
    def key(self) -> tuple[int, str, int]:
        """What makes a fill unique (HL §1.12): `tid` alone does not."""
        return (self.time_ms, self.coin, self.tid)


class Funding(msgspec.Struct, frozen=True):
    """One funding payment; positive means received."""

    coin: str
    time_ms: int
    payment_1e8: int
    szi: str
    rate: str
    is_snapshot: bool = False


class VenueCancel(msgspec.Struct, frozen=True):
    """A hint that the venue cancelled an order by itself; `OrderUpdate` is the authority."""

    coin: str
    oid: int


class AccountLiquidation(msgspec.Struct, frozen=True):
    """Our account, or part of it, was liquidated: re-read everything."""

    lid: int
    liquidator: str
    liquidated_user: str


UserMessage = OrderUpdate | Fill | Funding | VenueCancel | AccountLiquidation | LedgerRow


class _Order(msgspec.Struct, rename="camel"):
    coin: str
    side: str
    limit_px: str
    sz: str
    oid: int
    timestamp: int
    orig_sz: str
    cloid: str | None = None
    reduce_only: bool | None = None


class _OrderRow(msgspec.Struct, rename="camel"):
    order: _Order
    status: str
    status_timestamp: int


class _FillRow(msgspec.Struct, rename="camel"):
    coin: str
    px: str
    sz: str
    side: str
    time: int
    start_position: str
    closed_pnl: str | float
    oid: int
    crossed: bool
    fee: str | float
    tid: int
    hash: str = ""
    dir: str = ""
    fee_token: str = "USDC"  # noqa: S105 - a coin's name, not a secret
    cloid: str | None = None
    liquidation: Liquidation | None = None


class _FundingRow(msgspec.Struct, rename="camel"):
    time: int
    coin: str
    usdc: str | float
    szi: str
    funding_rate: str


class _Liquidated(msgspec.Struct):
    lid: int
    liquidator: str
    liquidated_user: str


class _Cancelled(msgspec.Struct):
    coin: str
    oid: int


class _Events(msgspec.Struct, rename="camel"):
    """`userEvents`: exactly one of these; and the snapshot channels, which share the field names."""

    is_snapshot: bool = False
    fills: list[_FillRow] = []
    fundings: list[_FundingRow] = []
    funding: _FundingRow | None = None
    liquidation: _Liquidated | None = None
    non_user_cancel: list[_Cancelled] = []


class _LedgerUpdates(msgspec.Struct, rename="camel"):
    non_funding_ledger_updates: list[dict[str, Any]]


class _Channel(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


_CHANNEL: Final = msgspec.json.Decoder(_Channel)
_ORDERS: Final = msgspec.json.Decoder(list[_OrderRow])
_EVENTS: Final = msgspec.json.Decoder(_Events)
_FILLS: Final = msgspec.json.Decoder(list[_FillRow])
_LEDGER: Final = msgspec.json.Decoder(_LedgerUpdates)


def _side(text: str) -> int:
    side = _SIDES.get(text)
    if side is None:
        msg = f"side {text!r} is neither B nor A"
        raise ValueError(msg)
    return side


def _update(row: _OrderRow) -> OrderUpdate:
    order = row.order
    return OrderUpdate(
        coin=order.coin,
        side=_side(order.side),
        limit_px=order.limit_px,
        sz=order.sz,
        orig_sz=order.orig_sz,
        oid=order.oid,
        placed_ms=order.timestamp,
        status=row.status,
        status_ms=row.status_timestamp,
        cloid=order.cloid,
        reduce_only=bool(order.reduce_only),
    )


def _fill(row: _FillRow, *, is_snapshot: bool) -> Fill:
    return Fill(
        coin=row.coin,
        px=row.px,
        sz=row.sz,
        side=_side(row.side),
        time_ms=row.time,
        start_position=row.start_position,
        direction=row.dir,
        closed_pnl_1e8=usd_1e8(str(row.closed_pnl)),
        fee_1e8=usd_1e8(str(row.fee)),
        fee_token=row.fee_token,
        hash=row.hash,
        oid=row.oid,
        tid=row.tid,
        crossed=row.crossed,
        cloid=row.cloid,
        liquidation=row.liquidation,
        is_snapshot=is_snapshot,
    )


def _funding(row: _FundingRow, *, is_snapshot: bool) -> Funding:
    return Funding(row.coin, row.time, usd_1e8(str(row.usdc)), row.szi, row.funding_rate, is_snapshot)


def _events(data: _Events) -> tuple[UserMessage, ...]:
    old = data.is_snapshot
    found: list[UserMessage] = [_fill(row, is_snapshot=old) for row in data.fills]
    found += [_funding(row, is_snapshot=old) for row in data.fundings]
    found += [_funding(row, is_snapshot=False) for row in (data.funding,) if row is not None]
    found += [VenueCancel(row.coin, row.oid) for row in data.non_user_cancel]
    liquidated = (data.liquidation,)
    found += [AccountLiquidation(r.lid, r.liquidator, r.liquidated_user) for r in liquidated if r is not None]
    return tuple(found)


def fills_of(rows: Any) -> tuple[Fill, ...]:
    """Fills of a REST reply (`userFills`, `userFillsByTime`), as already decoded JSON.

    Raises:
        MalformedMessage: a row lacks a field or has one of another kind.
    """
    try:
        return tuple(_fill(row, is_snapshot=True) for row in msgspec.convert(rows, list[_FillRow]))
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        msg = f"userFills: {error}"
        raise MalformedMessage(msg) from error


def parse_user(raw: bytes) -> tuple[UserMessage, ...]:
    """Messages of one frame of the account's streams; other channels give none.

    Raises:
        MalformedMessage: channel and reason.
    """
    channel = "?"
    try:
        if not raw.startswith(b"{"):
            return ()
        frame = _CHANNEL.decode(raw)
        channel = frame.channel
        if channel == "orderUpdates":
            return tuple(_update(row) for row in _ORDERS.decode(frame.data))
        if channel in {"user", "userEvents", "userFills", "userFundings"}:
            return _events(_EVENTS.decode(frame.data))
        if channel == "userNonFundingLedgerUpdates":
            return rows_of(_LEDGER.decode(frame.data).non_funding_ledger_updates)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, ArithmeticError) as error:
        msg = f"{channel}: {error}: {raw[:160]!r}"
        raise MalformedMessage(msg) from error
    return ()
