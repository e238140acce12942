"""What a coin quotes, and when it moves. One rule per test, through the page."""

import math

import numpy as np
import pytest

from portfolio_mm.domain.cloid import decode, is_ours
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.engine.attribution import OWN, TARGET
from portfolio_mm.engine.report import read
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.engine.why import Reason
from tests.engine.tape import COIN, MS, STEP, T0, Bench, S, allocation, bbo, book, event, market, running, why

ONE = Tuning(levels=1)


def test_first_quote_within_half_a_minute_without_any_trade() -> None:
    bench = Bench(fee_bps=1.5)
    bench.start()
    bench.quiet_book(30.0, T0)
    assert bench.resting(0)
    assert bench.resting(1)


def test_listens_before_it_speaks() -> None:
    bench = Bench()
    bench.start()
    bench.quiet_book(4.0, T0)
    assert not bench.commands
    assert why(bench, 0) is Reason.WARMING_UP


def test_quotes_both_sides_around_fair() -> None:
    bench, _ = running()
    bid, ask = bench.resting(0)[0]["px_ticks"], bench.resting(1)[0]["px_ticks"]
    fair = bench.st["fair"]["fair_px"] * 1e5
    assert bid < fair < ask
    assert bid % STEP == ask % STEP == 0


def test_a_command_names_the_event_that_caused_it() -> None:
    bench = Bench(ONE)
    bench.start()
    tape = market(1_500)
    bench.hear(tape)
    heard = {(int(row["recv_ns"]), int(row["kind"])) for row in tape}
    caused = {(int(command["cause_ns"]), int(command["cause"])) for command in bench.commands}
    kinds = {kind for at_ns, kind in caused & heard}
    assert kinds >= {EventKind.BBO, EventKind.TIMER}
    assert {kind for _, kind in caused - heard} <= {EventKind.ORDER}, "the answers of the bench's own gateway"


def test_a_cloid_says_whose_order_it_is() -> None:
    bench, _ = running(Tuning(levels=2))
    for command in bench.commands:
        if command["kind"] != CommandKind.CANCEL:
            name = decode(int(command["cloid_hi"]), int(command["cloid_lo"]))
            assert is_ours(int(command["cloid_hi"]))
            assert (name.run, name.coin, name.epoch) == (11, COIN.index, 3)
            assert (name.side, name.level) == (command["side"], command["level"])
    names = {(int(c["cloid_hi"]), int(c["cloid_lo"])) for c in bench.commands if c["kind"] != CommandKind.CANCEL}
    assert len(names) == sum(c["kind"] != CommandKind.CANCEL for c in bench.commands)


def test_own_orders_are_not_the_market() -> None:
    """Our bid alone improves the public book: fair value must not follow it."""
    bench, now_ns = running()
    before = float(bench.st["fair"]["fair_px"])
    leg = bench.resting(0)[0]
    lots = int(leg["lots"])
    inside = 1_999_900
    leg["px_ticks"] = inside
    bench.hear(bbo(now_ns, inside, 2_000_300, (lots / 10, 40.0)))
    assert bench.st["book"]["ticks"][0] == 1_999_700
    assert bench.st["fair"]["fair_px"] == pytest.approx(before, rel=1e-9)
    bench.hear(bbo(now_ns + 50 * MS, inside, 2_000_300, (lots / 10 + 5.0, 40.0)))
    assert bench.st["book"]["ticks"][0] == inside
    assert bench.st["book"]["sz"][0] == pytest.approx(5.0)


def test_inventory_moves_both_quotes_towards_selling() -> None:
    flat, _ = running()
    long, now_ns = running()
    long.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=300, px_ticks=2_000_000))
    long.quiet_book(1.0, now_ns)
    for side, sign in ((0, 1.0), (1, -1.0)):
        assert sign * (long.st["quote"]["distance_bps"][side] - flat.st["quote"]["distance_bps"][side]) > 0.0


def test_inventory_of_another_coin_moves_the_quotes_in_the_same_event() -> None:
    bench, now_ns = running()
    bench.hear(event(EventKind.SKEW, now_ns, coin=0, px=0.004, seq=2))
    bench.hear(event(EventKind.SKEW, now_ns, coin=1, px=0.003, seq=2))
    bench.hear(allocation(now_ns, 2, oid=10**15))
    before = bench.st["quote"]["distance_bps"].copy()
    bench.hear(event(EventKind.FILL, now_ns, coin=1, side=0, sz_lots=500, px_ticks=1_000_000))
    after = bench.st["quote"]["distance_bps"]
    assert after[0] - before[0] == pytest.approx(0.003 * 500.0)
    assert after[1] - before[1] == pytest.approx(-0.003 * 500.0)


