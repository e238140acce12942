"""Bad input through the whole page: a part ignores it and counts it, and every order is on the grid or withdrawn."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import EventKind, Mood
from portfolio_mm.domain.price_grid import tick_step
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.engine.why import Reason
from tests.engine.tape import COIN, MS, STEP, T0, Bench, S, bbo, book, event, market, trade, venue_ms, why

Array = np.ndarray[Any, Any]
NAN_FIELDS = ("px", "sz", "px2", "sz2")


def at_work() -> tuple[Bench, int]:
    """A coin that quotes both sides, and the time."""
    bench = Bench(Tuning(levels=2))
    bench.start()
    bench.hear(market(400))
    return bench, bench.quiet_book(3.0, T0 + 20 * S)


def assert_sound(bench: Bench, since: int = 0) -> None:
    """Orders on the grid and finite; the quote finite; the state without a NaN where a quote reads it."""
    for command in bench.commands[since:]:
        if command["kind"] != CommandKind.CANCEL:
            ticks = int(command["px_ticks"])
            assert ticks > 0
            assert ticks % tick_step(ticks, COIN.px_decimals) == 0
            assert command["sz_lots"] > 0
            assert math.isfinite(command["gain_usd"])
    quote = bench.st["quote"]
    for name in ("distance_bps", "items_bps", "adverse_bps", "rate_per_s", "own_skew_bps_per_usd", "numbers"):
        assert np.isfinite(quote[name]).all(), name


def refused(bench: Bench) -> int:
    """Everything that was refused or ignored, by the page's clock and by the parts."""
    counters = int(bench.st["counters"]["refused"].sum())
    return counters + sum(
        int(bench.st[name]["refused"]) for name in bench.state.dtype.names if has_refused(bench, name)
    )


def has_refused(bench: Bench, name: str) -> bool:
    return "refused" in (bench.state.dtype[name].names or ()) and name != "counters"


def crossed(now: int) -> Array:
    return book(now, 2_000_300, 1_999_700)


def one_sided(now: int) -> Array:
    row = book(now, 1_999_700, 0)
    row["ask_px"], row["ask_sz"] = 0.0, 0.0
    return row


def empty(now: int) -> Array:
    row = book(now, 0, 0)
    for name in ("bid_px", "ask_px", "bid_sz", "ask_sz"):
        row[name] = 0.0
    return row


def zero_size(now: int) -> Array:
    return book(now, 1_999_700, 2_000_300, (0.0, 0.0))


def nan_px(now: int) -> Array:
    row = bbo(now, 1_999_700, 2_000_300)
    row["bid_px"][0, 0] = math.nan
    return row


def late_trade(now: int) -> Array:
    return trade(now, 0, 2_000_300, at_ms=1_700_000_000_000 - 3_600_000)


def null_funding(now: int) -> Array:
    return event(EventKind.CONTEXT, now, px=20.0, px2=20.0, px_ticks=2_000_000, sz=math.nan, sz2=math.nan)


def time_back(now: int) -> Array:
    row = book(now, 1_999_700, 2_000_300)
    row["venue_ms"] -= 5_000
    return row


def ahead(row: Array, by_s: int) -> Array:
    row["venue_ms"] += 1_000 * by_s
    return row


def book_ahead(now: int) -> Array:
    return ahead(book(now, 1_999_900, 2_000_500), 3_600)


def bbo_ahead(now: int) -> Array:
    return ahead(bbo(now, 1_999_900, 2_000_500), 4)


def trade_ahead(now: int) -> Array:
    return ahead(trade(now, 0, 2_000_300), 3_600)


COUNTED: dict[str, Callable[[int], Array]] = {
    "crossed book": crossed,
    "late trade": late_trade,
    "funding null": null_funding,
    "NaN price": nan_px,
    "book from the future": book_ahead,
    "best from the future": bbo_ahead,
    "trade from the future": trade_ahead,
}
IGNORED: dict[str, Callable[[int], Array]] = {
    "time back": time_back,
    "zero-size book": zero_size,
    "late trade": late_trade,
    "book from the future": book_ahead,
    "trade from the future": trade_ahead,
}
WITHDRAWN: dict[str, Callable[[int], Array]] = {"one-sided book": one_sided, "empty book": empty}


