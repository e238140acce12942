"""ccxt.pro over the websocket: books, trades, mids, own orders and fills, balances, orders sent through it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import ccxt.pro

from portfolio_mm.venue.process import RunningVenue
from tests.clients.ccxt_client import BTC, ETH, configuration, rests
from tests.venue.served import WAIT_S

CLOID = "0x" + "2" * 32


@contextlib.asynccontextmanager
async def opened(venue: RunningVenue, number: int = 0) -> AsyncIterator[Any]:
    made = ccxt.pro.hyperliquid(configuration(venue, number, venue.accounts[number].agent.key))
    made.set_sandbox_mode(True)
    try:
        async with asyncio.timeout(WAIT_S):
            await made.load_markets()
            yield made
    finally:
        await made.close()


class Watched:
    """Rows a watching method of ccxt has given so far."""

    def __init__(self, watch: Callable[[str], Awaitable[list[Any]]]) -> None:
        self._watch = watch
        self._rows: list[Any] = []
        self._more = asyncio.Event()

    async def listen(self) -> None:
        while True:
            self._rows += await self._watch(ETH)
            self._more.set()

    async def wait(self, right: Callable[[Any], bool]) -> Any:
        while not (found := [row for row in self._rows if right(row)]):
            self._more.clear()
            await self._more.wait()
        return found[0]


async def test_the_market_is_watched(venue: RunningVenue) -> None:
    async with opened(venue) as client:
        book = await client.watch_order_book(BTC)
        assert book["bids"][0][0] < book["asks"][0][0]
        trades = await client.watch_trades(ETH)
        assert {trade["symbol"] for trade in trades} == {ETH}
        mids = await client.watch_tickers([BTC, ETH], {"channel": "allMids"})
        assert mids[BTC]["last"] > mids[ETH]["last"] > 0
        await client.un_watch_order_book(BTC)
        await client.un_watch_trades(ETH)


async def test_own_orders_and_fills_are_watched(venue: RunningVenue) -> None:
    async with opened(venue) as client, asyncio.TaskGroup() as watching:
        px = (await client.fetch_order_book(ETH))["bids"][0][0]
        orders, fills = Watched(client.watch_orders), Watched(client.watch_my_trades)
        tasks = [watching.create_task(watched.listen()) for watched in (orders, fills)]
        await client.watch_order_book(ETH)  # the other two subscriptions went through the same socket before this one
        made = await client.create_order(ETH, "limit", "buy", 0.02, px * 0.9, {"clientOrderId": CLOID})
        opened_row = await orders.wait(lambda row: row["id"] == made["id"])
        assert (opened_row["clientOrderId"], opened_row["status"]) == (CLOID, "open")
        taken = await client.create_order(ETH, "market", "buy", 0.02, px)
        assert (await fills.wait(lambda row: row["order"] == taken["id"]))["side"] == "buy"
        await client.cancel_order(made["id"], ETH)
        await orders.wait(lambda row: (row["id"], row["status"]) == (made["id"], "canceled"))
        for task in tasks:
            task.cancel()


async def test_orders_go_through_the_socket(venue: RunningVenue) -> None:
    async with opened(venue, 1) as client:
        px = (await client.fetch_order_book(BTC))["bids"][0][0]
        made = await client.create_order_ws(BTC, "limit", "buy", 0.001, px * 0.9, {"postOnly": True})
        rests(made)
        moved = await client.edit_order_ws(made["id"], BTC, "limit", "buy", 0.001, px * 0.91)
        rests(moved)
        await client.cancel_order_ws(moved["id"], BTC)
        assert await client.fetch_open_orders(BTC) == []


async def test_the_account_is_watched(venue: RunningVenue) -> None:
    async with opened(venue, 2) as client:
        px = (await client.fetch_order_book(ETH))["bids"][0][0]
        await client.create_order(ETH, "market", "buy", 0.02, px)
        (held,), balance = await asyncio.gather(client.watch_positions(), client.watch_balance())
        assert (held["symbol"], held["contracts"]) == (ETH, 0.02)
        assert 9_900 < balance["USDC"]["total"] < 10_100
