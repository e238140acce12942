"""What the account's owner does beside a run: with the master key, through the official SDK."""

import asyncio
from collections.abc import Callable
from typing import Any

import eth_account
from hyperliquid.exchange import Exchange

from portfolio_mm.venue.faults.events import EventKind
from portfolio_mm.venue.process import RunningVenue
from tests.actors.harness import Run


async def owner_does(venue: RunningVenue, act: Callable[[Exchange], Any], *dexes: str) -> Any:
    """Something only the master key may do, or an order of the same account from outside; the SDK blocks."""

    def work() -> Any:
        wallet = eth_account.Account.from_key(venue.accounts[0].key)
        exchange = Exchange(wallet, venue.url, timeout=10.0, perp_dexs=["", *dexes])
        try:
            return act(exchange)
        finally:
            exchange.session.close()
            exchange.info.session.close()

    reply = await asyncio.to_thread(work)
    assert reply["status"] == "ok", reply
    return reply


async def by_owner(run: Run, act: Callable[[Exchange], Any], *dexes: str) -> Any:
    """The same at the venue of a run."""
    return await owner_does(run.venue, act, *dexes)


def happen(run: Run, event: EventKind) -> None:
    """Let something happen at the venue now."""
    trouble = run.venue.venue.trouble
    trouble.schedule.add(event, trouble.desk.now_ms)


def mode_of(run: Run) -> str:
    """The account's mode, as the venue has it."""
    return run.venue.venue.state.by_address[run.spec.venue.account].mode