@pytest.mark.parametrize("name", list(COUNTED))
def test_what_cannot_be_is_refused_and_counted(name: str) -> None:
    bench, now_ns = at_work()
    before, sent = refused(bench), len(bench.commands)
    mid = float(bench.st["fair"]["mid_px"])
    bench.hear(COUNTED[name](now_ns))
    assert refused(bench) > before
    assert bench.st["fair"]["mid_px"] == mid
    assert_sound(bench, sent)
    assert bench.resting(0)
    assert bench.resting(1)


@pytest.mark.parametrize("name", list(IGNORED))
def test_what_says_nothing_new_moves_no_quote(name: str) -> None:
    bench, now_ns = at_work()
    mid, px = float(bench.st["fair"]["mid_px"]), bench.st["quote"]["px_ticks"].copy()
    sent = len(bench.commands)
    bench.hear(IGNORED[name](now_ns))
    assert bench.st["fair"]["mid_px"] == mid
    assert np.array_equal(bench.st["quote"]["px_ticks"], px)
    assert len(bench.commands) == sent


@pytest.mark.parametrize("name", list(WITHDRAWN))
def test_without_a_two_sided_book_every_quote_is_withdrawn_until_it_is_back(name: str) -> None:
    bench, now_ns = at_work()
    bench.hear(WITHDRAWN[name](now_ns))
    assert why(bench, 0) is Reason.NO_BOOK
    now_ns += 300 * MS
    bench.hear(event(EventKind.TIMER, now_ns))
    assert not bench.resting(0)
    assert not bench.resting(1)
    bench.quiet_book(2.0, now_ns + 100 * MS)
    assert bench.resting(0)
    assert bench.resting(1)
    assert_sound(bench)


@pytest.mark.parametrize("row", [book_ahead, bbo_ahead, trade_ahead])
def test_a_stamp_from_the_future_does_not_stop_the_book(row: Callable[[int], Array]) -> None:
    bench, now_ns = at_work()
    bench.hear(row(now_ns))
    sent = len(bench.commands)
    bench.quiet_book(6.0, now_ns + 100 * MS, 1_999_700 + 60 * STEP, 2_000_300 + 60 * STEP)
    assert bench.st["fair"]["mid_px"] == pytest.approx(20.06)
    assert bench.resting(0)
    assert bench.resting(1)
    assert any(c["kind"] != CommandKind.CANCEL for c in bench.commands[sent:]), "the market that moved is followed"
    assert bench.st["clock"]["venue_ns"] < venue_ms(now_ns + 10 * S) * MS


def test_a_leap_that_every_frame_tells_is_believed_in_time() -> None:
    """Frames were dropped in a stall, or the clocks of the venue were set: nothing waits for ever."""
    bench, now_ns = at_work()
    for i in range(60):
        at_ns = now_ns + i * 100 * MS
        bench.hear(book_ahead(at_ns) if i % 5 == 0 else event(EventKind.TIMER, at_ns))
        assert why(bench, 0) is not Reason.STALE_BOOK
    assert bench.st["fair"]["mid_px"] == pytest.approx(20.002)
    assert bench.resting(0)
    assert bench.resting(1)


def test_frames_of_one_moment_do_not_vouch_for_each_other() -> None:
    bench, now_ns = at_work()
    venue_ns = int(bench.st["clock"]["venue_ns"])
    for i in range(20):
        bench.hear(ahead(trade(now_ns + i * MS, 0, 2_000_300), 3_600))
    bench.hear(book(now_ns + 100 * MS, 1_999_700, 2_000_300))
    bench.hear(trade_ahead(now_ns + 3 * S))
    assert bench.st["clock"]["venue_ns"] < venue_ns + 4 * S


@pytest.mark.parametrize("silent_s", [1, 60, 5 * 3_600])
def test_a_gap_is_no_leap(silent_s: int) -> None:
    bench, now_ns = at_work()
    before = int(bench.st["counters"]["refused"].sum())
    bench.hear(event(EventKind.FEED, now_ns, status=0))
    bench.hear(event(EventKind.FEED, now_ns + silent_s * S, status=1))
    bench.hear(book(now_ns + silent_s * S + MS, 1_999_700, 2_000_300))
    assert int(bench.st["counters"]["refused"].sum()) == before
    assert why(bench, 0) is not Reason.NO_BOOK