def test_a_target_is_where_the_skew_vanishes() -> None:
    bench, now_ns = running()
    bench.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=200, px_ticks=2_000_000))
    bench.hear(event(EventKind.CONTEXT, now_ns, px=20.0, px_ticks=2_000_000))
    bench.hear(allocation(now_ns, 2, px=400.0, oid=10**15))
    bench.hear(event(EventKind.TIMER, now_ns + MS))
    items = bench.st["quote"]["items_bps"][0]
    assert items[OWN] > 0.0
    assert items[OWN] + items[TARGET] == pytest.approx(0.0, abs=1e-12)


def test_a_side_that_cannot_pay_says_so_with_numbers() -> None:
    bench = Bench(fee_bps=1.5)
    bench.start()
    for i in range(600):
        now_ns = T0 + i * 50 * MS
        bench.hear(book(now_ns, 1_999_990, 2_000_000) if i % 10 == 0 else event(EventKind.TIMER, now_ns))
    bench.params["intensity"]["prior_a_per_s"] = 1e-6
    assert read(bench.state, bench.params).sides[0].reason in {"QUOTING", "CANNOT_PAY"}
    bench.hear(event(EventKind.ACCOUNT, T0 + 31 * S, px=2e4, px2=2e4, sz=40.0, sz2=45.0))
    side = read(bench.state, bench.params).sides[0]
    assert side.reason == "CANNOT_PAY"
    assert "maker fee 40.00 bps" in side.reason_text
    assert "break-even" in side.reason_text


def test_inventory_is_reduced_even_where_no_quote_pays() -> None:
    bench, now_ns = running()
    bench.hear(event(EventKind.POSITION, now_ns, coin=0, sz_lots=300, px_ticks=2_000_000))
    bench.hear(event(EventKind.ACCOUNT, now_ns, px=2e4, px2=2e4, sz=40.0, sz2=45.0))
    bench.quiet_book(5.0, now_ns + 10 * MS)
    assert why(bench, 0) is Reason.CANNOT_PAY
    assert not bench.resting(0)
    asks = bench.resting(1)
    assert asks
    assert bench.st["quote"]["px_ticks"][1, 0] <= 2_000_900, "near the touch: fee and loss are the price of getting out"
    assert asks[0]["px_ticks"] <= 2_001_000, "one more action is not worth what is left"


def test_a_standing_market_costs_no_actions() -> None:
    bench, now_ns = running(Tuning(levels=2), seconds=60.0)
    sent = len(bench.commands)
    bench.quiet_book(60.0, now_ns)
    assert len(bench.commands) - sent <= 4


