"""What stops a coin, bounds it, or makes it wait. One rule per test, through the page."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.cloid import decode
from portfolio_mm.domain.commands import REDUCE_ONLY, SAFETY, CommandKind
from portfolio_mm.domain.events import LAST, CoinMode, EventKind, Mood
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.engine.why import Reason
from tests.engine.tape import MS, STEP, T0, Bench, S, allocation, book, event, permit, running, why

ONE = Tuning(levels=1)


@pytest.mark.parametrize("side", [0, 1])
def test_a_post_only_never_crosses_the_freshest_book(side: int) -> None:
    bench, _ = running(Tuning(levels=3, level_step_bps=0.5))
    raw = bench.st["book"]["raw_ticks"]
    for leg in bench.resting(side):
        assert leg["px_ticks"] < raw[1] if side == 0 else leg["px_ticks"] > raw[0]


def test_silence_pulls_every_quote_for_free() -> None:
    bench, now_ns = running()
    sent = len(bench.commands)
    for i in range(70):
        bench.hear(event(EventKind.TIMER, now_ns + i * 100 * MS))
    pulled = bench.commands[sent:]
    assert {(c["kind"], c["bits"]) for c in pulled} == {(CommandKind.CANCEL, SAFETY)}
    assert not bench.resting(0)
    assert why(bench, 0) is Reason.STALE_BOOK


def test_a_repeated_old_frame_is_not_fresh() -> None:
    bench, now_ns = running()
    frame = book(now_ns, 1_999_700, 2_000_300)
    for i in range(70):
        frame["recv_ns"] = now_ns + i * 100 * MS
        bench.hear(frame)
    assert why(bench, 1) is Reason.STALE_BOOK


@pytest.mark.parametrize(
    ("last_word", "reason"),
    [
        (event(EventKind.FEED, 0, status=0), Reason.FEED_DOWN),
        (event(EventKind.PERMIT, 0, status=RiskState.KILLED), Reason.KILLED),
        (event(EventKind.PERMIT, 0, status=RiskState.CANCEL_ONLY, oid=S), Reason.RISK_CANCEL_ONLY),
        (event(EventKind.PERMIT, 0, status=RiskState.GREEN, oid=0), Reason.NO_PERMIT),
        (event(EventKind.MODE, 0, status=CoinMode.CANCEL_ONLY), Reason.MODE_CANCEL_ONLY),
        (event(EventKind.MODE, 0, status=CoinMode.CANCEL_ONLY, oid=Mood.DELISTED), Reason.DELISTED),
        (event(EventKind.MODE, 0, status=CoinMode.CANCEL_ONLY, oid=Mood.HALTED), Reason.HALTED),
        (event(EventKind.MODE, 0, status=CoinMode.CANCEL_ONLY, oid=99), Reason.MODE_CANCEL_ONLY),
        (event(EventKind.MODE, 0, status=7), Reason.MODE_CANCEL_ONLY),
        (event(EventKind.MODE, 0, status=-1), Reason.MODE_CANCEL_ONLY),
        (event(EventKind.PERMIT, 0, status=-1, oid=S), Reason.RISK_CANCEL_ONLY),
        (event(EventKind.PERMIT, 0, status=5, oid=S), Reason.KILLED),
    ],
)
def test_what_forbids_trading_pulls_at_once(last_word: Any, reason: Reason) -> None:
    bench, now_ns = running()
    sent = len(bench.commands)
    last_word["recv_ns"] = now_ns
    bench.hear(last_word)
    pulled = bench.commands[sent:]
    assert len(pulled) == 2
    assert all(c["kind"] == CommandKind.CANCEL and c["bits"] == SAFETY for c in pulled)
    assert why(bench, 0) is why(bench, 1) is reason


def test_a_permit_runs_out_by_the_timer_alone() -> None:
    bench, now_ns = running()
    bench.hear(permit(now_ns, left_s=1.0))
    bench.quiet_book(0.9, now_ns + 10 * MS)
    assert bench.resting(0)
    bench.hear(event(EventKind.TIMER, now_ns + 1_100 * MS))
    assert why(bench, 0) is Reason.NO_PERMIT


def test_a_late_lease_counts_from_its_own_stamp() -> None:
    bench, now_ns = running()
    bench.hear(book(now_ns + 4 * S, 1_999_700, 2_000_300))
    assert bench.resting(0)
    bench.hear(permit(now_ns + 500 * MS, left_s=3.0))
    assert why(bench, 0) is Reason.NO_PERMIT
    bench.hear(permit(now_ns + 4 * S, left_s=3.0))
    bench.hear(allocation(now_ns + 500 * MS, 2, oid=3 * S))
    bench.hear(event(EventKind.TIMER, now_ns + 4_100 * MS))
    assert why(bench, 0) is Reason.NO_ALLOCATION


@pytest.mark.parametrize("how", ["allocation", "risk", "mode"])
def test_reduce_only_keeps_the_reducing_side_alone(how: str) -> None:
    bench, now_ns = running()
    bench.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=400, px_ticks=2_000_000))
    if how == "allocation":
        bench.hear(allocation(now_ns, 2, oid=S))
    elif how == "risk":
        bench.hear(permit(now_ns, RiskState.REDUCE_ONLY, 1e6))
    else:
        bench.hear(event(EventKind.MODE, now_ns, status=CoinMode.REDUCE_ONLY))
    sent = len(bench.commands)
    now_ns = bench.quiet_book(4.0, now_ns + 10 * MS)
    assert not bench.resting(0)
    assert bench.resting(1), "what rests within the position may stay: its queue position is worth something"
    bench.quiet_book(2.0, now_ns, 1_999_700 + 60 * STEP, 2_000_300 + 60 * STEP)
    creates = [c for c in bench.commands[sent:] if c["kind"] != CommandKind.CANCEL]
    assert creates
    assert all(c["bits"] == REDUCE_ONLY and c["side"] == 1 for c in creates)
    assert sum(int(leg["lots"]) for leg in bench.resting(1)) <= 400


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (Mood.OI_CAP, Reason.OI_CAPPED),
        (Mood.ORACLE_SILENT, Reason.ORACLE_SILENT),
        (Mood.MONEY_ELSEWHERE, Reason.MONEY_ELSEWHERE),
        (Mood.NONE, Reason.MODE_REDUCE_ONLY),
    ],
)
def test_a_mood_of_the_venue_takes_the_quotes_and_says_itself(mood: Mood, reason: Reason) -> None:
    bench, now_ns = running()
    assert bench.resting(0)
    bench.hear(event(EventKind.MODE, now_ns, status=CoinMode.REDUCE_ONLY, oid=mood))
    now_ns = bench.quiet_book(2.0, now_ns + 10 * MS)
    assert not bench.resting(0)
    assert why(bench, 0) is why(bench, 1) is reason
    bench.hear(event(EventKind.MODE, now_ns, status=CoinMode.TRADE))
    bench.quiet_book(5.0, now_ns + 10 * MS)
    assert bench.resting(0)


def test_a_dust_position_is_closed_whole_below_the_minimum() -> None:
    bench, now_ns = running()
    bench.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=3, px_ticks=2_000_000))
    bench.hear(event(EventKind.MODE, now_ns, status=CoinMode.REDUCE_ONLY))
    bench.quiet_book(3.0, now_ns + 10 * MS)
    asks = [c for c in bench.commands if c["kind"] != CommandKind.CANCEL and c["bits"] == REDUCE_ONLY]
    assert asks
    assert {int(c["sz_lots"]) for c in asks} == {3}


@pytest.mark.parametrize("limit_usd", [0.0, 3.0])
def test_a_dust_position_is_closed_while_trading_too(limit_usd: float) -> None:
    """The venue takes less than its minimum only from an order that is reduce-only."""
    bench, now_ns = running()
    bench.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=3, px_ticks=2_000_000))
    bench.hear(allocation(now_ns, 2, px2=limit_usd, oid=10**15))
    sent = len(bench.commands)
    bench.quiet_book(5.0, now_ns + 10 * MS)
    creates = [c for c in bench.commands[sent:] if c["kind"] != CommandKind.CANCEL]
    assert {(int(c["side"]), int(c["sz_lots"]), int(c["bits"])) for c in creates} == {(1, 3, REDUCE_ONLY)}
    assert [int(leg["lots"]) for leg in bench.resting(1)] == [3]


@pytest.mark.parametrize("side", [0, 1])
def test_the_limit_holds_in_the_worst_case(side: int) -> None:
    bench, now_ns = running(Tuning(levels=3))
    bench.hear(allocation(now_ns, 2, px2=400.0, oid=10**15))
    bench.quiet_book(5.0, now_ns + 10 * MS)
    working = sum(int(leg["lots"]) for leg in bench.resting(side))
    assert 0 < working * 2.0 <= 400.0 * 1.02


def test_at_the_limit_says_so() -> None:
    bench, now_ns = running()
    bench.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=1_000, px_ticks=2_000_000))
    bench.quiet_book(2.0, now_ns + 10 * MS)
    assert why(bench, 0) is Reason.AT_LIMIT
    assert not bench.resting(0)
    assert bench.resting(1)


def test_a_small_budget_makes_fewer_levels() -> None:
    bench, now_ns = running(Tuning(levels=3, clip_usd=20.0))
    assert len(bench.resting(0)) == 3
    bench.hear(allocation(now_ns, 2, px2=25.0, oid=10**15))
    bench.quiet_book(5.0, now_ns + 10 * MS)
    assert len(bench.resting(0)) == 1


def test_no_order_under_the_minimum() -> None:
    bench, _ = running(Tuning(levels=3, clip_usd=10.1))
    for command in bench.commands:
        if command["kind"] != CommandKind.CANCEL:
            assert command["px_ticks"] * command["sz_lots"] * 1e-6 >= 10.0


def test_a_higher_fee_widens_by_more_than_nothing_and_can_forbid() -> None:
    cheap, now_ns = running(fee_bps=-0.3)
    before = cheap.st["quote"]["distance_bps"].copy()
    cheap.hear(event(EventKind.ACCOUNT, now_ns, px=2e4, px2=2e4, sz=0.7, sz2=4.5))
    assert np.all(cheap.st["quote"]["distance_bps"] > before + 0.5)
    cheap.hear(event(EventKind.ACCOUNT, now_ns, px=2e4, px2=2e4, sz=40.0, sz2=45.0))
    assert why(cheap, 0) is Reason.CANNOT_PAY


def test_a_refused_side_waits_by_class_and_the_other_goes_on() -> None:
    bench = Bench(ONE)
    bench.refuse = Refusal.RATE_LIMIT
    bench.start()
    bench.quiet_book(26.0, T0)
    places = [c for c in bench.commands if c["side"] == 0]
    assert 1 <= len(places) <= 3, "10 s, then 20 s"
    assert why(bench, 0) is Reason.BACKING_OFF
    bench.refuse = Refusal.NONE
    bench.quiet_book(30.0, T0 + 26 * S)
    assert bench.resting(0)


def test_crossing_refusals_are_retried_soon_but_never_in_a_storm() -> None:
    bench = Bench(ONE)
    bench.refuse = Refusal.WOULD_CROSS
    bench.start()
    bench.quiet_book(25.0, T0)
    assert 4 <= len([c for c in bench.commands if c["side"] == 0]) <= 9


def test_an_unanswered_order_is_cancelled_after_a_while() -> None:
    bench = Bench(ONE)
    bench.silent = True
    bench.start()
    bench.quiet_book(9.0, T0)
    kinds = [int(c["kind"]) for c in bench.commands]
    assert kinds[:2] == [CommandKind.PLACE, CommandKind.PLACE]
    assert not any(kind == CommandKind.CANCEL for kind in kinds)
    bench.quiet_book(3.0, T0 + 9 * S)
    assert {int(c["bits"]) for c in bench.commands if c["kind"] == CommandKind.CANCEL} == {SAFETY}


def test_a_resync_forgets_orders_the_gateway_does_not_name() -> None:
    bench, now_ns = running()
    kept = bench.resting(0)[0]
    bench.hear(event(EventKind.SYNC, now_ns, oid=4, tid=11))
    row = event(EventKind.ORDER, now_ns, status=OrderEvent.ACCEPTED, side=0, oid=9, bits=LAST)
    row["px_ticks"], row["sz_lots"] = kept["px_ticks"], kept["placed_lots"] or 74
    row["cloid_hi"], row["cloid_lo"] = 167, 12345
    assert bench.hear(row) >= 1, "the side whose order is gone is quoted again"
    assert len(bench.resting(0)) == 1
    assert bench.commands[-1]["side"] == 1
    assert decode(int(bench.commands[-1]["cloid_hi"]), int(bench.commands[-1]["cloid_lo"])).epoch == 4


def test_nothing_is_sent_before_the_gateway_is_there() -> None:
    bench = Bench()
    bench.quiet_book(20.0, T0)
    assert not bench.commands
    assert why(bench, 0) is Reason.NOT_CONNECTED


@pytest.mark.parametrize("lots", [0, 400])
def test_without_a_word_about_money_nothing_is_opened(lots: int) -> None:
    bench = Bench(ONE)
    bench.hear(event(EventKind.SYNC, T0 - 1, oid=3, tid=11, bits=LAST))
    bench.hear(permit(T0 - 1, left_s=1e6))
    bench.hear(allocation(T0 - 1, oid=10**15))
    bench.hear(event(EventKind.POSITION, T0 - 1, coin=0, sz_lots=lots, px_ticks=2_000_000))
    now_ns = bench.quiet_book(20.0, T0)
    assert not bench.resting(0)
    assert why(bench, 0) is Reason.NO_COLLATERAL
    assert bool(bench.resting(1)) == (lots > 0), "a position may be closed without"
    bench.hear(event(EventKind.ACCOUNT, now_ns, px=20_000.0, px2=20_000.0, sz=-0.3, sz2=4.5))
    bench.quiet_book(5.0, now_ns + MS)
    assert bench.resting(0)
