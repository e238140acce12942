"""One own order as the ledger knows it."""

from dataclasses import dataclass, field

from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.order import OrderState, Refusal

Key = tuple[int, int]
"""Cloid as two words (high, low)."""
NO_KEY: Key = (0, 0)


@dataclass(slots=True)
class OwnOrder:
    """Mutable; only the ledger and the desk change it. Sizes in lots, prices in ticks.

    `nonce` 0 means it was not sent yet. `ended_lots` is the total the venue says was filled, known once the order is
    over; what of it has not come as fill rows yet still counts as exposure. `asked_ns` is since when its fate is in
    question (0: it is not), `looked_ns` when it was last looked up. `cause`, `cause_ns` and `heard_ns` belong to the
    wish that waits for the wire (its event's kind and receive time, and when it came to the gateway); 0 once that left,
    or when no coin asked. `replaces` is the order a modify ends, `replaced_by` the one that modify makes; `superseded`
    once that one was seen to live. `refusal` is why it was refused, once it was. `cancel_acked`: the venue took a
    cancel or the modify. `answered_ns` is when the venue answered for it, `row_seen` whether a row has told of it too.
    """

    key: Key
    coin: int
    side: int
    level: int
    px_ticks: int
    sz_lots: int
    reduce_only: bool
    epoch: int
    cause: int = 0
    cause_ns: int = 0
    heard_ns: int = 0
    state: OrderState = OrderState.PENDING
    oid: int = 0
    filled_lots: int = 0
    cut_lots: int = 0
    ended_lots: int | None = None
    ended_ms: int = 0
    nonce: int = 0
    expires_ms: int = 0
    replaces: Key | None = None
    replaced_by: Key | None = None
    superseded: bool = False
    cancel_wanted: bool = False
    cancel_acked: bool = False
    refusal: Refusal = Refusal.NONE
    asked_ns: int = 0
    looked_ns: int = 0
    answered_ns: int = 0
    row_seen: bool = False
    unknown_ns: list[int] = field(default_factory=list)
    """When the venue said it does not know this order (monotonic), since its expiry passed."""

    @property
    def remaining_lots(self) -> int:
        """What may still be filled; a finished order may owe fill rows."""
        if self.state is OrderState.DONE:
            return 0
        total = self.sz_lots - self.cut_lots if self.ended_lots is None else self.ended_lots
        return max(0, total - self.filled_lots)

    @property
    def over(self) -> bool:
        """The venue said it ended, or it never began; it may still owe fill rows."""
        return self.state is OrderState.DONE or self.ended_lots is not None

    @property
    def leaving(self) -> bool:
        """A cancel was sent or will be as soon as it can."""
        return self.cancel_wanted or self.state is OrderState.CANCELLING


def key_of(cloid: str | None) -> Key:
    """A cloid of the wire as two words; NO_KEY without one, or when it is not one."""
    try:
        return NO_KEY if cloid is None else cloids.from_text(cloid)
    except ValueError:
        return NO_KEY
