"""The nets against the unwired (architecture, section 3): kinds, cause, raw input, compiled and not.

Discovery is in test_wiring.py.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.engine.page import PAGE
from portfolio_mm.engine.tuning import Tuning
from tests.engine import led, rush
from tests.engine.lesson import knew, moved, proven, taught
from tests.engine.moves import test_cascade as cascade
from tests.engine.moves import test_edge as edge
from tests.engine.moves import test_funding as funding
from tests.engine.moves import test_signals as signals
from tests.engine.moves import test_walls as walls
from tests.engine.moves import weather
from tests.engine.plain_page import step_with
from tests.engine.story import TUNING, play, without
from tests.engine.tape import MS, T0, Bench, S, allocation, book, event, keys, market, trade

PART_OFF: dict[str, Callable[[], Any]] = {
    "clock": lambda: without("clock", "admit", returns=False),
    "book": lambda: without("book", "observe", returns=False),
    "markouts": lambda: without("markouts", "update", returns=0),
    "learning": lambda: without("learning", "look"),
    "toxicity": lambda: without("toxicity", "update", returns=True),
    "informed": lambda: without("informed", "update", "trade", returns=True),
    "impact": lambda: without("impact", "update", returns=True),
    "evidence": lambda: without("evidence", "reckon"),
    "pnl": lambda: without("pnl", "follow_mid"),
    "signals": lambda: without("ablation", "roll"),
    "depth": lambda: without("depth_profile", "update", returns=True),
    "order_flow": lambda: without("order_flow", "update", "on_trade", returns=False),
    "reference": lambda: without("reference", "hear", returns=False),
    "leaders": lambda: without("leaders", "update", returns=False),
    "fair": lambda: without("fair_value", "update", returns=False),
    "vol": lambda: without("volatility", "update", returns=True),
    "jumps": lambda: without("jumps", "update", "observe_sweep", returns=True),
    "vov": lambda: without("vol_of_vol", "update", returns=True),
    "particles": lambda: without("particles", "update", returns=True),
    "regimes": lambda: without("regimes", "update", "observe_sweep", "observe_interest", returns=False),
    "intensity": lambda: without("intensity", "update", "observe_book", returns=True),
    "arrivals": lambda: without("arrivals", "update", returns=True),
    "hawkes": lambda: without("hawkes", "update", returns=True),
    "places": lambda: without("places", "observe"),
    "queue": lambda: without("queue", "update", returns=True),
    "account": lambda: without("account", "on_fill", "on_position", "on_account", "on_context"),
    "orders": lambda: without("slots", "on_order", returns=-1),
    "authority": lambda: without("authority", "stand"),
    "viability": lambda: without("viability", "assess"),
    "funding": lambda: without("funding", "update", returns=True),
    "cascade": lambda: without("cascade", "update", returns=True),
    "walls": lambda: without("exact", "look"),
    "edge": lambda: without("edge", "hear", returns=True),
    "quoting": lambda: without("quoting", "decide"),
    "ladder": lambda: without("ladder", "build"),
    "reconcile": lambda: without("reconcile", "commands_for", returns=0),
}


@pytest.fixture(scope="module")
def whole() -> list[tuple[Any, ...]]:
    """Commands of the story with every part on the page."""
    commands = keys(play().commands)
    kinds = {command[0] for command in commands}
    assert kinds == {CommandKind.PLACE, CommandKind.MODIFY, CommandKind.CANCEL}
    return commands


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_changes_the_state_or_is_refused_by_name(kind: EventKind) -> None:
    bench = Bench()
    bench.start()
    bench.hear(market(60))
    row = market(1, 3, T0 + 4 * S) if kind in {EventKind.BOOK, EventKind.BBO} else event(kind, T0 + 4 * S)
    row["kind"], row["px"], row["sz"], row["px_ticks"], row["sz_lots"] = kind, 20.0, 3.0, 2_000_000, 5
    row["venue_ms"] = max(int(row["venue_ms"][0]), int(bench.st["book"]["top_ns"]) // 1_000_000 + 50)
    row["status"], row["oid"], row["seq"], row["fee_1e8"], row["cloid_lo"] = 1, S, 5, 7, 9
    if kind is EventKind.REFERENCE:
        for name, value in (("bid_px", 19.999), ("ask_px", 20.001), ("bid_sz", 3.0), ("ask_sz", 3.0)):
            row[name] = value
    row["coin"] = 1 if kind in {EventKind.LEADER, EventKind.LEAD} else row["coin"]
    before = bench.state.copy()
    bench.hear(row)
    changed = {
        name
        for name in before.dtype.names or ()
        if name not in {"clock", "counters"} and before[name].tobytes() != bench.state[name].tobytes()
    }
    assert changed or kind is EventKind.FUNDING
    assert bench.st["counters"]["heard"][kind] > before[0]["counters"]["heard"][kind]


@pytest.mark.parametrize("kind", [EventKind.BBO, EventKind.BOOK, EventKind.TRADE, EventKind.CONTEXT, EventKind.ORDER])
def test_another_coins_market_is_refused_by_name(kind: EventKind) -> None:
    bench = Bench()
    bench.start()
    before = bench.state.copy()
    bench.hear(event(kind, T0, coin=1, venue_ms=5, px=1.0, sz=1.0, status=1, px_ticks=5))
    assert bench.st["counters"]["refused"][kind] == 1
    same = [name for name in before.dtype.names or () if name != "counters"]
    assert all(before[name].tobytes() == bench.state[name].tobytes() for name in same)


def test_unknown_kinds_are_counted() -> None:
    bench = Bench()
    for number in (0, 16, 99, -1):
        row = event(EventKind.TIMER, T0)
        row["kind"] = number
        bench.hear(row)
    assert bench.st["counters"]["unknown_kinds"] == 4


def test_every_part_has_its_net() -> None:
    assert {part.name for part in PAGE} == set(PART_OFF)


SCENARIOS: dict[str, Callable[[Any], Any]] = {
    **led.SCENARIOS,
    **rush.SCENARIOS,
    "jumps": weather.jumps,
    "vov": weather.gusts,
    "particles": weather.storms,
    "regimes": weather.storms,
    "toxicity": proven,
    "evidence": taught,
    **dict.fromkeys(("learning", "informed"), knew),
    "impact": moved,
    "funding": funding.scene,
    "cascade": cascade.scene,
    "walls": walls.scene,
    "edge": edge.scene,
    "signals": signals.scene,
}
"""Parts whose effect the story does not show, with one that does: None plays it with the whole page."""


@pytest.mark.parametrize("part", list(PART_OFF))
def test_taking_a_part_off_the_page_changes_a_command(part: str, whole: list[tuple[Any, ...]]) -> None:
    scene = SCENARIOS.get(part)
    with_it = whole if scene is None else keys(scene(None).commands)
    assert keys((scene or play)(PART_OFF[part]()).commands) != with_it


def test_the_page_in_plain_python_is_the_page(whole: list[tuple[Any, ...]]) -> None:
    assert keys(play(step_with()).commands) == whole


NUDGES: dict[str, Callable[[Any], None]] = {
    "fair": lambda p: p["fair"].__setitem__("prior_weight", 0.05),
    "vol": lambda p: p["vol"].__setitem__("prior_bps", 2.0 * p["vol"]["prior_bps"]),
    "intensity": lambda p: p["intensity"].__setitem__("prior_k_count", 4.0 * p["intensity"]["prior_k_count"]),
    "depth": lambda p: p["depth"].__setitem__("prior_adverse_bps", p["depth"]["prior_adverse_bps"] + 1.0),
    "markouts": lambda p: p.__setitem__("own_prior_count", 3.0),
    "book": lambda p: p.__setitem__("stale_ns", p["stale_ns"] // 10),
    "authority": lambda p: p.__setitem__("warmup_ns", p["warmup_ns"] * 11 // 10),
    "quoting": lambda p: p.__setitem__("clip_usd", 1.1 * p["clip_usd"]),
    "skew": lambda p: p.__setitem__("max_own_skew_bps_per_usd", 0.1 * p["max_own_skew_bps_per_usd"]),
    "ladder": lambda p: p.__setitem__("level_step_bps", 1.3 * p["level_step_bps"]),
    "reconcile": lambda p: p.__setitem__("requote_ns", 20 * p["requote_ns"]),
    "viability": lambda p: p.__setitem__("optimism_errors", -5.0),
    "actions": lambda p: p.__setitem__("actions_per_s", 0.1 * p["actions_per_s"]),
}


@pytest.mark.parametrize("part", list(NUDGES))
def test_nudging_a_parameter_changes_a_command(part: str, whole: list[tuple[Any, ...]]) -> None:
    assert keys(play(nudge=NUDGES[part]).commands) != whole


def with_last_word(*rows: Any) -> list[tuple[Any, ...]]:
    """Commands of a coin at work that hears `rows` and then some more of a standing market."""
    bench = Bench(Tuning(levels=1))
    bench.start()
    bench.hear(market(400))
    now_ns = bench.quiet_book(2.0, T0 + 20 * S)
    for row in rows:
        row["recv_ns"] = now_ns
        bench.hear(row)
    bench.quiet_book(8.0, now_ns + 10 * MS)
    return keys(bench.commands)


FAR = book(T0 + 22 * S, 1_989_700, 1_990_300)
SWEEPS = [trade(T0 + 22 * S, 1, 1_999_700 - 100 * i, at_ms=1_700_000_021_900 + i) for i in range(80)]
RAW: dict[str, tuple[Any, ...]] = {
    "BOOK": (FAR,),
    "TRADE": tuple(SWEEPS),
    "CONTEXT": (
        event(EventKind.POSITION, 0, coin=0, sz_lots=900, px_ticks=2_000_000),
        event(EventKind.CONTEXT, 0, px=40.0, px_ticks=4_000_000),
    ),
    "FEED": (event(EventKind.FEED, 0, status=0),),
    "FILL": (event(EventKind.FILL, 0, coin=0, side=0, sz_lots=990, px_ticks=2_000_000, cloid_lo=1),),
    "POSITION": (event(EventKind.POSITION, 0, coin=0, sz_lots=-990, px_ticks=2_000_000),),
    "ACCOUNT": (event(EventKind.ACCOUNT, 0, px=2e4, px2=1.0, sz=-0.3),),
    "SYNC": (event(EventKind.SYNC, 0, oid=8, tid=11, bits=1),),
    "ALLOCATION": (allocation(0, 2, px2=60.0, oid=10**15),),
    "SKEW": (
        event(EventKind.FILL, 0, coin=1, side=0, sz_lots=900, px_ticks=2_000_000),
        event(EventKind.SKEW, 0, coin=1, px=0.02, seq=2),
        allocation(0, 2, oid=10**15),
    ),
    "PERMIT": (event(EventKind.PERMIT, 0, status=RiskState.KILLED),),
    "MODE": (event(EventKind.MODE, 0, status=2),),
}


@pytest.mark.parametrize("kind", list(RAW))
def test_a_raw_message_changes_an_outgoing_command(kind: str) -> None:
    rows = [row.copy() for row in RAW[kind]]
    assert with_last_word(*rows) != with_last_word(*rows[: 1 if kind == "CONTEXT" else 0])


def test_silence_is_an_input_too() -> None:
    bench = Bench()
    bench.start()
    bench.hear(market(400))
    sent = len(bench.commands)
    for i in range(60):
        bench.hear(event(EventKind.TIMER, T0 + 20 * S + i * 100 * MS))
    assert len(bench.commands) > sent


def test_the_same_history_gives_the_same_bytes() -> None:
    first, second = play(), play()
    assert first.state.tobytes() == second.state.tobytes()
    assert keys(first.commands) == keys(second.commands)


def test_a_snapshot_goes_on_where_it_was_taken() -> None:
    whole_run, first, second = Bench(TUNING), Bench(TUNING), Bench(TUNING)
    tape = market(600)
    whole_run.silent = first.silent = second.silent = True
    whole_run.start()
    whole_run.hear(tape)
    first.start()
    first.hear(tape[:300])
    second.state = np.frombuffer(first.state.tobytes(), first.state.dtype).copy()
    second.hear(tape[300:])
    assert keys(first.commands) + keys(second.commands) == keys(whole_run.commands)


def test_compiled_and_plain_code_send_the_same(whole: list[tuple[Any, ...]]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.story"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    plain = [tuple(row) for row in json.loads(done.stdout)]
    assert len(plain) == len(whole)
    for ours, theirs in zip(whole, plain, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one == pytest.approx(other, rel=1e-12, abs=1e-300) if isinstance(one, float) else one == other
