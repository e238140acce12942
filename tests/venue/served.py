"""A venue behind real sockets in its own thread, and the official SDK in front of it."""

import asyncio
import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import eth_account
import msgspec
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info

from portfolio_mm.venue.process import RunningVenue, running_venue
from portfolio_mm.venue.settings import VenueSettings

FAST = VenueSettings(block_ms=20, ip_limit=False, admin=True)
WAIT_S = 10.0


@contextlib.contextmanager
def served(settings: VenueSettings = FAST) -> Iterator[RunningVenue]:
    """Serve while the context is open."""
    started: queue.Queue[RunningVenue | BaseException] = queue.Queue()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with running_venue(settings) as running:
            started.put(running)
            await stop.wait()

    def run() -> None:
        # The test closes the loop once this thread has ended: it stays open for a call of stop until then.
        try:
            loop.run_until_complete(serve())
        except BaseException as error:  # noqa: BLE001 - handed to the test, which raises it
            started.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        running = started.get(timeout=60)
        if isinstance(running, BaseException):
            raise running
        yield running
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(WAIT_S)
        loop.close()  # raises where the venue has not stopped


class Client:
    """The official SDK as one user, signing with the trading agent unless told otherwise."""

    def __init__(self, running: RunningVenue, number: int = 0, *, key: str | None = None) -> None:
        account = running.accounts[number]
        self.address = account.address
        wallet = eth_account.Account.from_key(key or account.agent.key)
        self.exchange = Exchange(wallet, running.url, account_address=account.address, timeout=WAIT_S)
        self.info = self.exchange.info

    def statuses(self, reply: Any) -> list[Any]:
        assert reply["status"] == "ok", reply
        return list(reply["response"]["data"]["statuses"])

    def buy(self, coin: str, sz: float, px: float, kind: Any, *, reduce_only: bool = False) -> Any:
        return self.exchange.order(coin, is_buy=True, sz=sz, limit_px=px, order_type=kind, reduce_only=reduce_only)

    def touch(self, coin: str) -> tuple[float, float]:
        levels = self.info.l2_snapshot(coin)["levels"]
        return float(levels[0][0]["px"]), float(levels[1][0]["px"])

    def close(self) -> None:
        self.exchange.session.close()
        self.info.session.close()


@contextlib.contextmanager
def client(running: RunningVenue, number: int = 0, *, key: str | None = None) -> Iterator[Client]:
    made = Client(running, number, key=key)
    try:
        yield made
    finally:
        made.close()


class Listener:
    """The SDK's websocket manager; `wait` takes frames until one is right."""

    def __init__(self, url: str) -> None:
        self._info = Info(url, timeout=WAIT_S)
        self._frames: queue.Queue[Any] = queue.Queue()
        self.seen: list[Any] = []

    def subscribe(self, **subscription: Any) -> None:
        self._info.subscribe(subscription, self._frames.put)  # type: ignore[arg-type,unused-ignore]

    def wait(self, right: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + WAIT_S
        while True:
            frame = self._frames.get(timeout=max(0.01, deadline - time.monotonic()))
            self.seen.append(frame)
            if right(frame):
                return frame

    def close(self) -> None:
        manager = self._info.ws_manager
        assert manager is not None
        # Closing a socket does not wake the SDK's reader out of its select; the answer to a ping does.
        manager.ws.keep_running = False
        manager.ws.send(json.dumps({"method": "ping"}))
        manager.join(WAIT_S)
        self._info.disconnect_websocket()
        self._info.session.close()


@contextlib.contextmanager
def listener(running: RunningVenue) -> Iterator[Listener]:
    made = Listener(running.url)
    try:
        yield made
    finally:
        made.close()


def with_settings(**changes: Any) -> VenueSettings:
    return msgspec.structs.replace(FAST, **changes)
