"""A run that lives through one case after another; each ends with the venue's truth, or the run is thrown away."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from portfolio_mm.venue.faults.events import ClockStep
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.harness import COINS, Run, whole_run
from tests.faults import truth
from tests.faults.cases import Case, order_replies
from tests.faults.signs import Sign, Signs

DETECTED_S: Final = 12.0
RECOVERED_S: Final = 90.0
"""Coins wait 10, 20, 40 s after the venue throttled us."""
SAME_S: Final = 15.0
LOOK_S: Final = 0.02
NOTHING: Final = "nothing"


class Outcome(NamedTuple):
    """What a case cost. Seconds of recovery from its end; `lost` in words."""

    sign: Sign | None
    recovered_s: float | None
    lost: str
    broken: tuple[str, ...]
    fills: int


class Stage:
    """One run on the real venue."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.worst = truth.WorstCase(run)
        self.signs = Signs(run)
        run.venue.venue.witnesses.append(self.worst)

    def arm(self, case: Case) -> None:
        """Begin."""
        venue = self.run.venue.venue
        order_replies(venue.state, case.order)
        for fault in case.faults:
            venue.trouble.desk.arm(fault)
        for event in case.events:
            venue.trouble.schedule.add(event, venue.trouble.desk.now_ms)

    def clear(self) -> None:
        """End what can end."""
        venue = self.run.venue.venue
        venue.trouble.desk.clear()
        venue.trouble.schedule.clear()
        order_replies(venue.state, "drawn")

    def quotes(self, coins: Sequence[str]) -> bool:
        """Whether the venue holds a bid and an ask of ours in each coin, and the gateway trades."""
        live = {(order.instrument.coin, order.side) for order in truth.user(self.run).live()}
        view = self.run.view
        return view is not None and view.reconciled and all((coin, side) in live for coin in coins for side in (0, 1))

    def _newest_oid(self) -> int:
        return max(truth.user(self.run).records, default=0)

    async def through(
        self, *cases: Case, coins: Sequence[str] = COINS, also: Callable[[], bool] = lambda: True
    ) -> Outcome:
        """All of these at once, cleared together; what it cost. Recovered is who quotes `coins`, and `also` holds."""
        run, before = self.run, len(truth.user(self.run).fills)
        await self._old_enough(cases)
        truth.a_fresh_minute(run)
        self.worst.broken.clear()
        self.signs.begin()
        for case in cases:
            self.arm(case)
        await self._detected(cases)
        self.clear()
        ended_s = time.monotonic()
        newest = self._newest_oid()
        recovered = await _within(RECOVERED_S, lambda: self.quotes(coins) and self._newest_oid() > newest and also())
        took_s = time.monotonic() - ended_s if recovered else None
        same = await _within(SAME_S, self._nothing_differs)
        lost = NOTHING if same else "; ".join(self._differences())
        return Outcome(self.signs.first, took_s, lost, tuple(self.worst.broken), len(truth.user(run).fills) - before)

    async def _old_enough(self, cases: Sequence[Case]) -> None:
        """A clock never goes back beyond the beginning of the run."""
        back_s = (
            -min(
                event.ms for case in cases for event in (*case.events, ClockStep(ms=0)) if isinstance(event, ClockStep)
            )
            / 1e3
        )
        age_s = time.time() - self.run.spec.started_ms / 1e3
        await asyncio.sleep(max(0.0, back_s + 2.0 - age_s) if back_s else 0.0)

    async def _detected(self, cases: Sequence[Case]) -> None:
        """Until the first sign, and as long as the cases last."""
        began_s = time.monotonic()
        least_s = max(case.lasts_s for case in cases)
        patience_s = least_s if all(case.invisible for case in cases) else max(least_s, DETECTED_S)
        while (now_s := time.monotonic() - began_s) < patience_s:
            if self.signs.look() is not None and now_s >= least_s:
                return
            await asyncio.sleep(LOOK_S)

    def _differences(self) -> list[str]:
        try:
            return truth.differences(self.run)
        except AssertionError as error:
            return [str(error)]

    def _nothing_differs(self) -> bool:
        return not self._differences()


async def _within(most_s: float, true: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + most_s
    while not true():
        if time.monotonic() > end_s:
            return False
        await asyncio.sleep(LOOK_S)
    return True


@contextlib.asynccontextmanager
async def stage(folder: Path, coins: Sequence[str] = COINS, venue: VenueSettings | None = None) -> AsyncIterator[Stage]:
    """A run that quotes on both sides of every coin and was filled."""
    async with whole_run(folder, coins, venue=venue, settings={"feeds.reconnect_max_s": 2.0}) as run:
        made = Stage(run)
        log = logging.getLogger("portfolio_mm")
        log.addHandler(made.signs)
        level = log.level
        log.setLevel(logging.INFO)
        try:
            await run.until(lambda: made.quotes(coins), "two-sided quotes everywhere", 60)
            yield made
        finally:
            log.removeHandler(made.signs)
            log.setLevel(level)
