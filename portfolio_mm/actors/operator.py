"""A person's connection to a running gateway: look, ask, hang up. Works without Ray."""

import asyncio
import os
from types import TracebackType
from typing import Final, Literal, Self, TypeVar

from portfolio_mm.actors.messages import Answer, Ask, Hello, View
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.transport import UNIX, Peer, join
from portfolio_mm.domain.errors import ProtocolError, StateError

VIEW_S: Final = 5.0
DONE_S: Final = 40.0
"""A stop waits for the venue's word."""
FLATTEN_S: Final = 100.0
"""It may have to wait for the end of a post-only window."""

T = TypeVar("T", View, Answer)
Request = Literal["kill", "resume", "stop", "flatten", "books"]


class Operator:
    """An asynchronous context; each question opens from one connection."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._peer: Peer | None = None

    async def __aenter__(self) -> Self:
        """Join the hub.

        Raises:
            ProtocolError: nothing runs there, or it does not know us.
        """
        name = f"operator:{os.getpid()}"
        try:
            hello = Hello(role="operator", name=name, token=self._folder.token(), pid=os.getpid())
            self._peer, _ = await join(f"{UNIX}{self._folder.hub_socket}", hello)
        except (OSError, StateError) as error:
            msg = f"nothing answers in {self._folder.path}: {error}"
            raise ProtocolError(msg) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._peer is not None:
            self._peer.abort()

    async def view(self) -> View:
        """The account as it is now.

        Raises:
            ProtocolError: the gateway left or is silent.
        """
        assert self._peer is not None
        self._peer.send_message(Ask("view"))
        return await self._await(View, VIEW_S)

    async def ask(self, what: Request, reason: str = "") -> Answer:
        """Have something done and wait until it is.

        Raises:
            ProtocolError: the gateway left or is silent.
        """
        assert self._peer is not None
        self._peer.send_message(Ask(what, reason))
        return await self._await(Answer, FLATTEN_S if what == "flatten" else DONE_S)

    async def _await(self, kind: type[T], within_s: float) -> T:
        assert self._peer is not None
        try:
            async with asyncio.timeout(within_s):
                while True:
                    frame = await self._peer.receive()
                    if frame is None:
                        msg = "the gateway hung up"
                        raise ProtocolError(msg)
                    if isinstance(frame, kind):
                        return frame
        except TimeoutError:
            msg = f"the gateway said nothing for {within_s:.0f} s"
            raise ProtocolError(msg) from None
