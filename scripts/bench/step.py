"""Events a second through one coin's `step`, what each part of it costs, and a GLFT loop of others beside it.

The first tape is generated: block-timed random-walk books, trades on both sides, contexts and 100 ms timers, in about
the proportions of a recorded coin, and nobody answers its orders. The others are what coins of sessions heard, answers
and fills and all (heard.py): of a synthetic market with everything on, and of the recorded set when it is beside the
project (PORTFOLIO_MM_RECORDED says where, else).
"""

import json
import os
import subprocess
import sys
import time
from typing import Any, Final, NamedTuple

import numpy as np

from portfolio_mm.actors.coin_state import fresh_coin
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.events import EVENT, LAST, CoinMode, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.engine.params import PARAMS
from portfolio_mm.engine.state import COIN
from scripts.bench.glft import glft
from scripts.bench.heard import Heard, recorded, synthetic
from scripts.bench.parts import costs
from scripts.bench.row import Row, say

SOL: Final = Instrument(coin="SOL", asset=5, index=0, sz_decimals=2, max_leverage=20)
EVENTS: Final = 400_000
PLAIN_EVENTS: Final = 4_000
ROUNDS: Final = 3
TAPE_ROUNDS: Final = 25
SLICE: Final = 2_000
"""Events of a tape that are timed together: short enough that the machine is ours for one of them in some round."""
GOAL: Final = "goal 1,000,000"
FOREVER_NS: Final = 10**18


def controls() -> np.ndarray[Any, Any]:
    """What the gateway says before a coin may quote."""
    found = np.zeros(6, EVENT)
    kinds = (
        EventKind.SYNC,
        EventKind.POSITION,
        EventKind.ACCOUNT,
        EventKind.PERMIT,
        EventKind.MODE,
        EventKind.ALLOCATION,
    )
    found["kind"] = kinds
    found["oid"][[0, 3, 5]] = (1, FOREVER_NS, FOREVER_NS)
    found["tid"][0], found["bits"][1], found["seq"][5] = 7, LAST, 1
    found["px"][2], found["px2"][2], found["sz"][2], found["sz2"][2] = 10_000, 9_000, 1.5, 4.5
    found["status"][3], found["status"][4] = RiskState.GREEN, CoinMode.TRADE
    found["px2"][5], found["sz"][5], found["sz2"][5] = 2_000, 0.0005, 2e-9
    return found


def tape(count: int) -> np.ndarray[Any, Any]:
    """`count` events, seeded."""
    rng = np.random.default_rng(7)
    events = np.zeros(count, EVENT)
    events["recv_ns"] = np.arange(1, count + 1) * 40_000_000
    events["venue_ms"] = events["recv_ns"] // 1_000_000
    draw = rng.random(count)
    kinds = np.select(
        [draw < 0.35, draw < 0.45, draw < 0.62, draw < 0.65],
        [EventKind.BBO, EventKind.BOOK, EventKind.TRADE, EventKind.CONTEXT],
    )
    events["kind"] = np.where(kinds == 0, EventKind.TIMER, kinds)
    mid = 2_000_000 + np.cumsum(rng.integers(-1, 2, count)) * 10
    half = 10 * rng.integers(1, 4, count)
    for side, sign in (("bid", -1), ("ask", 1)):
        best = mid + sign * half
        events[f"{side}_ticks"] = best
        for level in range(5):
            events[f"{side}_px"][:, level] = (best + sign * 10 * level) / 1e4
            events[f"{side}_sz"][:, level] = rng.gamma(2.0, 20.0, count)
    is_trade = events["kind"] == EventKind.TRADE
    events["side"] = np.where(is_trade, rng.integers(0, 2, count), 0)
    reach = half + 10 * rng.geometric(0.3, count)
    events["px"] = np.where(is_trade, (mid + np.where(events["side"] == 0, 1, -1) * reach) / 1e4, mid / 1e4)
    events["px2"], events["sz"] = mid / 1e4, np.where(is_trade, rng.gamma(1.0, 5.0, count), 1.25e-5)
    events["px_ticks"] = mid
    events["bits"] = LAST
    return np.concatenate([controls(), events])


