"""A venue to throw inputs at: the real server's handlers and the real chain, without sockets and without waiting."""

import asyncio
import json
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.protocol.actions import Action, UsdClassTransfer, UserSetAbstraction
from portfolio_mm.venue.protocol.signatures import Envelope, SignedAction
from portfolio_mm.venue.server import VenueServer
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.streams.conversation import UNREADABLE, hear
from portfolio_mm.venue.streams.session import Session
from portfolio_mm.venue.venue import Venue
from tests.venue.still_flow import StillFlow

HOUR_MS: Final = 3_600_000
RICH: Final = VenueSettings(ip_limit=False, requests_base=10**9, day_actions=10**9, prior_volume_usd=2e6)
ENVELOPE: Final = msgspec.json.Decoder(Envelope)
ACTION: Final[msgspec.json.Decoder[Action]] = msgspec.json.Decoder(Action)
LOOK_BLOCKS: Final = 4
"""Books move in blocks only; a crossed one stays crossed, and looking takes as long as the block."""
SPOKEN: Final = frozenset({"subscriptionResponse", "post", "error", "pong", "user"})
"""Channels that answer; every other frame belongs to the topic it names."""


class Door:
    """A venue with two users, whose money is counted after every input.

    Orders, users and TWAPs pile up and every block walks over all of them, so a new venue opens after `life` blocks.
    """

    def __init__(self, life: int) -> None:
        self._life = life
        self.loop = asyncio.new_event_loop()
        self._request = make_mocked_request("POST", "/")
        self._greeting = make_mocked_request("GET", "/ws")
        self._open()

    def _open(self) -> None:
        self.venue: Venue = self._driven(self._made())
        self._routes = {
            route.resource.canonical: route.handler for route in self._server.app.router.routes() if route.resource
        }
        self._session = Session(web.WebSocketResponse(), self._greeting)
        self.venue.hub.join(self._session)
        accounts = self.venue.accounts
        self._signers = (accounts[0].agent.address, accounts[0].address, accounts[1].agent.address, accounts[1].address)
        self._blocks, self._looked = 0, 0
        self._share()
        self._hour, self._most_1e8 = self._now_hour(), self._money_1e8()

    def _share(self) -> None:
        """Half of the money leaves the perps, so that what needs some on either side can be done."""
        self.stand()
        now = self.venue.state.now_ms + 1
        move = UsdClassTransfer("0x1", "Testnet", "5000", to_perp=False, nonce=now)
        replies = self._block([SignedAction(move, one.address, now, None, None) for one in self.venue.accounts])
        assert all(reply["status"] == "ok" for reply in replies), replies

    async def _made(self) -> Venue:
        venue = Venue(RICH, StillFlow())
        self._server = VenueServer(venue)
        return venue

    def close(self) -> None:
        self.loop.close()

    def renew(self) -> bool:
        """Open a new venue when this one is old; whether it was."""
        old = self._ran() >= self._life
        if old:
            self._open()
        return old

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """What the server answers to a body, and that it is one of the answers it may give."""
        self._request._read_bytes = body  # making a request takes longer than answering it
        response: web.Response = self._driven(self._routes[path](self._request))
        status, text = response.status, response.body
        assert isinstance(text, bytes)
        assert (status, text) in {(422, UNREADABLE.encode()), (500, b"null")} or status == 200, (status, text)
        assert status != 500 or path == "/info"
        json.loads(text) if status == 200 else None
        self._check()
        return status, text

    def _driven(self, handled: Any) -> Any:
        """Run a handler to its end, with the blocks it waits for; a loop turns only for those, it takes longest."""
        while True:
            asyncio._set_running_loop(self.loop)
            try:
                waited = handled.send(None)
            except StopIteration as done:
                return done.value
            finally:
                asyncio._set_running_loop(None)
            assert isinstance(waited, asyncio.Future)
            waited._asyncio_future_blocking = False  # as a task does that takes it over
            self.loop.run_until_complete(self._stepped(waited))

    async def _stepped(self, waited: asyncio.Future[Any]) -> None:
        while not waited.done():
            self.venue.step()
            await asyncio.sleep(0)

    def act(self, *bodies: bytes) -> list[dict[str, Any]]:
        """Run the actions of bodies in one block as if known users had signed them; those that are none are left out.

        The decoders are kept: `read_json` makes one at each call, and `post` goes through it anyway.
        """
        signed = [one for one in map(self._signed, bodies) if one is not None]
        if not signed:
            return []
        replies = self._block(signed)
        for reply in replies:
            assert set(reply) == {"status", "response"}
            assert reply["status"] in {"ok", "err"}
            json.dumps(reply)
        self._check()
        return replies

    def _signed(self, body: bytes) -> SignedAction | None:
        try:
            envelope = ENVELOPE.decode(body)
            action: Action = ACTION.decode(envelope.action)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        signer = self._signers[envelope.nonce % len(self._signers)]
        nonce = self.venue.state.now_ms + envelope.nonce % 1_000
        return SignedAction(action, signer, nonce, envelope.vault_address, envelope.expires_after)

    def stand(self) -> None:
        """Bring every account back to the standard mode: most moves of money are disabled in the others."""
        now = self.venue.state.now_ms + 1
        unified = [user.address for user in self.venue.state.users.values() if user.unified]
        actions = [UserSetAbstraction("0x1", "Testnet", address, "disabled", now) for address in unified]
        signed = [SignedAction(action, action.user, now, None, None) for action in actions]
        if signed:
            self._block(signed)

    def _block(self, signed: list[SignedAction]) -> list[dict[str, Any]]:
        self._blocks += 1
        return chain.run_block(self.venue.state, self.venue.state.now_ms + 1, signed)

    def say(self, text: str) -> list[Any]:
        """Frames that answer one frame of a websocket client: at least one, whatever it was."""
        self._drain()
        self._driven(hear(self.venue, self._session, text))
        frames = [json.loads(frame) for frame in self._drain()]
        assert [frame for frame in frames if frame["channel"] in SPOKEN], frames
        self._check()
        return frames

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

    def _ran(self) -> int:
        return self._blocks + self.venue.blocks

    def _check(self) -> None:
        """Nobody here can win: prices stand still and the background only waits, so money may leave, but never come."""
        money = self._money_1e8()
        if self._now_hour() == self._hour:
            assert money <= self._most_1e8, money - self._most_1e8
        self._hour, self._most_1e8 = self._now_hour(), money
        if self._ran() - self._looked < LOOK_BLOCKS:
            return
        self._looked = self._ran()
        for book in self.venue.state.books:
            bid, ask = book.market.bbo()
            assert bid is None or ask is None or bid.px_ticks < ask.px_ticks
