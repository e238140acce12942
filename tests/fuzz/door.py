"""A venue to throw inputs at: the real server's handlers and the real chain, without sockets and without waiting."""

import asyncio
import json
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.protocol.actions import Action, UserSetAbstraction
from portfolio_mm.venue.protocol.reading import Unreadable, read_json
from portfolio_mm.venue.protocol.signatures import Envelope, SignedAction
from portfolio_mm.venue.server import VenueServer
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.streams.conversation import UNREADABLE, hear
from portfolio_mm.venue.streams.session import Session
from portfolio_mm.venue.venue import Venue
from tests.venue.still_flow import StillFlow

HOUR_MS: Final = 3_600_000
RICH: Final = VenueSettings(ip_limit=False, requests_base=10**9, day_actions=10**9, prior_volume_usd=2e6)
SPOKEN: Final = frozenset({"subscriptionResponse", "post", "error", "pong", "user"})
"""Channels that answer; every other frame belongs to the topic it names."""


class Door:
    """One venue with two users, whose money is counted after every input."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.venue = self.loop.run_until_complete(self._open())
        self._routes = {
            route.resource.canonical: route.handler for route in self._server.app.router.routes() if route.resource
        }
        self._session = Session(web.WebSocketResponse(), make_mocked_request("GET", "/ws"))
        self.venue.hub.join(self._session)
        self._request = make_mocked_request("POST", "/")
        accounts = self.venue.accounts
        self._signers = (accounts[0].agent.address, accounts[0].address, accounts[1].agent.address, accounts[1].address)
        self._hour, self._most_1e8 = self._now_hour(), self._money_1e8()

    async def _open(self) -> Venue:
        venue = Venue(RICH, StillFlow())
        self._server = VenueServer(venue)
        return venue

    def close(self) -> None:
        self.loop.close()

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """What the server answers to a body, and that it is one of the answers it may give."""
        self._request._read_bytes = body  # making a request takes longer than answering it
        status, text = self.loop.run_until_complete(self._answered(self._routes[path](self._request)))
        assert (status, text) in {(422, UNREADABLE.encode()), (500, b"null")} or status == 200, (status, text)
        assert status != 500 or path == "/info"
        json.loads(text) if status == 200 else None
        self._check()
        return status, text

    async def _answered(self, handled: Any) -> tuple[int, bytes]:
        task = asyncio.ensure_future(handled)
        await asyncio.sleep(0)
        while not task.done():
            self.venue.step()
            await asyncio.sleep(0)
        response: web.Response = task.result()
        assert isinstance(response.body, bytes)
        return response.status, response.body

    def act(self, body: bytes) -> dict[str, Any] | None:
        """Run the action of a body as if a known user had signed it; None when it is no action."""
        try:
            envelope: Envelope = read_json(body, Envelope)
            action: Action = read_json(envelope.action, Action)
        except Unreadable:
            return None
        state = self.venue.state
        signer = self._signers[envelope.nonce % len(self._signers)]
        nonce = state.now_ms + envelope.nonce % 1_000
        signed = SignedAction(action, signer, nonce, envelope.vault_address, envelope.expires_after)
        (reply,) = chain.run_block(state, state.now_ms + 1, [signed])
        assert set(reply) == {"status", "response"}
        assert reply["status"] in {"ok", "err"}
        json.dumps(reply)
        self._check()
        return reply

    def stand(self) -> None:
        """Bring every account back to the standard mode: most moves of money are disabled in the others."""
        state = self.venue.state
        for user in state.users.values():
            if user.unified:
                now = state.now_ms + 1
                action = UserSetAbstraction("0x1", "Testnet", user.address, "disabled", now)
                chain.run_block(state, now, [SignedAction(action, user.address, now, None, None)])

    def say(self, text: str) -> list[Any]:
        """Frames that answer one frame of a websocket client: at least one, whatever it was."""
        self._drain()
        self.loop.run_until_complete(self._heard(text))
        frames = [json.loads(frame) for frame in self._drain()]
        assert [frame for frame in frames if frame["channel"] in SPOKEN], frames
        self._check()
        return frames

    async def _heard(self, text: str) -> None:
        task = asyncio.ensure_future(hear(self.venue, self._session, text))
        await asyncio.sleep(0)
        while not task.done():
            self.venue.step()
            await asyncio.sleep(0)
        task.result()

    def _drain(self) -> list[bytes]:
        waiting, frames = self._session._waiting, []
        while not waiting.empty():
            frames.append(waiting.get_nowait())
        return frames

    def _now_hour(self) -> int:
        return self.venue.state.now_ms // HOUR_MS

    def _money_1e8(self) -> int:
        state = self.venue.state
        return sum(margin.perps_value_1e8(user, state.marks) + user.spot_1e8 for user in state.users.values())

    def _check(self) -> None:
        """Nobody here can win: prices stand still and the background only waits, so money may leave, but never come."""
        money = self._money_1e8()
        if self._now_hour() == self._hour:
            assert money <= self._most_1e8, money - self._most_1e8
        self._hour, self._most_1e8 = self._now_hour(), money
        for book in self.venue.state.books:
            bid, ask = book.market.bbo()
            assert bid is None or ask is None or bid.px_ticks < ask.px_ticks
