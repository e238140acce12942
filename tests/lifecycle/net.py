"""The network between the real gateway and the real venue core: late, lost, doubled, out of order, cut.

Only the wire is played: bytes are those of the gateway, the venue reads them with its own code (but for the recovery of
the signer, which costs a hundred times the rest), and its replies and frames are read by our own parsers.
"""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import OutcomeUnknown
from portfolio_mm.hyperliquid.encode import NoopAction
from portfolio_mm.hyperliquid.exchange import Signed
from portfolio_mm.hyperliquid.signer import Signature
from portfolio_mm.hyperliquid.websocket import SocketState
from portfolio_mm.venue.protocol import actions as wire
from portfolio_mm.venue.protocol.reading import read_json
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.streams.subscriptions import Topic
from portfolio_mm.venue.venue import Venue
from tests.lifecycle.tales import Tales

POST_S: Final = 5.0
RENEWED_S: Final = 0.1
ENCODER: Final = msgspec.json.Encoder()
NO_ANSWER: Final = "no answer in time"
NO_SIGNATURE: Final[Signature] = {"r": "0x0", "s": "0x0", "v": 27}


@dataclass
class Weather:
    """Chances, each per message; all zero is a healed network."""

    slow: float = 0.0
    lost_request: float = 0.0
    lost_answer: float = 0.0
    doubled: float = 0.0
    refused: float = 0.0
    shortened: float = 0.0
    info_lost: float = 0.0
    very_late: float = 0.0


STORM: Final = Weather(0.25, 0.03, 0.05, 0.04, 0.02, 0.08, 0.05, 0.03)
CALM: Final = Weather()


@dataclass(eq=False)
class Flight:
    """An action that may still reach a block."""

    signed: SignedAction
    copies: int = 1


class Net:
    """One account's lines to one venue."""

    def __init__(self, venue: Venue, signer: str, chance: random.Random, seen: Counter[str]) -> None:
        self.venue, self.signer, self.chance, self.seen = venue, signer, chance, seen
        self.weather = CALM
        self.flights: list[Flight] = []
        self.nonces: Counter[int] = Counter()
        self.on_create: Callable[[int], None] = lambda _: None
        """Called with the `expiresAfter` of what may place an order."""
        self.socket: NetSocket | None = None
        self.check: Callable[[str], None] = lambda _: None
        """Called whenever something more may land."""
        self.tales = Tales(seen)
        self.log: deque[str] = deque(maxlen=4_000)
        """What passed over the wire, for whoever must understand a failure."""
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, what: str) -> None:
        self.log.append(f"{time.monotonic():.3f} {what}")

    def hits(self, share: float) -> bool:
        return share > 0.0 and self.chance.random() < share

    def delay_s(self) -> float:
        if self.hits(self.weather.very_late):
            return self.chance.uniform(1.0, 6.0)
        return self.chance.uniform(0.2, 1.2) if self.hits(self.weather.slow) else self.chance.uniform(0.001, 0.08)

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()

    # -- actions -------------------------------------------------------------------------------------------------

    def launch(self, signed: Signed) -> "asyncio.Future[Any]":
        """Put an action on its way; the future is the payload of its answer, or never comes."""
        envelope = signed.envelope
        body = ENCODER.encode(envelope.action)
        action: wire.Action = read_json(body, wire.Action)
        read = SignedAction(action, self.signer, envelope.nonce, None, envelope.expires_after)
        self.tales.sent(envelope.action)
        if not isinstance(envelope.action, NoopAction):
            self.nonces[envelope.nonce] += 1
        if envelope.expires_after is not None:
            self.on_create(envelope.expires_after)
        self.note(f"send {envelope.nonce} {body.decode()}")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.hits(self.weather.lost_request):
            self.seen["request lost"] += 1
            return answer
        flight = Flight(read)
        self.flights.append(flight)
        self.check("a request sent")
        if self.hits(self.weather.doubled):
            self.seen["request doubled"] += 1
            flight.copies += 1
            self.spawn(self._fly(flight, answer))
        self.spawn(self._fly(flight, answer))
        return answer

    async def _fly(self, flight: Flight, answer: "asyncio.Future[Any]") -> None:
        await asyncio.sleep(self.delay_s())
        reply = await self.venue._in_next_block(flight.signed)
        self.note(f"block {flight.signed.nonce} {reply}")
        word = str(reply.get("response"))
        self.seen["nonce outside the window"] += word.startswith("Invalid nonce: nonce too")
        flight.copies -= 1
        if flight.copies == 0:
            self.flights.remove(flight)
        await asyncio.sleep(self.delay_s())
        if self.hits(self.weather.lost_answer):
            self.seen["answer lost"] += 1
            return
        if not answer.done():
            answer.set_result(self._shortened(reply))
            self.note(f"answer {flight.signed.nonce}")

    def _shortened(self, reply: dict[str, Any]) -> dict[str, Any]:
        try:
            entries = reply["response"]["data"]["statuses"]
        except (KeyError, TypeError):
            return reply
        if len(entries) < 2 or not self.hits(self.weather.shortened):
            return reply
        self.seen["answer shortened"] += 1
        kept = {**reply["response"]["data"], "statuses": entries[: self.chance.randrange(1, len(entries))]}
        return {**reply, "response": {**reply["response"], "data": kept}}


