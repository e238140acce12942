"""Our queue model beside hftbacktest: the same tape, orders and queue model; speed, fills and their times.

hftbacktest pins an older NumPy, so it has an environment of its own beside the project's:

    python3 -m venv .venv-hftbacktest && .venv-hftbacktest/bin/pip install hftbacktest==2.4.4

docs/venue-fills.md explains each difference in the fills.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import numba as nb
import numpy as np

from portfolio_mm.domain.units import BUY, SIDES, SIGN
from portfolio_mm.matching.book_kernels import FILL, PRINT
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.queue import BUFFER
from portfolio_mm.matching.queue_fills import ALO, place_own
from portfolio_mm.matching.queue_state import N_OWN, new_queue
from portfolio_mm.matching.queue_tape import TapeKind, apply_event, take_own
from portfolio_mm.models.cancel_split import CancelModel
from portfolio_mm.venue.flows.recording import Recording
from scripts.bench.replay import recording
from scripts.bench.row import Row, say

Array = np.ndarray[Any, Any]
ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venv-hftbacktest/bin/python"
SETUP: Final = "skipped: see scripts/bench/hft.py for its environment"
EXPONENT: Final = 2.0
EVERY_MS: Final = 1_000
LIFE_MS: Final = 5_000
ORDER_USD: Final = 2_000.0
SHOWN: Final = 10
DEPTH, TRADE = 1, 2
EXCH, LOCAL, BUYS, SELLS = 1 << 31, 1 << 30, 1 << 29, 1 << 28
FEED: Final = np.dtype(
    [
        ("ev", "u8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("order_id", "u8"),
        ("ival", "i8"),
        ("fval", "f8"),
    ],
    align=True,
)


class Intent(NamedTuple):
    """One order: placed and cancelled half a millisecond after these times."""

    oid: int
    ms: int
    side: int
    px: int
    lots: int


def intents(rec: Recording) -> list[Intent]:
    """Each second one post-only order a side at the recorded best price, of about ORDER_USD."""
    found: list[Intent] = []
    bid = ask = 0
    due = int(rec.events["ms"][0]) + EVERY_MS
    lots_a_usd = 10.0**6  # ticks times lots are millionths of a USD
    for event in rec.events:
        while event["ms"] > due:
            if bid and ask:
                lots = max(1, round(ORDER_USD * lots_a_usd / bid))
                found += [Intent(len(found) + 1 + side, due, side, (bid, ask)[side], lots) for side in SIDES]
            due += EVERY_MS
        if event["kind"] == TapeKind.BBO:
            bid, ask = int(event["px_ticks"]), int(event["ask_ticks"])
        elif event["kind"] == TapeKind.BOOK:
            bid, ask = (int(px) for px in rec.snapshots[event["row"], :, 0, 0])
    return found


def ours(rec: Recording, orders: list[Intent]) -> tuple[dict[int, int], dict[int, int], float]:
    """(lots filled, ms of the last fill) by order, and seconds of processor time, the best of three."""
    actions = np.array(
        sorted(
            [(row.ms + life, 0 if life else 1, *row) for row in orders for life in (0, LIFE_MS)],
            key=lambda row: row[:2],
        ),
        np.int64,
    )
    fills, prints, gone = np.zeros(BUFFER, FILL), np.zeros(BUFFER, PRINT), np.zeros(N_OWN, np.int64)
    lots, when = np.zeros((2, len(orders) + 1), np.int64)
    best_s = float("inf")
    for turn in range(4):
        queue = new_queue(FillModel(CancelModel.POWER, EXPONENT))
        lots, when = np.zeros((2, len(orders) + 1), np.int64)
        start = time.process_time()
        _drive(queue, rec.events, rec.snapshots, actions, fills, prints, gone, lots, when)
        if turn:  # the first one compiles
            best_s = min(best_s, time.process_time() - start)
    found = np.flatnonzero(lots).tolist()
    return {oid: int(lots[oid]) for oid in found}, {oid: int(when[oid]) for oid in found}, best_s


@nb.njit
def _drive(  # noqa: PLR0917 - flat arguments
    queue: Any, events: Any, snapshots: Any, actions: Any, fills: Any, prints: Any, gone: Any, lots: Any, when: Any
) -> None:
    """Events and actions in order of time, an action after the events of its millisecond; fills by maker."""
    at = 0
    for i in range(len(actions)):
        ms, places, oid, _, side, px, size = actions[i]
        while at < len(events) and events[at].ms <= ms:
            n, _ = apply_event(queue[0], events[at], snapshots, fills, 0, prints, 0)
            for k in range(n):
                lots[fills[k].maker_oid] += fills[k].sz_lots
                when[fills[k].maker_oid] = events[at].ms
            at += 1
        if places:
            place_own(queue, 0, oid, 1, side, px, size, ALO, fills, gone)
        else:
            take_own(queue, 0, oid, 1 << 62)


def feed(rec: Recording) -> Array:
    """The tape in hftbacktest's events: trades as they are, books as changes of their levels."""
    rows: list[tuple[int, int, float, float]] = []
    known: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for event in rec.events:
        ms = int(event["ms"])
        if event["kind"] == TapeKind.TRADE:
            flag = TRADE | (BUYS if event["side"] == BUY else SELLS)
            rows.append((flag, ms, float(event["px_ticks"]), float(event["sz_lots"])))
            continue
        for side in SIDES:
            _change(rows, ms, side, known[side], _shown(rec, event, side))
    out = np.zeros(len(rows), FEED)
    flags, ms, px, qty = np.array(rows).T
    tick, lot = 10.0 ** (rec.sz_decimals - 6), 10.0**-rec.sz_decimals
    out["ev"] = flags.astype(np.int64) | EXCH | LOCAL
    # a nanosecond apart, so that nothing sorts them anew
    out["exch_ts"] = out["local_ts"] = ms.astype(np.int64) * 1_000_000 + np.arange(len(rows)) % 400_000
    out["px"], out["qty"] = px * tick, qty * lot
    return out


