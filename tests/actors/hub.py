"""A hub under the test's thumb: welcomes every peer, remembers what it said, says what the test tells it to."""

from pathlib import Path
from typing import TypeVar

from portfolio_mm.actors.messages import Hello, Message, Welcome
from portfolio_mm.actors.topology import GATEWAY, Address, FolderDirectory
from portfolio_mm.actors.transport import Frame, Listener, Peer, expect_hello, serve

T = TypeVar("T")
TOKEN = "the token of the run"


class Hub:
    """Stands where the gateway stands."""

    def __init__(self, sockets: Path) -> None:
        self.sockets = sockets
        self.token_file = sockets / "token"
        self.token_file.write_text(TOKEN)
        self.directory = FolderDirectory(sockets)
        self.peers: dict[str, Peer] = {}
        self.hellos: list[Hello] = []
        self.heard: list[tuple[str, Frame]] = []
        self._listener: Listener | None = None

    async def start(self) -> None:
        path = self.sockets / "hub.sock"
        path.unlink(missing_ok=True)
        self._listener = await serve(str(path), self._one)
        self.directory.announce(GATEWAY, Address(self._listener.address, 0))

    async def _one(self, peer: Peer) -> None:
        hello = await expect_hello(peer, TOKEN)
        self.hellos.append(hello)
        self.peers[hello.name] = peer
        peer.send_message(Welcome(gateway_epoch=1, peer_epoch=len(self.hellos), run=7, account="0xabc"))
        try:
            async for frame in peer:
                self.heard.append((hello.name, frame))
        finally:
            if self.peers.get(hello.name) is peer:
                self.peers.pop(hello.name)

    def say(self, name: str, message: Message) -> None:
        assert self.peers[name].send_message(message)

    def last(self, name: str, kind: type[T]) -> T | None:
        found = [frame for who, frame in self.heard if who == name and isinstance(frame, kind)]
        return found[-1] if found else None

    async def stop(self) -> None:
        if self._listener is not None:
            await self._listener.close()
            self._listener = None
