"""Everything that tells one run from another, as one immutable record; each actor is made from it and its name."""

from typing import Protocol

import msgspec

from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.topology import CONSOLE, GATEWAY, PORTFOLIO, RELAY, RISK, coin_name
from portfolio_mm.actors.venue_process import VenueAddress
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.settings.plan import Plan


class Part(Protocol):
    """What every actor is: constructors only store, `run` recovers and works until `stop`."""

    async def run(self) -> None:
        """Work until stopped."""
        ...

    async def stop(self) -> None:
        """End `run`."""
        ...

    def status(self) -> dict[str, str | int | float | bool]:
        """How it is, for people."""
        ...


class Held(msgspec.Struct, frozen=True):
    """A position at a reading of the account: signed lots, and the mark it was valued at."""

    coin: str
    lots: int
    mark_ticks: int


class RunSpec(msgspec.Struct, frozen=True):
    """One run. `run` is its number (Unix seconds of the start; cloids carry the gateway's own); keys appear as paths.

    `start_equity_usd` is the reading the books begin with, `start_read_ms` its block time and `held` its positions:
    fills and fundings after it are this run's, all others are in it. None: the gateway's first reading counts.
    `ends_ms` is the wall clock at which `start --for` will end it, 0 when nobody knows.
    """

    run: int
    started_ms: int
    folder: str
    plan: Plan
    venue: VenueAddress
    instruments: tuple[Instrument, ...]
    start_equity_usd: float | None = None
    start_read_ms: int | None = None
    held: tuple[Held, ...] = ()
    ends_ms: int = 0

    @property
    def files(self) -> RunFolder:
        """Paths of the state folder."""
        return RunFolder(self.folder)

    def waves(self, wave: int) -> tuple[tuple[str, ...], ...]:
        """Names of all actors in the order in which they are made, at most `wave` coins at a time.

        A coin needs its feed for `warmup_s` before it quotes: what it only needs then loads meanwhile.
        """
        coins = [coin_name(each.coin) for each in self.instruments]
        first, *others = [tuple(coins[start : start + wave]) for start in range(0, len(coins), wave)]
        return ((RELAY, GATEWAY, RISK), first, (PORTFOLIO,), *others, (CONSOLE,))