def rate(count: int) -> float:
    """Events a second, the best of a few rounds over fresh state."""
    from portfolio_mm.engine.drive import run as drive  # noqa: PLC0415 - after the environment is set
    from portfolio_mm.engine.state import new_coin  # noqa: PLC0415 - the same

    events, commands, best = tape(count), np.zeros(count * 2 + 64, COMMAND), 0.0
    for turn in range(ROUNDS + 1):
        state, params = new_coin(SOL, 1)
        start = time.perf_counter()
        drive(events, state, params, commands)
        if turn > 0:  # the first round compiles
            best = max(best, len(events) / (time.perf_counter() - start))
    return best


class Speed(NamedTuple):
    """Events a second over a tape, undisturbed and of the best whole round, and the commands made."""

    per_s: float
    whole_per_s: float
    commands: int


def of_tape(heard: Heard) -> Speed:
    """How fast `step` hears what a coin of a session heard: each slice's best round counts, as others run beside us.

    Raises:
        RuntimeError: not every event was heard.
    """
    from portfolio_mm.engine.drive import run as drive  # noqa: PLC0415 - after the environment is set

    starts = range(0, len(heard.events), SLICE)
    took = np.full((TAPE_ROUNDS, len(starts)), np.inf)
    commands, made = np.zeros(SLICE + 4_096, COMMAND), 0
    for turn in range(-1, TAPE_ROUNDS):  # the first one compiles
        state, params = fresh_coin(heard.instrument, heard.n_coins, heard.plan)
        made = 0
        for j, start in enumerate(starts):
            began = time.process_time()
            made += int(drive(heard.events[start : start + SLICE], state, params, commands))
            if turn >= 0:
                took[turn, j] = time.process_time() - began
        if int(state["counters"]["events"][0]) != len(heard.events):
            msg = f"{heard.name}: only {state['counters']['events'][0]} of {len(heard.events)} events were heard"
            raise RuntimeError(msg)
    count = len(heard.events)
    return Speed(count / float(took.min(axis=0).sum()), count / float(took.sum(axis=1).min()), made)


def from_cache_s() -> float:
    """Seconds a new process takes to load the page and hear its first event, every kernel compiled before."""
    code = (
        "import time, numba, numpy; began = time.perf_counter(); "
        "from portfolio_mm.engine.warm import warm_up; warm_up(); print(time.perf_counter() - began)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    return min(times)


def run() -> list[Row]:
    """Compiled here, plain in a process of its own; then the tapes of sessions, and each part's cost."""
    plain = subprocess.run(
        [sys.executable, "-m", "scripts.bench.step"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    baseline = float(json.loads(plain.stdout))
    best = rate(EVENTS)
    rows = [
        Row("events through one coin's step", best, "events/s", baseline, "the same code, plain Python", GOAL),
        Row("load the compiled page and hear an event", from_cache_s(), "s", note="goal 2 s, kernels in the cache"),
        Row("state of one coin", COIN.itemsize / 1024, "KiB", note=f"goal 64 KiB; parameters {PARAMS.itemsize} bytes"),
    ]
    model = synthetic()
    tapes = [model, *recorded()]
    if len(tapes) == 1:
        say("the recorded set is not beside the project: skipped")
    rows += [_tape_row(one) for one in tapes]
    return [*rows, *_part_rows(model), *glft(lambda heard: of_tape(heard).per_s)]


def _tape_row(heard: Heard) -> Row:
    speed = of_tape(heard)
    note = f"{GOAL}; {len(heard.events)} events of {heard.seconds / 60:.0f} minutes, {speed.commands} commands; "
    note += f"the best whole round {speed.whole_per_s:.3g}"
    return Row(f"a trading coin's step, {heard.name}", speed.per_s, "events/s", note=note)


def _part_rows(heard: Heard) -> list[Row]:
    def fresh() -> tuple[Any, Any]:
        return fresh_coin(heard.instrument, heard.n_coins, heard.plan)

    found, events = costs(heard.events, fresh), len(heard.events)
    return [
        Row(f"part `{one.part}`", one.ns / events, "ns/event", note=f"{one.calls} calls of {one.ns / one.calls:.0f} ns")
        for one in found
        if one.calls
    ]


if __name__ == "__main__":
    print(json.dumps(rate(PLAIN_EVENTS)))
