"""One action inside a block: who may, may they now, and what comes of it (HL §2)."""

from typing import Any, Final

from portfolio_mm.venue.clearinghouse import clearing, isolated
from portfolio_mm.venue.clearinghouse.budgets import MAX_ACTION_WEIGHT, USD_1E8
from portfolio_mm.venue.clearinghouse.orders import Draft
from portfolio_mm.venue.clearinghouse.user import MAX_SCHEDULED_A_DAY, User
from portfolio_mm.venue.exchange import (
    administration,
    agents,
    builders,
    grouping,
    legs,
    modification,
    placement,
    priority,
    relatives,
    triggers,
    twap,
    wording,
)
from portfolio_mm.venue.exchange.administration import Opened
from portfolio_mm.venue.exchange.wording import Refused
from portfolio_mm.venue.protocol.actions import (
    Action,
    BatchModify,
    Cancel,
    CancelByCloid,
    Modify,
    Noop,
    Order,
    ScheduleCancel,
    TopUpIsolatedOnlyMargin,
    UpdateIsolatedMargin,
    UpdateLeverage,
    leg_count,
)
from portfolio_mm.venue.protocol.nonces import NonceSet
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.protocol.twaps import TwapCancel, TwapOrder
from portfolio_mm.venue.state import VenueState

Reply = dict[str, Any]
MISSING: Final = "Order was never placed, already canceled, or filled."
STALE_COST: Final = 5
SCHEDULE_AHEAD_MS: Final = 5_000
SCHEDULE_VOLUME_USD: Final = 1_000_000


def error(text: str) -> Reply:
    """A whole-action refusal."""
    return {"status": "err", "response": text}


def default() -> Reply:
    """Success without data."""
    return {"status": "ok", "response": {"type": "default"}}


def statuses(kind: str, entries: list[Any]) -> Reply:
    """Success with one entry per leg."""
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": entries}}}


def status(kind: str, entry: Any) -> Reply:
    """Success with the one entry of a TWAP."""
    return {"status": "ok", "response": {"type": kind, "data": {"status": entry}}}


def execute(state: VenueState, signed: SignedAction) -> Reply:
    """Run one action and answer it."""
    user = agents.acting_for(state, signed)
    if isinstance(user, str):
        return error(user)
    refusal = state.nonces.setdefault(signed.signer, NonceSet()).take(signed.nonce, state.now_ms)
    refusal = refusal or _out_of_time(state, user, signed)
    if refusal is not None:
        return error(refusal)
    refusal = _over_weight(signed) or _whole_batch(state, user, signed.action)
    if refusal is not None:
        alone = state.settings.prevalidation == "status" and isinstance(signed.action, Order)
        return statuses("order", [{"error": refusal}]) if alone else error(refusal)
    refusal = _over_budget(state, user, signed)
    if refusal is not None:
        return error(refusal)
    reply = _perform(state, user, signed.action)
    if reply["status"] == "ok" or isinstance(signed.action, Modify):  # a modify that fails may have cancelled
        _charge(state, user, signed)
    return reply


def _out_of_time(state: VenueState, user: User, signed: SignedAction) -> str | None:
    if signed.expires_after is None or signed.expires_after >= state.now_ms:
        return None
    user.requests.charge(STALE_COST)
    return "Action already expired"


def _over_weight(signed: SignedAction) -> str | None:
    count = leg_count(signed.action)
    if count == 0:
        return "Batch cannot be empty."  # pre-validation; the wording is ours
    return "Signed action over weight limit of 200." if count > MAX_ACTION_WEIGHT else None


def _whole_batch(state: VenueState, user: User, action: Action) -> str | None:
    """Pre-validation: one refusal for all legs, which costs no request."""
    if not isinstance(action, Order):
        return None
    drafts = [draft for draft in _drafts(state, action) if not isinstance(draft, Refused)]
    too_far = [legs.off_reference(state, draft) for draft in drafts]
    refusal = builders.fault(user, action.builder) or grouping.fault(action.orders, action.grouping)
    refusal = refusal or priority.fault(state, user, action, [draft.value_1e8 for draft in drafts])
    return refusal or next((why for why in too_far if why), None)


def _drafts(state: VenueState, action: Order) -> list[Draft | Refused]:
    position = action.grouping == "positionTpsl"
    drafts = [legs.read(state, wire, position=position) for wire in action.orders]
    if action.builder is None:
        return drafts
    charged = (action.builder.b.lower(), action.builder.f)
    return [draft if isinstance(draft, Refused) else draft._replace(builder=charged) for draft in drafts]


def _over_budget(state: VenueState, user: User, signed: SignedAction) -> str | None:
    cancels = isinstance(signed.action, Cancel | CancelByCloid)
    refusal = user.day.refusal(state.now_ms) if user.unified else None
    return refusal or user.requests.refusal(user.volume_1e8, state.now_ms, cancels=cancels)


