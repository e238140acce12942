"""What the coins of a session heard, event by event: the tapes on which `step` is measured.

A tape without a venue would never answer an order; these hold the answers, the fills and the account of a whole
session, so that stepping them again does everything a trading coin does.
"""

import math
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from portfolio_mm.backtest.coin_run import CoinRun
from portfolio_mm.backtest.runner import plan_of
from portfolio_mm.backtest.session import Session
from portfolio_mm.domain.events import EVENT
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.settings.plan import Plan
from portfolio_mm.venue.process import build_flow
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.scenario.file import load_scenario
from portfolio_mm.venue.settings import VenueSettings
from scripts.bench.replay import TAPE
from scripts.bench.row import say

Array = np.ndarray[Any, Any]
SCENARIO: Final = Path(__file__).parents[2] / "examples" / "scenarios" / "volatile.yaml"
SECONDS: Final = 600.0
COINS: Final = ("BTC", "ETH", "SOL")
CHUNK: Final = 1 << 14


class Heard(NamedTuple):
    """One coin's tape, and what its state and parameters are made of; `seconds` of venue time, `name` for a table."""

    name: str
    instrument: Instrument
    n_coins: int
    plan: Plan
    events: Array
    seconds: float


class Tape:
    """Events, copied as they come."""

    def __init__(self) -> None:
        self._chunks: list[Array] = []
        self._chunk: Array = np.zeros(CHUNK, EVENT)
        self._at = 0

    def add(self, row: Array) -> None:
        """Keep one event."""
        if self._at == CHUNK:
            self._chunks.append(self._chunk)
            self._chunk, self._at = np.zeros(CHUNK, EVENT), 0
        self._chunk[self._at] = row
        self._at += 1

    @property
    def events(self) -> Array:
        """All of them, in order."""
        return np.concatenate([*self._chunks, self._chunk[: self._at]])


class Listener(CoinRun):
    """A coin that keeps what it hears."""

    def __init__(self, run: CoinRun) -> None:
        super().__init__(run.instrument, run.state, run.params)
        self.tape = Tape()

    def hear(self, events: Array, at: int, kind: int) -> Array:
        """Keep it, then hear it."""
        self.tape.add(events[at])
        return super().hear(events, at, kind)


def listen(settings: VenueSettings, coins: tuple[str, ...], seconds: float, name: str) -> list[Heard]:
    """Play a session and give every coin's tape."""
    flow = build_flow(settings)
    plan = plan_of(None, coins, tuple(one.coin for one in flow.instruments()))
    session = Session(settings, flow, plan, title=name, say=say)
    session.runs = [Listener(run) for run in session.runs]
    result = session.run(seconds)
    return [
        Heard(f"{run.instrument.coin}, {name}", run.instrument, len(coins), plan, run.tape.events, result.played_s)
        for run in session.runs
        if isinstance(run, Listener)
    ]


def synthetic() -> Heard:
    """SOL of the volatile scenario, with a market that leads it."""
    settings = load_scenario(SCENARIO)
    settings = msgspec.structs.replace(settings, reference=ReferenceSettings(), ip_limit=False, coins=COINS)
    return listen(settings, COINS, SECONDS, "synthetic")[COINS.index("SOL")]


def recorded() -> list[Heard]:
    """The recorded coins; none when the recording is not beside the project."""
    if not TAPE.exists():
        return []
    settings = VenueSettings(tape=str(TAPE), ip_limit=False)
    flow = build_flow(settings)
    coins = tuple(one.coin for one in flow.instruments())
    return listen(settings, coins, math.inf, "recorded")
