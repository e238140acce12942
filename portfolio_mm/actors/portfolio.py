"""The portfolio actor: samples all mids, learns the covariance, solves the allocation beside its loop, and says it.

The solve runs in a thread with a deadline; when it is late or fails the last good allocation is said again, and when
this actor dies the coins keep theirs until its time to live ends. The only process that loads the solver.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import time
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from portfolio_mm.actors.allocation_inputs import allocation_message
from portfolio_mm.actors.coin_leaders import leaders_of
from portfolio_mm.actors.feed import Feed
from portfolio_mm.actors.hub_link import HubLink
from portfolio_mm.actors.messages import Allocation, Lead, View
from portfolio_mm.actors.persevere import first_of, persevere
from portfolio_mm.actors.planner import Planner
from portfolio_mm.actors.topology import PORTFOLIO, Directory
from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.parse import MAX_EVENTS, MarketParser
from portfolio_mm.hyperliquid.websocket import SocketState
from portfolio_mm.portfolio.actions import ActionPlan
from portfolio_mm.portfolio.allocator import Allocator
from portfolio_mm.portfolio.inputs import AllocationResult
from portfolio_mm.portfolio.lead_lag import LeadLag
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage.state_store import StateStore

LOG: Final = logging.getLogger(__name__)
LATE_FACTOR: Final = 4.0
"""A solve that takes this many deadlines is abandoned: its thread is replaced."""
EPOCH_SHIFT: Final = 24
"""Versions begin anew above every version of an earlier life: coins refuse lower ones."""
FIRST_S: Final = 10.0
"""The first solve also builds the programme."""


class PortfolioConfig(msgspec.Struct, frozen=True):
    """What the portfolio actor is told. Paths, never secrets."""

    account: str
    state_db: str
    token_file: str
    plan: Plan
    instruments: tuple[Instrument, ...]


class Portfolio:
    """Allocates inventory, margin and actions over the coins of a run."""

    def __init__(self, config: PortfolioConfig, directory: Directory) -> None:
        self._config = config
        self._feed = Feed(directory, [{"type": "bbo", "coin": each.coin} for each in config.instruments])
        self._link = HubLink(directory, Path(config.token_file), role="portfolio", name=PORTFOLIO)
        self._parser = MarketParser(config.instruments)
        self._planner = Planner(config.plan, config.instruments)
        self._rules = self._planner.rules()
        self._allocator = Allocator(len(config.instruments), self._rules)
        index = {each.coin: each.index for each in config.instruments}
        leaders = tuple(index[coin] for coin in leaders_of(config.plan, config.instruments))
        self._leads = LeadLag(leaders, len(config.instruments))
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "allocation")
        self._view: View | None = None
        self._version = 0
        self._malformed = 0
        self._late = 0
        self._last: Allocation | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Allocate until stopped."""
        await persevere(PORTFOLIO, self._once, self._stopping)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _once(self) -> None:
        store = StateStore(Path(self._config.state_db))
        try:
            self._link.epoch = store.take("portfolio", self._config.account, PORTFOLIO, time.time_ns() // 1_000_000)
        finally:
            store.close()
        self._version = max(self._version, self._link.epoch << EPOCH_SHIFT)
        try:
            await first_of(self._stopping, self._watch(), self._listen(), self._sample(), self._allocate_again())
        finally:
            await self._link.close()

    async def stop(self) -> None:
        """End `run`; coins keep the last allocation until it expires."""
        self._stopping.set()

    def status(self) -> dict[str, str | int | float | bool]:
        """Counters for people."""
        return {
            "hub": self._link.connected,
            "version": self._version & ((1 << EPOCH_SHIFT) - 1),
            "samples": self._planner.covariance.samples,
            "leads": sum(len(leads) for leads in self._followed().values()),
            "late": self._late,
            "malformed": self._malformed,
            "status": self._last.status if self._last is not None else "nothing yet",
        }

    async def _watch(self) -> None:
        """Mids of all coins."""
        events = np.zeros(MAX_EVENTS, EVENT)
        async with contextlib.aclosing(self._feed.frames()) as frames:
            async for recv_ns, frame in frames:
                if isinstance(frame, SocketState):
                    self._planner.mids[:] = np.nan
                    self._leads.forget()
                    continue
                try:
                    count = self._parser.parse(frame, recv_ns, events)
                except MalformedMessage as error:
                    self._malformed += 1
                    if self._malformed == 1:
                        LOG.warning("market frame not understood: %s", error)
                    continue
                for event in events[:count]:
                    if event["kind"] == EventKind.BBO:
                        bid, ask = float(event["bid_px"][0]), float(event["ask_px"][0])
                        mid = 0.5 * (bid + ask) if bid > 0 and ask > 0 else np.nan
                        self._planner.mids[event["coin"]] = mid
                        self._leads.observe(int(event["coin"]), int(event["venue_ms"]), mid)

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._link.frames()) as frames:
            async for frame in frames:
                if isinstance(frame, View):
                    self._view = frame

    async def _sample(self) -> None:
        """Synchronous returns: all mids at one moment of our own clock."""
        while True:
            await asyncio.sleep(self._config.plan.portfolio.sample_s)
            self._planner.sample(time.monotonic_ns())
            work = self._leads.due()
            if work is not None:
                await asyncio.to_thread(work)

    async def _allocate_again(self) -> None:
        """One allocation per period; the first as soon as there is a view."""
        period_s = self._config.plan.portfolio.every_s
        while True:
            began_s = time.monotonic()
            view = self._view
            if view is not None and view.reconciled and self._link.connected:
                self._say(await self._solve(view))
                await asyncio.sleep(max(0.0, period_s - (time.monotonic() - began_s)))
            else:
                await asyncio.sleep(min(0.05, period_s))

    async def _solve(self, view: View) -> tuple[AllocationResult, ActionPlan] | None:
        """Solve beside the loop; None when it takes far too long."""
        terms = self._planner.round(view)
        solving = asyncio.get_running_loop().run_in_executor(
            self._thread, self._allocator.allocate, terms.coins, terms.account, terms.covariance_bps2_per_s
        )
        patience_s = LATE_FACTOR * self._rules.deadline_s + (FIRST_S if self._last is None else 0.0)
        try:
            async with asyncio.timeout(patience_s):
                return await solving, terms.actions
        except TimeoutError:
            self._late += 1
            LOG.warning("the allocation took longer than %.1f s; the last one stays", patience_s)
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = concurrent.futures.ThreadPoolExecutor(1, "allocation")
            self._allocator = Allocator(len(self._config.instruments), self._rules)
            return None

    def _say(self, found: tuple[AllocationResult, ActionPlan] | None) -> None:
        """Tell the gateway, under a new version; a late solve repeats the last good numbers."""
        self._version += 1
        if found is not None:
            self._last = allocation_message(
                *found,
                epoch=self._link.epoch,
                version=self._version,
                valid_ns=round(self._config.plan.portfolio.valid_s * 1e9),
                leads=self._followed(),
            )
        elif self._last is not None:
            self._last = msgspec.structs.replace(self._last, version=self._version, status="last good (late)")
        if self._last is not None:
            self._link.send(self._last)

    def _followed(self) -> dict[str, tuple[Lead, ...]]:
        """Whom each coin is proven to follow."""
        coins = self._config.instruments
        return {
            each.coin: tuple(Lead(coins[j].coin, one.beta, one.horizon_s) for j, one in self._leads.of(each.index))
            for each in coins
        }
