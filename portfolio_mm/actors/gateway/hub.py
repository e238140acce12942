"""The hub: who is connected in which role, and the sequenced stream of events each coin gets.

One connection per name: a new one supersedes the old. A coin that reads too slowly misses events; it is then marked
and gets a full snapshot as soon as it has caught up. Views and heartbeats are simply not repeated.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from portfolio_mm.actors.framing import message_bytes
from portfolio_mm.actors.gateway.notices import Rows
from portfolio_mm.actors.messages import Hello, Message, Role, Welcome
from portfolio_mm.actors.transport import FrameKind, Listener, Peer, Tls, expect_hello, serve
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.domain.events import EventKind

LOG: Final = logging.getLogger(__name__)
CAUGHT_UP_BYTES: Final = 64 << 10
SEQUENCED: Final = frozenset(map(int, (EventKind.ORDER, EventKind.FILL, EventKind.POSITION, EventKind.SYNC)))
NO_COIN: Final = -1
NOTHING_MISSED: Final = 1 << 62


@dataclass(slots=True, eq=False)
class Link:
    """One welcomed connection. `coin` is the coin's index, -1 for every other role.

    What a coin missed of its fills and fundings is younger than `missed_ms`.
    """

    peer: Peer
    hello: Hello
    epoch: int
    coin: int = NO_COIN
    seq: int = 0
    lagging: bool = False
    synced: bool = False
    heard_ns: int = 0
    missed_ms: int = NOTHING_MISSED

    def miss(self, rows: Rows) -> None:
        """Rows that could not be sent: the next snapshot must begin with them."""
        booked = (rows["kind"] == EventKind.FILL) | (rows["kind"] == EventKind.FUNDING)
        times = rows["venue_ms"][booked & (rows["coin"] == self.coin)]
        self.missed_ms = min(self.missed_ms, *(int(at_ms) - 1 for at_ms in times), NOTHING_MISSED)
        self.lagging = True

    @property
    def name(self) -> str:
        """Name the peer gave."""
        return self.hello.name


class Owner(Protocol):
    """What the hub asks of the gateway."""

    async def admit(self, hello: Hello) -> tuple[Welcome, int]:
        """Epochs for a newcomer and its coin index; ProtocolError refuses it."""
        ...

    async def joined(self, link: Link) -> None:
        """A peer was welcomed."""
        ...

    def left(self, link: Link) -> None:
        """Its connection is gone, or was superseded."""
        ...

    def heard(self, link: Link, message: Message) -> None:
        """It said something."""
        ...

    def commanded(self, link: Link, rows: Rows) -> None:
        """A coin sent commands."""
        ...


class Hub:
    """Connections of one run."""

    def __init__(self, owner: Owner, token: Callable[[], str]) -> None:
        self._owner = owner
        self._token = token
        self._links: dict[str, Link] = {}
        self._listener: Listener | None = None
        self._outpost: Listener | None = None

    async def start(self, address: str, tls: Tls | None) -> str:
        """Listen; gives the address peers use."""
        self._listener = await serve(address, self._serve, tls)
        return self._listener.address

    async def open_outpost(self, address: str, tls: Tls, token: Callable[[], str]) -> str:
        """Listen for watchdogs on other machines too, and for nobody else; gives the address."""

        async def admit(peer: Peer) -> None:
            hello = await expect_hello(peer, token())
            if hello.role != "watchdog":
                msg = f"{hello.name} ({hello.role}) came to the door of watchdogs"
                raise ProtocolError(msg)
            await self._keep(peer, hello)

        self._outpost = await serve(address, admit, tls)
        return self._outpost.address

    async def close(self) -> None:
        """Hang up on everybody."""
        for listener in (self._listener, self._outpost):
            if listener is not None:
                await listener.close()

    # -- who is there --------------------------------------------------------------------------------------------

    def coins(self) -> list[Link]:
        """Connected coins."""
        return [link for link in self._links.values() if link.coin != NO_COIN]

    def of(self, *roles: Role) -> list[Link]:
        """Connected peers of some roles."""
        return [link for link in self._links.values() if link.hello.role in roles]

    def links(self) -> Iterable[Link]:
        """Everybody."""
        return self._links.values()

    # -- saying --------------------------------------------------------------------------------------------------

    def say(self, message: Message, *roles: Role) -> None:
        """To all peers of some roles; put into bytes once."""
        links = self.of(*roles)
        if links:
            frame = message_bytes(message)
            for link in links:
                link.peer.send_frame(frame)

    def events(self, link: Link, rows: Rows) -> None:
        """To one coin, numbered; dropped and marked when it does not keep up."""
        if not len(rows) or not link.synced:
            return
        rows = rows.copy()
        numbered = [i for i, kind in enumerate(rows["kind"].tolist()) if kind in SEQUENCED]
        for i in numbered:
            link.seq += 1
            rows["seq"][i] = link.seq
        rows["recv_ns"] = time.monotonic_ns()
        if link.lagging or not link.peer.send_records(FrameKind.EVENTS, rows):
            link.miss(rows)

    def account_events(self, rows: Rows) -> None:
        """To all coins; ORDER events only to their own."""
        for link in self.coins():
            own = (rows["kind"] != EventKind.ORDER) | (rows["coin"] == link.coin)
            self.events(link, rows[own])

    def lagging(self) -> list[Link]:
        """Coins that missed events and have caught up with what was sent."""
        return [link for link in self.coins() if link.lagging and link.peer.buffered <= CAUGHT_UP_BYTES]

    # -- connections ---------------------------------------------------------------------------------------------

    async def _serve(self, peer: Peer) -> None:
        await self._keep(peer, await expect_hello(peer, self._token()))

    async def _keep(self, peer: Peer, hello: Hello) -> None:
        """Welcome a peer and listen to it until it goes."""
        welcome, coin = await self._owner.admit(hello)
        now_ns = time.monotonic_ns()
        link = Link(peer, hello, welcome.peer_epoch, coin, heard_ns=now_ns, missed_ms=hello.since_ms)
        self._supersede(link)
        peer.send_message(welcome)
        LOG.info("%s joined, epoch %d", link.name, link.epoch)
        try:
            await self._owner.joined(link)
            await self._listen(link)
        except ProtocolError as error:
            LOG.warning("%s broke the protocol: %s", link.name, error)
        finally:
            self._drop(link)
            peer.abort()

    def _supersede(self, link: Link) -> None:
        before = self._links.pop(link.name, None)
        if before is not None:
            self._owner.left(before)
            before.peer.abort()
        self._links[link.name] = link

    def _drop(self, link: Link) -> None:
        if self._links.get(link.name) is link:
            del self._links[link.name]
            self._owner.left(link)
            LOG.info("%s left", link.name)

    async def _listen(self, link: Link) -> None:
        async for frame in link.peer:
            if self._links.get(link.name) is not link:
                return
            link.heard_ns = time.monotonic_ns()
            if isinstance(frame, tuple):
                if frame.kind is not FrameKind.COMMANDS or link.coin == NO_COIN:
                    msg = f"{link.name} ({link.hello.role}) may not send {frame.kind.name}"
                    raise ProtocolError(msg)
                self._owner.commanded(link, frame.rows)
            else:
                self._owner.heard(link, frame)
