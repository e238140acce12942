"""A door for tests, shut unless the venue is started with `--admin`: faults, events, money, a look inside."""

from typing import Any, Literal

import msgspec

from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.faults.events import EventKind
from portfolio_mm.venue.faults.kinds import FaultKind
from portfolio_mm.venue.protocol.amounts import usd_text
from portfolio_mm.venue.protocol.reading import Unreadable, read_json
from portfolio_mm.venue.scenario.convert import Conversion
from portfolio_mm.venue.venue import Venue

Op = Literal[
    "state",
    "fault",
    "clear_faults",
    "event",
    "drop_connections",
    "pause_channel",
    "resume_channel",
    "deposit",
    "hold_ledger",
    "show_ledger",
]


class AdminRequest(msgspec.Struct, frozen=True):
    """What to do.

    Attributes:
        op: `state` looks inside; `fault` arms one, `event` lets one happen, `clear_faults` ends all of both;
            `drop_connections` cuts every websocket; `pause_channel` and `resume_channel` silence a subscription type;
            `deposit` pays in; with `hold_ledger`, until `show_ledger`, rows of money stay unseen.
        fault: of `fault`, as in a scenario file; its times count from now.
        event: of `event`, as in a scenario file; its times count from now.
        channel: of `pause_channel` and `resume_channel`, a subscription type.
        user: of `deposit`, an address.
        usd: of `deposit`.
    """

    op: Op
    fault: FaultKind | None = None
    event: EventKind | None = None
    channel: str = ""
    user: str = ""
    usd: float = 0.0

    def complaints(self) -> list[tuple[str, str]]:
        """What one field cannot say."""
        given = {"fault": self.fault, "event": self.event}
        return [(self.op, "is missing")] if self.op in given and given[self.op] is None else []


def answer(venue: Venue, body: bytes) -> tuple[dict[str, Any], int]:
    """Reply and HTTP status to one request; 400 says what is wrong with it."""
    try:
        asked = read_json(body)
    except Unreadable as error:
        return {"error": [f"not JSON: {error}"]}, 400
    reading = Conversion()
    request = reading.struct(AdminRequest, asked)
    if reading.faults:
        return {"error": [f"{'.'.join(map(str, place)) or 'request'} {text}" for place, text in reading.faults]}, 400
    return perform(venue, request), 200


def perform(venue: Venue, request: AdminRequest) -> dict[str, Any]:
    """Do it; the reply says what there is now."""
    desk, hub, state = venue.trouble.desk, venue.hub, venue.state
    if request.fault is not None:
        desk.arm(request.fault)
        return {"inForce": desk.in_force()}
    if request.event is not None:
        venue.trouble.schedule.add(request.event, desk.now_ms)
        return {"scheduled": len(venue.trouble.schedule)}
    reply: dict[str, Any]
    match request.op:
        case "clear_faults":
            reply = {"cleared": desk.clear() + venue.trouble.schedule.clear()}
        case "drop_connections":
            reply = {"dropped": hub.drop_all()}
        case "pause_channel" | "resume_channel":
            (hub.paused.add if request.op == "pause_channel" else hub.paused.discard)(request.channel)
            reply = {"paused": sorted(hub.paused)}
        case "deposit":
            user = state.by_address.get(request.user.lower())
            if user is not None:
                state.incoming.append((user, round(request.usd * USD_1E8)))
            reply = {"incoming": len(state.incoming)}
        case "hold_ledger" | "show_ledger":
            state.hold_ledger = request.op == "hold_ledger"
            reply = {"held": state.hold_ledger}
        case _:
            reply = dump(venue)
    return reply


def dump(venue: Venue) -> dict[str, Any]:
    """Blocks, connections, which coins are dark and whether the market has ended for good, what happens.

    Of every user: exact equity, cash in dexes, open orders, position in lots, budgets.
    """
    state = venue.state
    return {
        "time": state.now_ms,
        "blocks": venue.blocks,
        "connections": len(venue.hub.sessions),
        "marketOver": venue.market_over,
        "throttled": venue.throttled,
        "dark": [book.coin.coin for book in state.books if book.dark],
        "faults": venue.trouble.desk.in_force(),
        "happened": list(venue.trouble.happened),
        "users": [
            {
                "address": user.address,
                "mode": user.mode,
                "equity": usd_text(margin.equity_1e8(user, state.marks)),
                "dexes": {state.listing.dexes[n].name: usd_text(held) for n, held in user.dexes_1e8.items()},
                "openOrders": [order.open_row() for order in user.live()],
                "positions": {coin.coin: user.szi(coin.index) for coin in state.coins if user.szi(coin.index)},
                "fills": len(user.fills),
                "requestsUsed": user.requests.used,
                "actionsToday": user.day.used,
            }
            for user in state.users.values()
        ],
    }
