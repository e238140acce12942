"""The last run of a state folder, heard again from its coins' journals: every input is in them, so nothing is lost.

A coin starts cold here, even where the run took over what an earlier one had learnt. Grid and place of a coin are read
from its own events; what a person had tuned is not journaled, so the settings given must be those of the run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from portfolio_mm.actors.coin_recovery import begin_stream_anew
from portfolio_mm.actors.coin_state import fresh_coin
from portfolio_mm.backtest.coin_run import CoinRun
from portfolio_mm.backtest.result import CoinResult, SessionResult
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.instrument import PERP_MAX_DECIMALS, Instrument
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage.journal_reader import JournalReader

Array = np.ndarray[Any, Any]
PREFIX: Final = "coin-"
ANY_LEVERAGE: Final = 50
"""The venue's cap of a coin is not journaled; the plan's leverage is under it."""


class Bounds(Protocol):
    """What of a run is wanted."""

    @property
    def seconds(self) -> float | None:
        """Its first seconds, or all of it."""
        ...

    @property
    def coins(self) -> tuple[str, ...]:
        """These coins, or all."""
        ...


def replay_journals(folder: Path, plan: Plan, wanted: Bounds, say: Callable[[str], None]) -> SessionResult:
    """Hear the last run again.

    Raises:
        ConfigurationError: there are no journals of coins, or none of a coin that is wanted.
        StateError: a segment is damaged.
    """
    names = {path.name.removeprefix(PREFIX).partition(".")[0] for path in folder.glob(f"{PREFIX}*.seg")}
    if not names:
        msg = f"{folder} holds no journal of a coin; name the state folder of a run with --state-folder"
        raise ConfigurationError(msg)
    asked = {coin.replace(":", "-").replace("/", "-"): coin for coin in wanted.coins}
    lacking = sorted(asked[name] for name in asked if name not in names)
    if lacking:
        msg = f"{folder} holds no journal of {', '.join(lacking)}; it has {', '.join(sorted(names))}"
        raise ConfigurationError(msg)
    coins, longest_s = [], 0.0
    for name in sorted(asked or names):
        say(f"reading the journal of {name}")
        rows = last_run(folder, f"{PREFIX}{name}")
        if len(rows):
            result, seconds = _replay(asked.get(name, name), rows, plan, wanted.seconds)
            coins.append(result)
            longest_s = max(longest_s, seconds)
    return SessionResult("the last run", longest_s, 0.0, tuple(coins), None, {}, ())


def last_run(folder: Path, name: str) -> Array:
    """Events of the newest run in a coin's journal, from its first account stream on; a torn end is left out."""
    frames = list(JournalReader(folder, name, EVENT))
    runs = [_run_of(frame) for frame in frames]
    known = [run for run in runs if run is not None]
    if not known:
        return np.zeros(0, EVENT)
    return np.concatenate(frames[runs.index(known[-1]) :])


def _run_of(frame: Array) -> int | None:
    syncs = frame[frame["kind"] == EventKind.SYNC]
    return int(syncs["tid"][0]) if len(syncs) else None


def instrument_of(coin: str, rows: Array) -> tuple[Instrument, int]:
    """Grid and place of a coin, and how many coins its account trades, as its events show them.

    Raises:
        ConfigurationError: no book was ever heard.
    """
    books = rows[np.isin(rows["kind"], (EventKind.BBO, EventKind.BOOK)) & (rows["bid_ticks"] > 0)]
    if not len(books):
        msg = f"the journal of {coin} holds no book: there is nothing to report"
        raise ConfigurationError(msg)
    first = books[0]
    decimals = round(float(np.log10(first["bid_ticks"] / first["bid_px"][0])))
    count = 1 + int(rows["coin"][np.isin(rows["kind"], (EventKind.POSITION, EventKind.BBO, EventKind.BOOK))].max())
    index = int(first["coin"])
    found = Instrument(coin, index, index, PERP_MAX_DECIMALS - decimals, ANY_LEVERAGE)
    return found, count


def _replay(coin: str, rows: Array, plan: Plan, most_s: float | None) -> tuple[CoinResult, float]:
    instrument, count = instrument_of(coin, rows)
    run = CoinRun(instrument, *fresh_coin(instrument, count, _with(plan, coin)))
    begin_ns = end_ns = int(rows["recv_ns"][0])
    for at, kind in enumerate(rows["kind"].tolist()):
        end_ns = max(end_ns, int(rows["recv_ns"][at]))
        if most_s is not None and end_ns - begin_ns > most_s * 1e9:
            break
        if kind == EventKind.SYNC:
            begin_stream_anew(run.state, rows[at : at + 1])
        run.hear(rows, at, kind)
    return CoinResult.of(run), (end_ns - begin_ns) / 1e9


def _with(plan: Plan, coin: str) -> Plan:
    """The plan, if it trades the coin; else with the coin in its first one's place."""
    if coin in plan.coin_names:
        return plan
    first = msgspec.structs.replace(plan.coins[0], coin=coin)
    return msgspec.structs.replace(plan, coins=(first, *plan.coins[1:]))
