"""What the channels of one user carry: rows of what happened, and states (HL §4.2-§4.4)."""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.dexes import dex_name
from portfolio_mm.venue.exchange import bands
from portfolio_mm.venue.info import views_account, views_balances
from portfolio_mm.venue.info.aggregation import aggregated
from portfolio_mm.venue.info.request import MAX_ROWS, user_of
from portfolio_mm.venue.listing import Dex
from portfolio_mm.venue.protocol.amounts import micro_text
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.streams.subscriptions import Topic

Rows = list[dict[str, Any]]
SNAPSHOT_FIELD: Final = {
    "userFills": "fills",
    "userFundings": "fundings",
    "userNonFundingLedgerUpdates": "nonFundingLedgerUpdates",
    "userHistoricalOrders": "orderHistory",
    "userTwapHistory": "history",
    "userTwapSliceFills": "twapSliceFills",
}
"""Channels that begin with a snapshot, and the field of their rows."""


def snapshot(state: VenueState, topic: Topic) -> dict[str, Any]:
    """The first frame of a channel of rows: what there is, newest first."""
    user = user_of(state, topic.user)
    match topic.kind:
        case "userFills":
            rows: Any = aggregated(user.fills) if topic.aggregate else user.fills
        case "userFundings":
            rows = [_funding(row) for row in user.fundings]
        case "userHistoricalOrders":
            rows = [order.status_row() for order in user.records.values()]
        case "userTwapHistory":
            rows = user.twap_history
        case "userTwapSliceFills":
            rows = user.twap_fills
        case _:
            rows = user.ledger
    shown = list(islice(reversed(rows), MAX_ROWS))
    return {"isSnapshot": True, "user": topic.user, SNAPSHOT_FIELD[topic.kind]: shown}


def _funding(row: dict[str, Any]) -> dict[str, Any]:
    return {"time": row["time"], **{field: value for field, value in row["delta"].items() if field != "type"}}


def events(state: VenueState, topic: Topic) -> list[Any]:
    """What a block had to tell on a channel that tells what happened: one value a frame."""
    user = state.by_address.get(topic.user)
    if user is None:
        return []
    if topic.kind == "userEvents":
        return _user_events(state, user.number)
    rows = _rows(state, topic, user)
    if not rows:
        return []
    return [rows if topic.kind == "orderUpdates" else {"user": topic.user, SNAPSHOT_FIELD[topic.kind]: rows}]


def _rows(state: VenueState, topic: Topic, user: User) -> Rows:
    out = state.outbox
    if topic.kind == "userHistoricalOrders":
        return [_status(user, row) for row in out.order_updates.get(user.number, [])]
    told = {
        "orderUpdates": out.order_updates,
        "userFills": out.fills,
        "userFundings": out.fundings,
        "userNonFundingLedgerUpdates": out.ledger,
        "userTwapHistory": out.twap_history,
        "userTwapSliceFills": out.twap_fills,
    }
    rows = told[topic.kind].get(user.number, [])
    return aggregated(rows) if topic.aggregate else rows


def _status(user: User, update: dict[str, Any]) -> dict[str, Any]:
    """The full row of an order whose status changed; an order the venue has forgotten shows what the update said."""
    order = user.records.get(update["order"]["oid"])
    return update if order is None else {**update, "order": order.full_row()}


def _user_events(state: VenueState, number: int) -> list[Any]:
    out = state.outbox
    fills = out.fills.get(number)
    told: list[Any] = [{"fills": fills}] if fills else []
    told += [{"funding": row} for row in out.fundings.get(number, ())]
    told += [{"liquidation": row} for row in out.liquidations.get(number, ())]
    if number in out.non_user_cancels:
        told.append({"nonUserCancel": out.non_user_cancels[number]})
    for field, rows_of in (("twapHistory", out.twap_history), ("twapSliceFills", out.twap_fills)):
        told += [{field: rows_of[number]}] if number in rows_of else []
    return told


def is_touched(state: VenueState, address: str) -> bool:
    """Whether the block did anything to a user."""
    user, out = state.by_address.get(address), state.outbox
    return user is not None and any(user.number in rows for rows in (out.order_updates, out.fills, out.ledger))


def asset_data(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`activeAssetData`."""
    return views_account.active_asset_data(state, user_of(state, topic.user), state.by_coin[topic.coin].coin)


def open_orders(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`openOrders`: with all their fields, as `frontendOpenOrders`."""
    orders = views_account.live(user_of(state, topic.user), state.listing.by_dex[topic.dex])
    return {"dex": topic.dex, "user": topic.user, "orders": [order.full_row() for order in reversed(orders)]}


def clearinghouse(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`clearinghouseState`."""
    shown = views_account.clearinghouse_state(state, user_of(state, topic.user), state.listing.by_dex[topic.dex])
    return {"dex": topic.dex, "user": topic.user, "clearinghouseState": shown}


def all_clearinghouses(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`allDexsClearinghouseState`."""
    shown = views_account.by_dex(state, user_of(state, topic.user))
    return {"user": topic.user, "clearinghouseStates": shown}


def twaps(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`twapStates`."""
    running = user_of(state, topic.user).twaps.items()
    rows = [[number, twap.state_row()] for number, twap in running if dex_name(twap.plan.instrument.coin) == topic.dex]
    return {"dex": topic.dex, "user": topic.user, "states": rows}


def spot(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`spotState`."""
    return {"user": topic.user, "spotState": views_balances.spot_state(state, user_of(state, topic.user))}


def web_data(state: VenueState, topic: Topic) -> dict[str, Any]:
    """`webData3`: the agent shown is the unnamed one of the venue's own page."""
    user = user_of(state, topic.user)
    page = next((agent for agent in user.agents.values() if agent.name is None), None)
    shown = {
        "agentAddress": page.address if page else None,
        "agentValidUntil": page.valid_until_ms if page else None,
        "serverTime": state.now_ms,
        "cumLedger": micro_text(user.deposited_1e8),
        "isVault": False,
        "user": topic.user,
    }
    if user.mode != "default":
        shown["abstraction"] = user.mode
    return {"userState": shown, "perpDexStates": [_dex_state(state, dex) for dex in state.listing.dexes]}


def _dex_state(state: VenueState, dex: Dex) -> dict[str, Any]:
    """A dex in `webData3`; without coins at their cap it does not list them."""
    capped = bands.capped_coins(state, dex)
    return {"totalVaultEquity": "0.0", **({"perpsAtOpenInterestCap": capped} if capped else {})}


STATES: Final[dict[str, Callable[[VenueState, Topic], dict[str, Any]]]] = {
    "activeAssetData": asset_data,
    "openOrders": open_orders,
    "clearinghouseState": clearinghouse,
    "allDexsClearinghouseState": all_clearinghouses,
    "twapStates": twaps,
    "spotState": spot,
    "webData3": web_data,
}
"""Channels that show the whole state in every frame."""
