"""Actions of `POST /exchange` as the venue's own structures (HL §2, §3.1).

A signature covers the bytes *the venue* makes of the action: fields in this order, optional ones absent, decimals
without trailing zeros. A client that writes them otherwise recovers to an address nobody knows, as on the real venue.
"""

from typing import Literal

import msgspec

from portfolio_mm.venue.protocol.account_actions import AccountL1Action, ApproveAgent, UserDexAbstraction
from portfolio_mm.venue.protocol.builders import ApproveBuilderFee, Builder, Priority
from portfolio_mm.venue.protocol.fields import Address, ChainId, CloidText, Network, Signed64, Whole32, Whole64
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend, Withdraw
from portfolio_mm.venue.protocol.twaps import TwapCancel, TwapOrder

Tif = Literal["Alo", "Gtc", "Ioc", "FrontendMarket"]
Grouping = Literal["na", "normalTpsl", "positionTpsl"]


class LimitKind(msgspec.Struct, frozen=True):
    """`{"limit":{"tif":…}}`."""

    tif: Tif


class TriggerKind(msgspec.Struct, frozen=True, rename="camel"):
    """A TP/SL trigger."""

    is_market: bool
    trigger_px: str
    tpsl: Literal["tp", "sl"]


class OrderKind(msgspec.Struct, frozen=True, omit_defaults=True):
    """Exactly one of the two."""

    limit: LimitKind | None = None
    trigger: TriggerKind | None = None

    def __post_init__(self) -> None:
        if (self.limit is None) == (self.trigger is None):
            msg = "an order is either limit or trigger"
            raise ValueError(msg)


class OrderWire(msgspec.Struct, frozen=True, omit_defaults=True):
    """One order: asset, is buy, price, size, reduce-only, kind, cloid."""

    a: Whole32
    b: bool
    p: str
    s: str
    r: bool
    t: OrderKind
    c: CloidText | None = None


class Order(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="order"):
    """Place a batch."""

    orders: tuple[OrderWire, ...]
    grouping: Grouping | Priority
    builder: Builder | None = None


class ModifyLeg(msgspec.Struct, frozen=True):
    """Replace `oid` (number or cloid)."""

    oid: Whole64 | CloidText
    order: OrderWire


class Modify(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="modify"):
    """Replace one order; `a` places even when the cancel fails."""

    oid: Whole64 | CloidText
    order: OrderWire
    a: bool = False


class BatchModify(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="batchModify"):
    """Replace several orders."""

    modifies: tuple[ModifyLeg, ...]
    a: bool = False


class CancelLeg(msgspec.Struct, frozen=True):
    """Cancel by order id."""

    a: Whole32
    o: Whole64


class Cancel(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="cancel"):
    """Cancel a batch by order id; `f` asks for the fast lane."""

    cancels: tuple[CancelLeg, ...]
    f: bool = False


class CloidLeg(msgspec.Struct, frozen=True):
    """Cancel by client order id."""

    asset: Whole32
    cloid: CloidText


class CancelByCloid(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="cancelByCloid"):
    """Cancel a batch by client order id."""

    cancels: tuple[CloidLeg, ...]
    f: bool = False


class ScheduleCancel(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="scheduleCancel"):
    """Dead man's switch; without `time` it is taken back."""

    time: Whole64 | None = None


class UpdateLeverage(msgspec.Struct, frozen=True, tag_field="type", tag="updateLeverage", rename="camel"):
    """Leverage of one coin."""

    asset: Whole32
    is_cross: bool
    leverage: Whole32


class UpdateIsolatedMargin(msgspec.Struct, frozen=True, tag_field="type", tag="updateIsolatedMargin", rename="camel"):
    """Move 1e-6 USDC in or out of an isolated position."""

    asset: Whole32
    is_buy: bool
    ntli: Signed64


