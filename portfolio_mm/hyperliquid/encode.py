"""Actions in the venue's exact wire form: field order matters, because the bytes are hashed and signed (HL §2, §3.1).

Prices and sizes come from integer ticks and lots, so their text is exact and without trailing zeros; optional fields
are absent, never null.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY

MAX_LEGS: Final = 200
"""Heaviest signed action the venue takes (HL §2.2)."""
T = TypeVar("T")
Tif = Literal["Alo", "Ioc", "Gtc"]


class Limit(msgspec.Struct, frozen=True):
    """Time in force: Alo rests or is refused, Ioc takes or vanishes, Gtc does either."""

    tif: Tif


class OrderType(msgspec.Struct, frozen=True):
    """The only order type this program sends: a limit order."""

    limit: Limit


_TYPES: Final[dict[str, OrderType]] = {tif: OrderType(Limit(tif)) for tif in ("Alo", "Ioc", "Gtc")}


class OrderWire(msgspec.Struct, frozen=True):
    """One order as the venue reads it: asset, is buy, price, size, reduce-only, type, cloid."""

    a: int
    b: bool
    p: str
    s: str
    r: bool
    t: OrderType
    c: str | UnsetType = UNSET


class ModifyWire(msgspec.Struct, frozen=True):
    """Replacement of an order named by oid or by cloid text."""

    oid: int | str
    order: OrderWire


class CancelWire(msgspec.Struct, frozen=True):
    """Cancel by asset and oid."""

    a: int
    o: int


class CancelByCloidWire(msgspec.Struct, frozen=True):
    """Cancel by asset and cloid."""

    asset: int
    cloid: str


class OrderAction(msgspec.Struct, frozen=True, tag_field="type", tag="order"):
    """Place orders. ALO-only batches travel apart from takers: one taker puts all in the slow class (HL §7.2)."""

    orders: tuple[OrderWire, ...]
    grouping: str = "na"


class BatchModifyAction(msgspec.Struct, frozen=True, tag_field="type", tag="batchModify"):
    """Cancel and place; when the cancel fails nothing is placed (HL §2.5)."""

    modifies: tuple[ModifyWire, ...]


class CancelAction(msgspec.Struct, frozen=True, tag_field="type", tag="cancel"):
    """Cancel by oid, marked fast (HL §2.4)."""

    cancels: tuple[CancelWire, ...]
    f: bool = True


class CancelByCloidAction(msgspec.Struct, frozen=True, tag_field="type", tag="cancelByCloid"):
    """Cancel by cloid, marked fast (HL §2.4)."""

    cancels: tuple[CancelByCloidWire, ...]
    f: bool = True


class NoopAction(msgspec.Struct, frozen=True, tag_field="type", tag="noop"):
    """Burn a nonce: an in-flight action with the same nonce can then never land."""


class ScheduleCancelAction(msgspec.Struct, frozen=True, tag_field="type", tag="scheduleCancel"):
    """Arm the venue's dead man's switch at a Unix time in ms; without a time, disarm it."""

    time: int | UnsetType = UNSET


class UpdateLeverageAction(msgspec.Struct, frozen=True, tag_field="type", tag="updateLeverage"):
    """Set one coin's leverage and margin kind."""

    asset: int
    is_cross: bool = msgspec.field(name="isCross")
    leverage: int


class AgentSendAssetAction(
    msgspec.Struct, frozen=True, tag_field="type", tag="agentSendAsset", rename="camel", kw_only=True
):
    """Move a token between the ledgers of one user, signed by an agent (HL §2.8); `nonce` is the envelope's, too.

    Dexes: `""` is the perps ledger, `"spot"` the spot balance. `from_sub_account` is empty, or whose money it is.
    """

    destination: str
    source_dex: str
    destination_dex: str
    token: str
    amount: str
    from_sub_account: str
    nonce: int


Action = (
    OrderAction
    | BatchModifyAction
    | CancelAction
    | CancelByCloidAction
    | NoopAction
    | ScheduleCancelAction
    | UpdateLeverageAction
    | AgentSendAssetAction
)