class NetSocket:
    """What the gateway takes for its websocket."""

    def __init__(self, net: Net, subscriptions: list[dict[str, Any]]) -> None:
        self._net = net
        self._topics = [Topic(one["type"], user=one["user"]) for one in subscriptions]
        self._items: asyncio.Queue[tuple[int, bytes | SocketState] | None] = asyncio.Queue()
        self._session: Listening | None = None
        self._posts: set[asyncio.Future[Any]] = set()
        self._up = asyncio.Event()
        self.connects = self.refusals = 0
        self.last_refusal = self.last_failure = ""
        net.socket = self

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    def start(self) -> None:
        if self._session is None:
            self.connect()

    async def wait_connected(self, timeout_s: float) -> None:  # noqa: ARG002 - the same signature
        self.start()

    async def close(self) -> None:
        self.cut()
        self._items.put_nowait(None)

    def renew(self, reason: str) -> None:  # noqa: ARG002 - the same signature
        self.cut()
        asyncio.get_running_loop().call_later(RENEWED_S, self._connect_again)

    def _connect_again(self) -> None:
        if not self.connected:
            self.connect()

    def age_s(self, channel: str) -> float:  # noqa: ARG002 - all of them speak
        return 0.0

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes | SocketState]]:
        self.start()
        while (item := await self._items.get()) is not None:
            yield item

    def hear(self, item: bytes | SocketState) -> None:
        self._net.note(f"hear {item!r}")
        self._items.put_nowait((time.monotonic_ns(), item))

    def connect(self) -> None:
        """A new connection: its streams begin with what the venue sends at first, missed rows are not repeated."""
        self._session = Listening(self, self._net)
        hub = self._net.venue.hub
        hub.join(self._session)  # type: ignore[arg-type]
        self.connects += 1
        self._up.set()
        self.hear(SocketState.CONNECTED)
        for topic in self._topics:
            hub.subscribe(self._session, topic)  # type: ignore[arg-type]

    def cut(self) -> None:
        """The connection is lost, with what is on it."""
        session, self._session = self._session, None
        if session is None:
            return
        session.alive = False
        self._net.venue.hub.leave(session)  # type: ignore[arg-type]
        self._up.clear()
        for future in tuple(self._posts):
            if not future.done():
                future.set_exception(OutcomeUnknown("the connection was lost"))
        self.hear(SocketState.DISCONNECTED)

    async def post(self, answer: "asyncio.Future[Any]") -> Any:
        """Wait for an answer as long as the connection lives."""
        mine: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: None if mine.done() else mine.set_result(done.result()))
        self._posts.add(mine)
        try:
            return await asyncio.wait_for(mine, POST_S)
        except TimeoutError:
            raise OutcomeUnknown(NO_ANSWER) from None
        finally:
            self._posts.discard(mine)


class Listening:
    """A session of the venue's hub. Each channel keeps its own order; between channels there is none (HL §4.4)."""

    def __init__(self, socket: NetSocket, net: Net) -> None:
        self.address, self.topics, self.number, self.line = "127.0.0.1", set[Topic](), 0, None
        self.last_sent_s, self.frozen, self.posts_pending = 0.0, False, 0
        self.alive = True
        self._socket, self._net = socket, net
        self._free_s: dict[bytes, float] = {}

    def send(self, message: bytes | str) -> None:
        raw = message.encode() if isinstance(message, str) else message
        if raw.startswith(b'{"channel":"orderUpdates"') and self._net.hits(self._net.weather.slow):
            raw = self._shuffled(raw)
        channel, loop = raw[:24], asyncio.get_running_loop()
        at_s = max(self._free_s.get(channel, 0.0) + 1e-6, loop.time() + self._net.delay_s())
        self._free_s[channel] = at_s
        loop.call_at(at_s, self._arrive, raw)

    def _shuffled(self, raw: bytes) -> bytes:
        """Orders of one frame come in any order (HL §2.5, §4.4); rows of one order keep theirs."""
        frame = msgspec.json.decode(raw)
        oids = list({row["order"]["oid"]: None for row in frame["data"]})
        self._net.chance.shuffle(oids)
        frame["data"] = sorted(frame["data"], key=lambda row: oids.index(row["order"]["oid"]))
        return ENCODER.encode(frame)

    def _arrive(self, raw: bytes) -> None:
        if self.alive:
            self._net.tales.heard(raw)
            self._socket.hear(raw)
