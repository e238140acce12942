"""A peer's connection to the hub that never gives up: finds it, joins, hands on frames, joins again."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from portfolio_mm.actors.messages import Hello, Message, Role, Welcome
from portfolio_mm.actors.topology import GATEWAY, Directory
from portfolio_mm.actors.transport import Frame, FrameKind, Peer, Tls, join
from portfolio_mm.domain.errors import ProtocolError

LOG: Final = logging.getLogger(__name__)
BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)


class Lost:
    """Marker among the frames: the hub is gone, nothing it said is current."""


LOST: Final = Lost()
HubFrame = Frame | Lost


class HubLink:
    """Speaks for one peer. The token is read from its file at every attempt and never kept."""

    def __init__(
        self,
        directory: Directory,
        token_file: Path,
        *,
        role: Role,
        name: str,
        epoch: int = 0,
        tls: Tls | None = None,
        since_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._directory = directory
        self._token_file = token_file
        self._role: Role = role
        self._name = name
        self._tls = tls
        self._since_ms = since_ms
        self._peer: Peer | None = None
        self._obstacle = ""
        self.epoch = epoch
        """Own epoch as said in the greeting (risk and portfolio have one, the rest 0)."""
        self.welcome: Welcome | None = None
        self.joins = 0
        self.dropped = 0

    @property
    def connected(self) -> bool:
        """Whether something sent now can arrive."""
        return self._peer is not None and not self._peer.closed

    async def frames(self) -> AsyncGenerator[HubFrame]:
        """`Welcome` first, then what the hub says; `LOST` when it is gone, then the next `Welcome`; for ever."""
        attempt = 0
        while True:
            peer = await self._join()
            if peer is None:
                await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                attempt += 1
                continue
            attempt = 0
            try:
                assert self.welcome is not None
                yield self.welcome
                async for frame in peer:
                    yield frame
            except ProtocolError as error:
                LOG.warning("%s: the hub broke the protocol: %s", self._name, error)
            finally:
                self._peer = None
                peer.abort()
            yield LOST

    async def _join(self) -> Peer | None:
        try:
            address = await self._directory.find(GATEWAY)
            token = self._token_file.read_text().strip()
            hello = Hello(
                role=self._role,
                name=self._name,
                token=token,
                pid=os.getpid(),
                epoch=self.epoch,
                since_ms=self._since_ms(),
            )
            peer, self.welcome = await join(address.url, hello, self._tls)
        except (ProtocolError, OSError) as error:
            if str(error) != self._obstacle:
                self._obstacle = str(error)
                LOG.info("%s cannot join the hub yet: %s", self._name, error)
            return None
        self._obstacle = ""
        self._peer = peer
        self.joins += 1
        return peer

    def send(self, message: Message) -> bool:
        """Say something; False when the hub is gone or slow."""
        sent = self._peer is not None and self._peer.send_message(message)
        self.dropped += not sent
        return sent

    def send_records(self, kind: FrameKind, rows: "np.ndarray[Any, np.dtype[Any]]") -> bool:
        """Send flat records; False when the hub is gone or slow."""
        sent = self._peer is not None and self._peer.send_records(kind, rows)
        self.dropped += not sent
        return sent

    async def close(self) -> None:
        """Hang up after what was said has left."""
        if self._peer is not None:
            await self._peer.close()
