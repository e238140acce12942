"""A coin's own connection to the relay's reference streams, and what of them its engine may hear."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import numpy.typing as npt

from portfolio_mm.actors.reference_relay import ROUTE
from portfolio_mm.actors.topology import RELAY, Directory
from portfolio_mm.actors.view_rows import ReferenceView
from portfolio_mm.domain.errors import MalformedMessage, ProtocolError
from portfolio_mm.domain.events import EventKind
from portfolio_mm.reference.client import Line, ReferenceSocket, address, streams_of
from portfolio_mm.reference.events import ReferenceBook
from portfolio_mm.reference.parse import parse
from portfolio_mm.reference.ratio import HIGH, LOW, RatioCheck, ReferenceState
from portfolio_mm.reference.symbols import Symbol

LOG: Final = logging.getLogger(__name__)
BACKOFF_S: Final = (0.1, 0.2, 0.4, 0.8, 1.0)
NEVER_S: Final = 1e9


class ReferenceFeed:
    """One coin's reference, or the reason why it has none.

    Args:
        directory: finds the relay.
        symbol: the coin's symbol there; None: it has none.
        coin: index of the coin.
        own_mid: the coin's own mid now, 0 while it is not known.
        off: in words, why there is no reference at all; empty when there is.
    """

    def __init__(
        self, directory: Directory, symbol: Symbol | None, coin: int, own_mid: Callable[[], float], off: str
    ) -> None:
        self._directory = directory
        self._symbol = symbol
        self._own_mid = own_mid
        self._off = off
        self._book = ReferenceBook(symbol or Symbol("none"), coin)
        self._check = RatioCheck()
        self._up = False
        self._let_ns = 0
        self.malformed = 0

    async def events(self) -> AsyncGenerator[npt.NDArray[Any]]:
        """One event at a time that the engine may hear, for ever; the array is used again."""
        if self._off or self._symbol is None:
            await asyncio.Event().wait()
        attempt = 0
        while True:
            url = await self._url()
            if url:
                async with contextlib.aclosing(ReferenceSocket(url).once()) as frames:
                    async for recv_ns, item in frames:
                        self._up = item is not Line.DOWN
                        attempt = 0
                        if isinstance(item, Line):
                            self._book.forget()
                        elif (rows := self._hear(recv_ns, item)) is not None:
                            yield rows
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            attempt += 1

    async def _url(self) -> str:
        assert self._symbol is not None
        try:
            relay = urlsplit((await self._directory.find(RELAY)).url)
        except ProtocolError as error:
            LOG.info("no reference feed: %s", error)
            return ""
        names = [name for names in streams_of([self._symbol]).values() for name in names]
        return address(f"{relay.scheme}://{relay.netloc}", ROUTE, names)

    def _hear(self, recv_ns: int, frame: bytes) -> npt.NDArray[Any] | None:
        """The event of one frame, if its prices are those of our coin."""
        try:
            said = parse(frame)
        except MalformedMessage as error:
            self.malformed += 1
            if self.malformed == 1:
                LOG.warning("reference message not understood, counted from now on: %s", error)
            return None
        rows = None if said is None else self._book.hear(said, recv_ns)
        if rows is None or not self._check.passes(self._book.mid, self._own_mid(), recv_ns):
            return None
        if rows["kind"][0] == EventKind.REFERENCE:
            self._let_ns = recv_ns
        return rows

    def view(self) -> ReferenceView:
        """Where it stands, for people."""
        now_ns = time.monotonic_ns()
        state, text = self._state(now_ns)
        age_s = (now_ns - self._let_ns) / 1e9 if self._let_ns else NEVER_S
        name = "" if self._symbol is None else self._symbol.name
        return ReferenceView(name, str(state), age_s, self._check.ratio, text)

    def _state(self, now_ns: int) -> tuple[ReferenceState, str]:
        if self._off:
            return ReferenceState.OFF, self._off
        if self._symbol is None:
            return ReferenceState.UNMAPPED, "no symbol there; reference.symbols can name one"
        if not self._up:
            return ReferenceState.DOWN, "the reference venue's stream is down"
        state = self._check.state(now_ns)
        if state is ReferenceState.WAITING:
            return state, f"nothing of {self._symbol.name} has come; it may not be listed there"
        if state is ReferenceState.WRONG:
            away = f"{self._symbol.name} trades at {self._check.ratio:.4g} times our price"
            return state, f"{away} (allowed {LOW:g} to {HIGH:g}); correct reference.symbols"
        return state, ""
