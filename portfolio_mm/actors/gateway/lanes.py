"""What each lane of the outbox is for, how its orders look on the wire, and who carries them."""

from collections.abc import Callable
from typing import Final, Protocol

from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.outbox import Lane
from portfolio_mm.actors.gateway.purpose import Purpose
from portfolio_mm.actors.gateway.wish import Approved
from portfolio_mm.hyperliquid import encode
from portfolio_mm.hyperliquid.answer import ActionAnswer
from portfolio_mm.hyperliquid.encode import Action
from portfolio_mm.hyperliquid.exchange import Signed

PURPOSE: Final = {
    Lane.CANCEL: Purpose.CANCEL,
    Lane.CANCEL_OID: Purpose.CANCEL,
    Lane.CREATE: Purpose.REDUCE,
    Lane.MODIFY: Purpose.REDUCE,
    Lane.TAKE: Purpose.REDUCE,
}
"""What may leave: the guard has judged whether it should, so orders need only what reducing ones need."""


class Exchange(Protocol):
    """The part of the exchange client used here."""

    def sign(self, action: Action, nonce: int, expires_after: int | None = None) -> Signed:
        """Sign without sending."""
        ...

    async def send_signed(self, signed: Signed, written: Callable[[], None] | None = None) -> ActionAnswer:
        """Send what is signed; `written` says that the socket has it."""
        ...


def wire(ledger: Ledger, approved: Approved) -> encode.OrderWire:
    """An approved order as the venue reads it."""
    order = approved.order
    return encode.order_wire(
        ledger.instruments[order.coin],
        order.side,
        px_ticks=order.px_ticks,
        sz_lots=order.sz_lots,
        cloid=order.key,
        tif=approved.tif,
        reduce_only=order.reduce_only,
    )