def _charge(state: VenueState, user: User, signed: SignedAction) -> None:
    """Count an action against its budgets: one that is refused whole costs nothing (HL §5.2)."""
    cancels = isinstance(signed.action, Cancel | CancelByCloid)
    user.requests.take(leg_count(signed.action), user.volume_1e8, state.now_ms, cancels=cancels)
    if user.unified:
        user.day.take(state.now_ms)


def _perform(state: VenueState, user: User, action: Action) -> Reply:
    match action:
        case Order():
            return _orders(state, user, action)
        case Cancel() | CancelByCloid():
            return statuses("cancel", _cancels(state, user, action))
        case Modify() | BatchModify():
            return _modifies(state, user, action)
        case TwapOrder():
            return status("twapOrder", twap.start(state, user, action))
        case TwapCancel():
            return status("twapCancel", twap.cancel(state, user, action.a, action.t))
        case _:
            return _answer(_account_action(state, user, action))


def _answer(handled: str | Opened | None) -> Reply:
    if isinstance(handled, Opened):
        return {"status": "ok", "response": {"type": handled.kind, "data": handled.address}}
    return error(handled) if handled is not None else default()


def _account_action(state: VenueState, user: User, action: Action) -> str | Opened | None:
    handled: str | Opened | None = None
    match action:
        case Noop():
            handled = None
        case ScheduleCancel():
            handled = schedule_cancel(state, user, action.time)
        case UpdateLeverage():
            handled = isolated.set_leverage(state, user, action.asset, action.leverage, is_cross=action.is_cross)
        case UpdateIsolatedMargin():
            handled = isolated.update_margin(state, user, action.asset, action.ntli)
        case TopUpIsolatedOnlyMargin():
            handled = isolated.top_up(state, user, action.asset, action.leverage)
        case _:
            handled = administration.perform(state, user, action)
    return handled


def _orders(state: VenueState, user: User, action: Order) -> Reply:
    drafts = _drafts(state, action)
    entries: list[Any]
    if action.grouping == "normalTpsl":
        entries = list(grouping.place_children(state, user, drafts))
    elif action.grouping == "positionTpsl":
        entries = list(grouping.place_for_position(state, user, drafts))
    else:
        entries = [_place(state, user, draft, priority.rate_of(action)) for draft in drafts]
    return statuses("order", [entry.entry() if isinstance(entry, Refused) else entry for entry in entries])


def _place(state: VenueState, user: User, draft: Draft | Refused, rate: int) -> dict[str, Any] | Refused:
    if isinstance(draft, Refused):
        return placement.misread(state, user, draft)
    order = placement.new_order(state, user, draft)
    if draft.trigger is not None:
        return triggers.place_lone(state, user, order)
    entry = placement.place(state, user, order)
    if rate and not isinstance(entry, Refused):
        priority.charge(state, user, order, rate)
    return entry


def _modifies(state: VenueState, user: User, action: Modify | BatchModify) -> Reply:
    """Of one modify the reply does not even tell the new oid; a batch is answered like orders (HL §2.5)."""
    pairs = [(action.oid, action.order)] if isinstance(action, Modify) else [(m.oid, m.order) for m in action.modifies]
    entries = [modification.modify(state, user, oid, wire, always_place=action.a) for oid, wire in pairs]
    if isinstance(action, Modify):
        return error(entries[0]) if isinstance(entries[0], str) else default()
    return statuses("order", [{"error": entry} if isinstance(entry, str) else entry for entry in entries])


def _cancels(state: VenueState, user: User, action: Cancel | CancelByCloid) -> list[Any]:
    if isinstance(action, Cancel):
        return [_cancel(state, user, leg.a, leg.o, fast=action.f) for leg in action.cancels]
    return [_cancel(state, user, leg.asset, leg.cloid, fast=action.f) for leg in action.cancels]


def _cancel(state: VenueState, user: User, asset: int, oid: int | str, *, fast: bool) -> Any:
    order = user.find_open(oid)
    if order is None or order.instrument.asset != asset:
        return {"error": f"{MISSING} asset={asset}"}
    if fast and order.oid in user.triggers:
        return {"error": f"{wording.FAST_TRIGGER} asset={asset}"}
    clearing.remove(state, order, "canceled")
    relatives.settle(state)
    return "success"


def schedule_cancel(state: VenueState, user: User, at_ms: int | None) -> str | None:
    """Arm, move or disarm the dead man's switch (HL §2.6). The last two wordings are ours."""
    if at_ms is None:
        user.switch.at_ms = None
        return None
    traded = user.family_volume_1e8 / USD_1E8
    if traded < SCHEDULE_VOLUME_USD:
        return (
            f"Cannot set scheduled cancel time until enough volume traded. Required: ${SCHEDULE_VOLUME_USD}. "
            f"Traded: ${traded:.2f}."
        )
    if at_ms < state.now_ms + SCHEDULE_AHEAD_MS:
        return "Scheduled cancel time must be at least 5 seconds in the future."
    if user.switch.fired_today(state.now_ms) >= MAX_SCHEDULED_A_DAY:
        return "Too many scheduled cancels triggered today."
    user.switch.at_ms = at_ms
    return None