def test_a_small_move_keeps_the_queue_and_a_large_one_does_not() -> None:
    bench, now_ns = running(seconds=60.0)
    sent = len(bench.commands)
    now_ns = bench.quiet_book(1.0, now_ns, 1_999_700 + STEP // 1, 2_000_300 + STEP)
    assert len(bench.commands) == sent
    bench.quiet_book(1.0, now_ns, 1_999_700 + 40 * STEP, 2_000_300 + 40 * STEP)
    assert len(bench.commands) > sent


def test_an_order_in_the_way_of_our_own_other_side_is_moved_although_it_gains_little() -> None:
    bench, now_ns = running(ONE, seconds=60.0)
    now_ns = bench.quiet_book(2.0, now_ns)
    sent = len(bench.commands)
    leg = bench.st["orders"]["slots"][0, 0]["leg"][0]
    leg["px_ticks"] = bench.st["quote"]["px_ticks"][1, 0]  # as after a fall nobody told us of in time
    leg["lots"], bench.params["action_price_usd"] = bench.st["quote"]["lots"][0, 0], 1.0
    bench.quiet_book(2.0, now_ns)
    moved = [c for c in bench.commands[sent:] if c["kind"] == CommandKind.MODIFY and c["side"] == 0]
    assert moved


def test_a_dear_action_moves_fewer_orders() -> None:
    counts = []
    for price in (0.0001, 0.05):
        bench = Bench(ONE)
        bench.start()
        bench.hear(allocation(T0 - 1, 2, sz=price, oid=10**15))
        bench.hear(market(3_000))
        counts.append(len(bench.commands))
    assert counts[1] < counts[0] // 2


def test_every_create_says_what_it_gains_and_beats_the_price() -> None:
    bench, _ = running(Tuning(levels=2))
    creates = [c for c in bench.commands if c["kind"] != CommandKind.CANCEL]
    assert creates
    assert all(c["gain_usd"] > 0.0005 and c["fair_px"] > 0.0 and c["cause_ns"] > 0 for c in creates)


def test_items_sum_to_the_quoted_price() -> None:
    bench = Bench(Tuning(levels=2))
    bench.start()
    checked = 0
    tape = market(2_000, seed=5)
    for i in range(len(tape)):
        bench.hear(tape[i : i + 1])
        quote = bench.st["quote"]
        for side in (0, 1):
            if quote["quoting"][side]:
                sign = 1.0 - 2.0 * side
                px = quote["px_ticks"][side, 0] / 1e5
                distance = sign * (quote["mid_px"] - px) / quote["mid_px"] * 1e4
                assert math.fsum(quote["items_bps"][side]) == pytest.approx(distance, abs=1e-9)
                checked += 1
    assert checked > 1_000


@pytest.mark.parametrize(("refusal", "waits"), [(Refusal.GONE, False), (Refusal.VENUE_OTHER, True)])
def test_losing_the_race_for_an_order_does_not_silence_the_side(refusal: Refusal, *, waits: bool) -> None:
    bench, now_ns = running()
    bench.quiet_book(1.0, now_ns)
    leg = bench.resting(0)[0]
    name = {key: leg[key] for key in ("cloid_hi", "cloid_lo")}
    bench.hear(event(EventKind.ORDER, now_ns + S, status=OrderEvent.REFUSED, oid=int(refusal), **name))
    bench.fill(now_ns + S, 0)
    bench.quiet_book(0.5, now_ns + S)
    assert bool(bench.resting(0)) is not waits
    assert (why(bench, 0) is Reason.BACKING_OFF) is waits


def test_a_top_of_ours_alone_beyond_the_known_levels_pulls_nothing() -> None:
    """Our bid is alone at the top, and the market has fallen past every level known behind it."""
    bench, now_ns = running()
    leg = bench.resting(0)[0]
    leg["px_ticks"] = 1_990_000
    sent = len(bench.commands)
    bench.hear(bbo(now_ns, 1_990_000, 1_990_600, (int(leg["lots"]) / 10, 40.0)))
    assert all(c["kind"] != CommandKind.CANCEL for c in bench.commands[sent:])
    assert why(bench, 0) is Reason.QUOTING


def test_markouts_take_the_fair_value_of_the_placement() -> None:
    bench, now_ns = running()
    leg = bench.resting(0)[0]
    placed_fair = float(leg["fair_px"])
    bench.fill(now_ns, 0)
    table = bench.st["markouts"]
    assert table["fill_fair_px"][0] == placed_fair
    assert not any(int(l["cloid_lo"]) == int(table["fill_lots"][0]) for l in bench.resting(0))


def test_replayed_fills_teach_nothing() -> None:
    bench, now_ns = running()
    bench.fill(now_ns, 0, bits=4)
    assert bench.st["markouts"]["tail"] == 0
    assert bench.st["pnl"]["lots"] > 0


@pytest.mark.parametrize(("horizon_s", "learned"), [(1.0, 1.0), (5.0, 1.0), (30.0, 0.0)])
def test_adverse_selection_is_learned_at_the_horizon_that_was_chosen(horizon_s: float, learned: float) -> None:
    bench, now_ns = running(Tuning(levels=1, adverse_horizon_s=horizon_s))
    bench.fill(now_ns, 0)
    bench.quiet_book(7.0, now_ns + 10 * MS)
    assert bench.st["markouts"]["own"]["n"] == learned
    assert bench.params["depth"]["horizon_ns"][0] == horizon_s * S


def test_five_second_adverse_selection_leaves_inventory() -> None:
    bench, now_ns = running()
    bench.fill(now_ns, 0)
    bench.quiet_book(7.0, now_ns + 10 * MS, 1_999_700 - 10 * STEP, 2_000_300 - 10 * STEP)
    money = read(bench.state, bench.params).pnl
    assert money.adverse_1e8 < 0
    assert money.inventory_1e8 == 0
    parts = money[:6]
    assert sum(parts) == money.total_1e8


def test_numbers_are_never_nan() -> None:
    bench = Bench(Tuning(levels=3))
    bench.start()
    tape = market(1_500, seed=9)
    for i in range(0, len(tape), 10):
        bench.hear(tape[i : i + 10])
        for name in ("distance_bps", "adverse_bps", "items_bps", "rate_per_s", "k_per_bps"):
            assert np.all(np.isfinite(bench.st["quote"][name])), name
