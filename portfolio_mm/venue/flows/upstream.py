"""The wire of a live flow: public subscriptions on one socket, and what REST alone tells.

Nothing here can trade: the only HTTP path is `/info`, and a socket is told `subscribe` and `ping`. Orders are matched
by the local venue.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.venue.flows.feed import BOOKS, FRAMES, META_AND_CONTEXTS, FeedFigures, FeedListed
from portfolio_mm.venue.flows.live import LiveCoin, LiveFlow, PaperMarket, UpstreamTime
from portfolio_mm.venue.flows.neighbours import meant

INFO: Final = "/info"
MOST_TRADED: Final = 10
"""Coins taken when none is named."""
GREETING: Final = "Websocket connection established."
"""The one message that is no JSON (HL §4.1)."""
ANSWER_S: Final = 10.0
PING_S: Final = 20.0
"""A connection to which nothing was sent for 60 s is closed (HL §4.1)."""
SILENCE_S: Final = 15.0
"""Live books come every 0.5 s: a socket that says nothing for so long is half open."""
PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Before each attempt to connect that follows a failure; the last one for all later ones."""
FEEDS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "l2Book"},
    {"type": "l2Book", "fast": True},
    {"type": "bbo"},
    {"type": "trades"},
    {"type": "activeAssetCtx"},
)
"""Subscriptions of a coin: 20 levels each 5 s, 5 levels each 0.5 s, best prices by block (HL §4.5)."""
LOST: Final = (aiohttp.ClientError, OSError, TimeoutError)


class Upstream:
    """One Hyperliquid, by the URL of its socket."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http
        parts = urlsplit(url)
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme)
        if scheme is None or not parts.netloc:
            msg = f"upstream {url} is no socket; give one like wss://api.hyperliquid.xyz/ws"
            raise ConfigurationError(msg)
        self._info_url = f"{scheme}://{parts.netloc}{INFO}"

    async def info(self, **request: Any) -> bytes:
        """Answer to an info request.

        Raises:
            ConfigurationError: there is none.
        """
        try:
            async with self._http.post(self._info_url, json=request) as reply:
                reply.raise_for_status()
                return await reply.read()
        except LOST as error:
            msg = f"upstream {self._url} does not answer {request['type']} ({error or type(error).__name__}); is it up?"
            raise ConfigurationError(msg) from error

    async def listen(self, flow: LiveFlow) -> None:
        """Feed a flow for ever, over as many connections as it takes."""
        coins = [row.coin for row in flow.instruments()]
        failures = 0
        while True:
            with contextlib.suppress(*LOST):
                async with self._http.ws_connect(self._url, heartbeat=None, max_msg_size=0) as socket:
                    flow.reopen()
                    if await self._converse(socket, flow, coins):
                        failures = 0
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse, flow: LiveFlow, coins: list[str]) -> bool:
        """Subscribe and pass frames on until the connection is lost; whether any came."""
        for coin in coins:
            for feed in FEEDS:
                await socket.send_json({"method": "subscribe", "subscription": {**feed, "coin": coin}})
        heard, pinged_s = False, time.monotonic()
        while True:
            try:
                message = await socket.receive(timeout=SILENCE_S)
            except TimeoutError:
                return heard
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return heard
            heard = True
            if message.data == GREETING:
                continue
            try:
                flow.hear(FRAMES.decode(message.data))
            except msgspec.MsgspecError:
                flow.refused += 1
            if time.monotonic() - pinged_s > PING_S:
                pinged_s = time.monotonic()
                await socket.send_json({"method": "ping"})


@contextlib.asynccontextmanager
async def live_flow(url: str, coins: Sequence[str], fills: FillModel) -> AsyncIterator[LiveFlow]:
    """A flow that listens to an upstream while the context is open.

    Raises:
        ConfigurationError: no socket's URL, no answer, a coin that is not listed or has no book.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as http:
        upstream = Upstream(url, http)
        flow = await _opened(upstream, url, coins, fills)
        listening = asyncio.get_running_loop().create_task(upstream.listen(flow))
        try:
            yield flow
        finally:
            listening.cancel()
            await asyncio.wait([listening])


async def _opened(upstream: Upstream, url: str, coins: Sequence[str], fills: FillModel) -> LiveFlow:
    """A flow whose coins have their first book."""
    try:
        meta, figures = META_AND_CONTEXTS.decode(await upstream.info(type="metaAndAssetCtxs"))
        listed = {row.name: (row, now) for row, now in zip(meta.universe, figures, strict=True) if not row.is_delisted}
        unknown = [coin for coin in coins if coin not in listed]
        if unknown:
            msg = f"upstream {url} does not list {', '.join(unknown)}; {meant(unknown, list(listed))}"
            raise ConfigurationError(msg)
        most = sorted(listed, key=lambda name: -listed[name][1].day_ntl_vlm)[:MOST_TRADED]
        names = coins or [name for name in listed if name in most]
        clock = UpstreamTime(clock_ms)
        live = [_coin(index, *listed[name], PaperMarket(fills, clock.now_ms)) for index, name in enumerate(names)]
        for coin in live:
            book = BOOKS.decode(await upstream.info(type="l2Book", coin=coin.row.coin))
            clock.saw(book.time, clock_ms())
            coin.heard_ms = clock_ms()
            coin.add_book(clock_ms(), book)
            coin.play_now()
    except (msgspec.MsgspecError, ValueError) as error:
        msg = f"upstream {url} answers in another way than Hyperliquid ({error})"
        raise ConfigurationError(msg) from error
    empty = [coin.row.coin for coin in live if coin.market.bbo().bid is None or coin.market.bbo().ask is None]
    if empty:
        msg = f"upstream {url} has no book of {', '.join(empty)}; choose other coins"
        raise ConfigurationError(msg)
    return LiveFlow(live, clock_ms, clock)


def _coin(index: int, row: FeedListed, now: FeedFigures, market: PaperMarket) -> LiveCoin:
    instrument = Instrument(
        coin=row.name,
        asset=index,
        index=index,
        sz_decimals=row.sz_decimals,
        max_leverage=row.max_leverage,
        margin_table=row.margin_table_id,
        only_isolated=row.only_isolated,
    )
    return LiveCoin(instrument, market, now.context(), now.day_ntl_vlm)


def clock_ms() -> int:
    """Monotonic milliseconds."""
    return time.monotonic_ns() // 1_000_000