def order_wire(
    instrument: Instrument,
    side: int,
    *,
    px_ticks: int,
    sz_lots: int,
    cloid: tuple[int, int] | None = None,
    tif: Tif = "Alo",
    reduce_only: bool = False,
) -> OrderWire:
    """One order from exact grid counts; `cloid` is its two words (high, low).

    Raises:
        ValueError: price or size is not positive.
    """
    if px_ticks <= 0 or sz_lots <= 0:
        msg = f"{instrument.coin}: order of {sz_lots} lots at {px_ticks} ticks; both must be positive"
        raise ValueError(msg)
    return OrderWire(
        a=instrument.asset,
        b=side == BUY,
        p=instrument.px_text(px_ticks),
        s=instrument.sz_text(sz_lots),
        r=reduce_only,
        t=_TYPES[tif],
        c=UNSET if cloid is None else cloids.text(*cloid),
    )


def order_action(orders: Sequence[OrderWire]) -> OrderAction:
    """Place up to MAX_LEGS orders."""
    return OrderAction(tuple(_checked(orders)))


def batch_modify_action(modifies: Sequence[tuple[int | str, OrderWire]]) -> BatchModifyAction:
    """Replace up to MAX_LEGS orders, each named by oid or cloid text."""
    return BatchModifyAction(tuple(ModifyWire(oid, order) for oid, order in _checked(modifies)))


def cancel_action(cancels: Sequence[tuple[int, int]]) -> CancelAction:
    """Cancel up to MAX_LEGS orders given as (asset, oid)."""
    return CancelAction(tuple(CancelWire(asset, oid) for asset, oid in _checked(cancels)))


def cancel_by_cloid_action(cancels: Sequence[tuple[int, str]]) -> CancelByCloidAction:
    """Cancel up to MAX_LEGS orders given as (asset, cloid text)."""
    return CancelByCloidAction(tuple(CancelByCloidWire(asset, cloid) for asset, cloid in _checked(cancels)))


def noop_action() -> NoopAction:
    """An action that does nothing but use up its nonce."""
    return NoopAction()


def schedule_cancel_action(time_ms: int | None) -> ScheduleCancelAction:
    """Arm (at least 5 s ahead, HL §2.6) or disarm (None) the dead man's switch."""
    return ScheduleCancelAction(UNSET if time_ms is None else time_ms)


def update_leverage_action(asset: int, leverage: int, *, is_cross: bool = True) -> UpdateLeverageAction:
    """Set leverage (integer) of one coin."""
    return UpdateLeverageAction(asset=asset, is_cross=is_cross, leverage=leverage)


def agent_spot_to_perps_action(user: str, token: str, amount: str, nonce: int, *, sub: bool) -> AgentSendAssetAction:
    """Move USDC of one account from spot to the first perps ledger.

    Args:
        user: whose money; it goes to nobody else.
        token: name and id of USDC, as `spotMeta` has them: `USDC:0x...`.
        amount: decimal text.
        nonce: the envelope's.
        sub: `user` is a sub-account of the agent's master.
    """
    return AgentSendAssetAction(
        destination=user,
        source_dex="spot",
        destination_dex="",
        token=token,
        amount=amount,
        from_sub_account=user if sub else "",
        nonce=nonce,
    )


def legs(action: Action) -> int:
    """How many requests the action counts for: one per order, modify or cancel, else one (HL §5.2)."""
    match action:
        case OrderAction(orders=parts):
            return len(parts)
        case BatchModifyAction(modifies=replacements):
            return len(replacements)
        case CancelAction(cancels=oids):
            return len(oids)
        case CancelByCloidAction(cancels=names):
            return len(names)
        case _:
            return 1


def frees(action: Action) -> bool:
    """Whether the action only takes orders away: it may use what every budget keeps for cancels."""
    return isinstance(action, CancelAction | CancelByCloidAction)


def _checked(parts: Sequence[T]) -> Sequence[T]:
    """Refuse what the venue would refuse whole (HL §2.2, §2.4)."""
    if not 1 <= len(parts) <= MAX_LEGS:
        msg = f"an action carries 1 to {MAX_LEGS} legs, not {len(parts)}"
        raise ValueError(msg)
    return parts