def _shown(rec: Recording, event: Any, side: int) -> tuple[dict[int, int], bool]:
    """(lots by price, whether it is a full book) of one side."""
    if event["kind"] == TapeKind.BOOK:
        return {int(px): int(lots) for px, lots, _ in rec.snapshots[event["row"], side] if px}, True
    px, lots = ("px_ticks", "sz_lots") if side == BUY else ("ask_ticks", "ask_lots")
    return ({int(event[px]): int(event[lots])} if event[px] else {}), False


def _change(
    rows: list[tuple[int, int, float, float]],
    ms: int,
    side: int,
    known: dict[int, int],
    seen: tuple[dict[int, int], bool],
) -> None:
    levels, full = seen
    flag = DEPTH | (BUYS if side == BUY else SELLS)
    best = max((SIGN[side] * px for px in levels), default=None)
    last = min((SIGN[side] * px for px in levels), default=None)
    for px in list(known):
        better = best is None or SIGN[side] * px > best
        within = full and last is not None and SIGN[side] * px >= last and px not in levels
        if better or within:
            del known[px]
            rows.append((flag, ms, float(px), 0.0))
    for px, lots in levels.items():
        if known.get(px) != lots:
            known[px] = lots
            rows.append((flag, ms, float(px), float(lots)))


def theirs(rec: Recording, orders: list[Intent], events: Array, python: str) -> tuple[Array, Array, int, float]:
    """(size left, ns of the last fill) by order id, actions done, seconds."""
    tick, lot = 10.0 ** (rec.sz_decimals - 6), 10.0**-rec.sz_decimals
    half = 500_000
    ends = [(row.ms * 1_000_000 + half, 1, row) for row in orders]
    ends += [((row.ms + LIFE_MS) * 1_000_000 + half, 0, row) for row in orders]
    actions = np.array(
        [(ts, 1 - places, row.oid, row.side, row.px * tick, row.lots * lot) for ts, places, row in sorted(ends)]
    )
    with tempfile.TemporaryDirectory() as folder:
        tape, result = Path(folder) / "tape.npz", Path(folder) / "result.npz"
        np.savez(tape, feed=events, actions=actions, tick=tick, lot=lot, exponent=EXPONENT)
        subprocess.run([python, str(Path(__file__).with_name("hftbacktest_side.py")), tape, result], check=True)
        found = np.load(result)
        return found["left"], found["when"], int(found["done"]), float(found["seconds"])


def run() -> list[Row]:
    """One coin of the recorded set, or of a synthetic one."""
    rec, name = recording()
    orders = intents(rec)
    filled, when, ours_s = ours(rec, orders)
    n = len(rec.events)
    python = os.environ.get("PORTFOLIO_MM_HFTBACKTEST", str(PYTHON))
    if not Path(python).exists():
        return [Row(f"queue model on {name}, {len(orders)} orders", n / ours_s / 1e6, "M/s", note=SETUP)]
    events = feed(rec)
    left, their_ns, done, theirs_s = theirs(rec, orders, events, python)
    say(f"hftbacktest came to action {done} of {2 * len(orders)}")
    orders = orders[: done // 2 - LIFE_MS * 2 // EVERY_MS]
    filled = {oid: filled[oid] for oid in filled if oid <= len(orders)}
    lot = 10.0**-rec.sz_decimals
    their_lots = {row.oid: row.lots - round(left[row.oid] / lot) for row in orders}
    both = [row for row in orders if filled.get(row.oid) and their_lots[row.oid]]
    one_of_us = [row for row in orders if bool(filled.get(row.oid)) != bool(their_lots[row.oid])]
    later = [when[row.oid] - int(their_ns[row.oid]) // 1_000_000 for row in both]
    for row in one_of_us[:SHOWN]:
        say(f"only one fills {row}: {filled.get(row.oid, 0)} lots here, {their_lots[row.oid]} there")
    same = sum(filled.get(row.oid, 0) == their_lots[row.oid] for row in orders)
    total = (sum(filled.values()), sum(their_lots.values()))
    note = f"{n} events ({len(events)} changes of levels there), {len(orders)} orders"
    at_once = sum(gap == 0 for gap in later)
    return [
        Row(
            f"queue model on {name} with orders", n / ours_s / 1e6, "M/s", n / theirs_s / 1e6, "hftbacktest 2.4.4", note
        ),
        Row(
            "orders filled at least in part",
            sum(map(bool, filled.values())),
            "orders",
            sum(lots > 0 for lots in their_lots.values()),
            "hftbacktest 2.4.4",
            f"{same} of {len(orders)} orders fill by the same lots, {total[0]} lots against {total[1]}",
        ),
        Row(
            "last fills in the same millisecond",
            at_once,
            "orders",
            len(both),
            "orders both fill",
            f"the others differ by {np.median([abs(g) for g in later if g] or [0]):.0f} ms at the median",
        ),
    ]


if __name__ == "__main__":
    for row in run():
        say(str(row))