class TopUpIsolatedOnlyMargin(
    msgspec.Struct, frozen=True, tag_field="type", tag="topUpIsolatedOnlyMargin", rename="camel"
):
    """Bring a strictly isolated position down to a leverage, given as a decimal."""

    asset: Whole32
    leverage: str


class Noop(msgspec.Struct, frozen=True, tag_field="type", tag="noop"):
    """Burns its nonce."""


class ReserveRequestWeight(
    msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="reserveRequestWeight"
):
    """Buys requests from the perps balance; master signature only."""

    weight: Whole64
    destination: Address | None = None


class AgentSendAsset(msgspec.Struct, frozen=True, tag_field="type", tag="agentSendAsset", rename="camel"):
    """Move USDC between spot and perps of the same user, by an agent."""

    destination: Address
    source_dex: str
    destination_dex: str
    token: str
    amount: str
    from_sub_account: str
    nonce: Whole64


class UsdClassTransfer(msgspec.Struct, frozen=True, tag_field="type", tag="usdClassTransfer", rename="camel"):
    """Move USDC between spot and perps; signed by the user."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    amount: str
    to_perp: bool
    nonce: Whole64


class SendAsset(msgspec.Struct, frozen=True, tag_field="type", tag="sendAsset", rename="camel"):
    """As `agentSendAsset`, signed by the user."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    destination: Address
    source_dex: str
    destination_dex: str
    token: str
    amount: str
    from_sub_account: str
    nonce: Whole64


class UserSetAbstraction(msgspec.Struct, frozen=True, tag_field="type", tag="userSetAbstraction", rename="camel"):
    """Account mode, by the user."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    user: Address
    abstraction: Literal["disabled", "unifiedAccount", "portfolioMargin"]
    nonce: Whole64


L1Action = (
    Order
    | Modify
    | BatchModify
    | Cancel
    | CancelByCloid
    | ScheduleCancel
    | UpdateLeverage
    | UpdateIsolatedMargin
    | TopUpIsolatedOnlyMargin
    | Noop
    | ReserveRequestWeight
    | AgentSendAsset
    | TwapOrder
    | TwapCancel
    | AccountL1Action
)
UserSignedAction = (
    UsdClassTransfer
    | SendAsset
    | UsdSend
    | SpotSend
    | Withdraw
    | ApproveAgent
    | ApproveBuilderFee
    | UserSetAbstraction
    | UserDexAbstraction
)
Action = L1Action | UserSignedAction


def cloid(text: str) -> str:
    """A cloid as the venue writes it.

    >>> cloid("0xAB"), cloid("06c60000000000000000000000003f5a")
    ('0x000000000000000000000000000000ab', '0x06c60000000000000000000000003f5a')
    """
    return f"0x{int(text, 16):032x}"


def order_legs(action: Action) -> tuple[OrderWire, ...]:
    """Orders an action sends to a book."""
    match action:
        case Order():
            return action.orders
        case Modify():
            return (action.order,)
        case BatchModify():
            return tuple(leg.order for leg in action.modifies)
        case _:
            return ()


def leg_count(action: Action) -> int:
    """What the action weighs in request budgets: one per leg."""
    match action:
        case Order():
            return len(action.orders)
        case BatchModify():
            return len(action.modifies)
        case Cancel() | CancelByCloid():
            return len(action.cancels)
        case _:
            return 1


def block_class(action: Action) -> int:
    """Place in the block (HL §7.2): 0 nothing that takes, 1 cancels, 2 any GTC or IOC order.

    A modified GTC runs as ALO (HL §2.5), so it does not count as a taker unless `a` is set.
    """
    if isinstance(action, Cancel | CancelByCloid):
        return 1
    modified = isinstance(action, Modify | BatchModify) and not action.a
    slow = {"Ioc", "FrontendMarket"} if modified else {"Ioc", "FrontendMarket", "Gtc"}
    return 2 if any(leg.t.limit is None or leg.t.limit.tif in slow for leg in order_legs(action)) else 0