def test_the_same_trade_twice_is_one_sweep() -> None:
    bench, now_ns = at_work()
    row = trade(now_ns, 1, 1_999_000)
    bench.hear(row)
    once = bench.st["intensity"]["sweeps"].copy()
    bench.hear(row)
    assert np.array_equal(once["depth_bps"], bench.st["intensity"]["sweeps"]["depth_bps"])


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_jump_of_a_fifth_is_survived(factor: float) -> None:
    bench, now_ns = at_work()
    bid = round(1_999_700 * factor / STEP) * STEP
    now_ns = bench.quiet_book(0.5, now_ns, bid, bid + 6 * STEP)
    assert_sound(bench)
    bench.quiet_book(60.0, now_ns, bid, bid + 6 * STEP)
    assert_sound(bench)
    bench.hear(bbo(now_ns + 61 * S, bid, bid + 6 * STEP))
    assert bench.st["fair"]["mid_px"] == pytest.approx((bid + 3 * STEP) / 1e5)
    assert bench.st["vol"]["sigma_bps"] <= 100.0
    assert all(leg["px_ticks"] < bid + 6 * STEP for leg in bench.resting(0))
    assert all(leg["px_ticks"] > bid for leg in bench.resting(1))


@pytest.mark.parametrize(("bid", "ask"), [(999_990, 1_000_010), (9_999_000, 10_000_000), (99_999, 100_010)])
def test_quotes_stay_on_the_grid_where_the_tick_changes(bid: int, ask: int) -> None:
    """Five significant figures: the tick is ten times wider above a power of ten (HL §6.1)."""
    bench = Bench(Tuning(levels=3))
    bench.start()
    now_ns = T0
    for i in range(300):
        row = bbo(now_ns, bid, ask, (2_000.0, 2_000.0)) if i % 5 == 0 else event(EventKind.TIMER, now_ns)
        bench.hear(row)
        now_ns += 100 * MS
    assert bench.commands
    assert_sound(bench)


def test_a_delisted_coin_is_left() -> None:
    bench, now_ns = at_work()
    bench.hear(event(EventKind.MODE, now_ns, status=2, oid=int(Mood.DELISTED)))
    bench.quiet_book(1.0, now_ns + MS)
    assert why(bench, 0) is Reason.DELISTED
    assert not bench.resting(0)
    assert not bench.resting(1)


def spoilt(rng: np.random.Generator, tape: Array) -> Array:
    """The tape with one event in ten spoilt: NaN, infinite, negative, zero, late, twice, crossed, another coin's."""
    rows = tape.copy()
    for i in np.flatnonzero(rng.random(len(rows)) < 0.1):
        kind = int(rng.integers(0, 8))
        field = NAN_FIELDS[int(rng.integers(0, 4))]
        if kind == 0:
            rows[field][i] = rng.choice([math.nan, math.inf, -math.inf, -1.0, 0.0, 1e308])
        elif kind == 1:
            rows["bid_px"][i, int(rng.integers(0, 5))] = rng.choice([math.nan, math.inf, -1.0, 0.0])
        elif kind == 2:
            rows["ask_sz"][i] = 0.0
        elif kind == 3:
            rows["venue_ms"][i] += int(rng.integers(-(10**8), 10**8))
        elif kind == 4:
            rows["bid_ticks"][i], rows["ask_ticks"][i] = rows["ask_ticks"][i], rows["bid_ticks"][i]
        elif kind == 5:
            rows["recv_ns"][i] -= int(rng.integers(0, 10**11))
        elif kind == 6 and i > 0:
            rows[i] = rows[i - 1]
        else:
            rows["coin"][i] = rng.integers(-2, 70)
    return rows


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(some.integers(0, 10**6))
def test_no_spoilt_tape_makes_an_order_that_cannot_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bench = Bench(Tuning(levels=2))
    bench.start()
    bench.hear(spoilt(rng, market(500, seed=seed % 100 + 1)))
    assert_sound(bench)
    now_ns = max(int(bench.st["clock"]["recv_ns"]), T0) + S
    bench.state["clock"]["base_recv_ns"] = 0
    assert np.isfinite(bench.st["fair"]["fair_px"]) or bench.st["fair"]["ready"] == 0
    bench.hear(event(EventKind.TIMER, now_ns))
    assert_sound(bench)
