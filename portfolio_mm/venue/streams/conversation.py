"""What a websocket client says and what it is answered (HL §4.1, §4.6)."""

import asyncio
import json
from http import HTTPStatus
from typing import Any, Final

import msgspec

from portfolio_mm.venue.faults.desk import Failed, Unanswered
from portfolio_mm.venue.info.request import BadRequest, NoAnswer
from portfolio_mm.venue.protocol.reading import Unreadable, read_json
from portfolio_mm.venue.streams.frames import frame
from portfolio_mm.venue.streams.hub import acknowledgement
from portfolio_mm.venue.streams.session import Session
from portfolio_mm.venue.streams.subscriptions import topic
from portfolio_mm.venue.venue import RateLimited, Venue

GREETING: Final = "Websocket connection established."
UNREADABLE: Final = "Failed to deserialize the JSON body into the target type"


class PostRequest(msgspec.Struct, frozen=True):
    """`request` of a post: `info` or `action`."""

    type: str
    payload: msgspec.Raw


class ClientFrame(msgspec.Struct, frozen=True):
    """Anything a client may send. Only a post needs its `id`: ccxt puts a text there when it unsubscribes."""

    method: str
    subscription: dict[str, str | int | float | bool | None] | None = None
    id: Any = None
    request: PostRequest | None = None


async def hear(venue: Venue, session: Session, text: str) -> None:
    """Answer one frame of a client."""
    if (refusal := venue.hub.limits.message(session.address)) is not None:
        session.send(frame("error", refusal))
        return
    try:
        said: ClientFrame = read_json(text, ClientFrame)
    except Unreadable:
        said = ClientFrame("")
    if said.method == "ping":
        session.send(msgspec.json.encode({"channel": "pong"}))
    elif said.method in ("subscribe", "unsubscribe") and said.subscription is not None:
        _subscription(venue, session, said)
    elif said.method == "post" and type(said.id) is int and said.request is not None:
        await _post(venue, session, said.id, said.request)
    else:
        session.send(frame("error", f"Error parsing JSON into valid websocket request: {text}"))


def _subscription(venue: Venue, session: Session, said: ClientFrame) -> None:
    wanted = topic(said.subscription, venue.hub.coins, venue.state.listing.by_dex)
    if wanted is not None and venue.settings.feed == "2026-05":
        wanted = wanted._replace(fast=False)  # not known before June 2026
    shown = json.dumps(said.subscription, separators=(",", ":"))
    if wanted is None:
        session.send(frame("error", f"Invalid subscription {shown}"))
    elif said.method == "unsubscribe":
        if wanted not in session.topics:
            session.send(frame("error", f"Already unsubscribed: {shown}"))
            return
        venue.hub.unsubscribe(session, wanted)
        session.send(acknowledgement("unsubscribe", wanted))
    elif wanted in session.topics:
        session.send(frame("error", f"Already subscribed: {shown}"))
    elif (refusal := venue.hub.limits.subscribe(venue.hub.of_address(session.address), wanted)) is not None:
        session.send(frame("error", refusal))
    else:
        venue.hub.subscribe(session, wanted)


async def _post(venue: Venue, session: Session, number: int, request: PostRequest) -> None:
    if (refusal := venue.hub.limits.post(venue.hub.of_address(session.address), number)) is not None:
        session.send(frame("error", refusal))
        return
    session.posts_pending += 1
    try:
        response = await _respond(venue, session, request)
    except Unanswered as silence:
        await asyncio.sleep(silence.hold_s)  # it counts as pending for as long as somebody may wait
        return
    finally:
        session.posts_pending -= 1
    session.send(frame("post", {"id": number, "response": response}))


async def _respond(venue: Venue, session: Session, request: PostRequest) -> dict[str, Any]:
    try:
        if request.type == "action":
            return {"type": "action", "payload": await venue.act(session.address, bytes(request.payload))}
        if request.type == "info":
            wanted = read_json(request.payload, dict[str, Any])
            reply = await venue.answer(session.address, wanted)
            return {"type": "info", "payload": {"type": wanted["type"], "data": reply}}
    except RateLimited:
        return _error(429)
    except Failed as error:
        return _error(error.status)
    except NoAnswer:
        return _error(500)
    except (Unreadable, BadRequest):
        pass
    return {"type": "error", "payload": f"422 Unprocessable Entity: {UNREADABLE}"}


def _error(status: int) -> dict[str, Any]:
    return {"type": "error", "payload": f"{status} {HTTPStatus(status).phrase}: null"}
