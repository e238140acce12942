"""Requests over the websocket that await their answer by id (HL §4.6)."""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from portfolio_mm.domain.errors import OutcomeUnknown, VenueRefused, VenueUnreachable
from portfolio_mm.hyperliquid.limits import MAX_POSTS_IN_FLIGHT, MESSAGES_PER_MINUTE
from portfolio_mm.hyperliquid.socket_limits import SocketBudget


class _Response(msgspec.Struct):
    type: str
    payload: Any = None


class _Data(msgspec.Struct):
    id: int
    response: _Response


class _Frame(msgspec.Struct):
    data: _Data


_FRAME: Final = msgspec.json.Decoder(_Frame)
_ENCODER: Final = msgspec.json.Encoder()


class Posts:
    """Pending requests of one socket; ids are never used twice."""

    def __init__(self, budget: SocketBudget) -> None:
        self._budget = budget
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[_Response]] = {}

    async def exchange(
        self,
        connection: ClientConnection,
        request: Mapping[str, Any],
        timeout_s: float,
        written: Callable[[], None] | None = None,
        *,
        cancel: bool = False,
    ) -> Any:
        """Send and wait; see `VenueSocket.post` for `written`, `cancel` and what it raises."""
        self._admit(connection, cancel=cancel)
        number = next(self._ids)
        body = _ENCODER.encode({"method": "post", "id": number, "request": request})
        future: asyncio.Future[_Response] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        self._budget.posts += 1
        try:
            await connection.send(body, text=True)
            if written is not None:
                written()
            async with asyncio.timeout(timeout_s):
                response = await future
        except TimeoutError:
            msg = f"post {number}: no answer within {timeout_s} s"
            raise OutcomeUnknown(msg) from None
        except ConnectionClosed as error:
            msg = f"post {number}: connection lost while sending ({error})"
            raise OutcomeUnknown(msg) from error
        finally:
            self._pending.pop(number, None)
            self._budget.posts -= 1
        if response.type == "error":
            raise _refusal(number, str(response.payload))
        return response.payload

    def answer(self, raw: bytes) -> None:
        """Give an answer to whoever waits for it; late and unreadable ones are dropped (the waiter times out)."""
        try:
            data = _FRAME.decode(raw).data
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        future = self._pending.get(data.id)
        if future is not None and not future.done():
            future.set_result(data.response)

    def refuse(self, text: str) -> None:
        """A frame of channel `error` that names a pending id (`too many pending post requests id=N`) ends that post."""
        head, _, tail = text.partition("too many pending post requests id=")
        digits = "".join(itertools.takewhile(str.isdigit, tail))
        if head and digits:
            future = self._pending.get(int(digits))
            if future is not None and not future.done():
                future.set_result(_Response("error", f"too many pending post requests id={digits}"))

    def lose(self, reason: str) -> None:
        """The connection is gone: no pending outcome will ever be known here."""
        for number, future in self._pending.items():
            if not future.done():
                future.set_exception(OutcomeUnknown(f"post {number}: {reason}"))

    def _admit(self, connection: ClientConnection, *, cancel: bool) -> None:
        """Refuse before sending what the venue would punish."""
        now_s, budget = time.monotonic(), self._budget
        wait_s = budget.post_wait_s(now_s, cancel=cancel)
        if wait_s > 0.0:
            msg = (
                f"{budget.posts} posts await answers and {budget.messages(now_s)} messages were sent this minute; the "
                f"venue allows {MAX_POSTS_IN_FLIGHT} and {MESSAGES_PER_MINUTE}, some of them are kept for cancels; "
                f"room again in {wait_s:.2f} s"
            )
            raise VenueUnreachable(msg)
        if connection.state is not State.OPEN:
            msg = "the connection is closing; nothing was sent"
            raise VenueUnreachable(msg)
        budget.sent(now_s)


def _refusal(number: int, text: str) -> VenueRefused | OutcomeUnknown:
    """A 4xx or a full queue means nothing happened; any other failure may have come after the deed."""
    msg = f"post {number}: {text}"
    if text.startswith(("4", "too many pending")):
        return VenueRefused(msg)
    return OutcomeUnknown(msg)
