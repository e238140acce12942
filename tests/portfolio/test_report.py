"""The run report: sums that close, no claim without data, and text a person can read."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.portfolio.attribution import PnlParts, added, close_books
from portfolio_mm.portfolio.report import (
    AccountRun,
    ActionsRun,
    CoinRun,
    LatencyRun,
    MarkoutRow,
    RunReport,
    report_json,
)
from portfolio_mm.portfolio.summary import summary

BTC = PnlParts(spread_1e8=300_000_000, adverse_1e8=-100_000_000, fees_1e8=-150_000_000, funding_1e8=-1, basis_1e8=7)
ETH = PnlParts(spread_1e8=5, inventory_1e8=-40_000_000)


def run(**changes: object) -> RunReport:
    coins = (
        CoinRun(
            coin="BTC",
            quotes_sent=120,
            fills=45,
            volume_usd=6_750.0,
            inventory_lots=-3,
            inventory_usd=-300.0,
            two_sided_fraction=0.91,
            markouts=(MarkoutRow(0.5, 45, 0.4, 0.1, 45), MarkoutRow(60.0, 45, -0.2, 0.9, 2)),
            pnl=BTC,
            bid_reason="",
            ask_reason="inventory at its limit",
        ),
        CoinRun("ETH", 0, 0, 0.0, 0, 0.0, 0.0, (), ETH, "no quote can pay: 2.1 bps short", ""),
    )
    parts = added(coin.pnl for coin in coins)
    report = RunReport(
        run=12,
        version="0.1.0",
        started_ms=1_790_000_000_000,
        duration_s=120.0,
        venue="the embedded venue (seed 7)",
        coins=coins,
        pnl=parts,
        closing=close_books(
            parts,
            start_equity_1e8=10**12,
            end_equity_1e8=10**12 + parts.total_1e8 + 40,
            transfers_1e8=0,
            numbers=2,
        ),
        account=AccountRun("unified", 10_000.0, 10_000.1, 0.0, 0.5, 0.00005),
        latency=LatencyRun(120, 410.0, 1_900.0, 4_000.0),
        latency_other=LatencyRun(60, 520.0, 2_100.0, 3_000.0),
        latency_gateway=LatencyRun(180, 230.0, 700.0, 900.0),
        actions=ActionsRun(120, 3, 88, (("bad alo px", 2),), 213, 50_000, 213, 16_750),
        risk_state="GREEN",
        risk_reasons=(),
        orders_left_open=0,
    )
    return msgspec.structs.replace(report, **changes)


def test_portfolio_parts_are_the_sums_of_the_coins() -> None:
    assert added([BTC, ETH]) == PnlParts(300_000_005, -100_000_000, -40_000_000, -150_000_000, -1, 7)
    assert added([]) == PnlParts()


def test_the_parts_have_no_residual() -> None:
    assert BTC.total_1e8 == 300_000_000 - 100_000_000 - 150_000_000 - 1 + 7


@pytest.mark.parametrize(("gap", "closes"), [(0, True), (100, True), (-100, True), (101, False), (-500, False)])
def test_the_books_close_within_the_rounding_of_two_printed_numbers(gap: int, closes: bool) -> None:  # noqa: FBT001
    closing = close_books(
        PnlParts(spread_1e8=5_000), start_equity_1e8=0, end_equity_1e8=15_000 + gap, transfers_1e8=10_000, numbers=2
    )
    assert (closing.gap_1e8, closing.closes) == (gap, closes)


many = st.lists(st.builds(PnlParts, *[st.integers(-(10**15), 10**15)] * 6), max_size=20)


@settings(deadline=None)
@given(many)
def test_sums_are_exact(rows: list[PnlParts]) -> None:
    assert added(rows).total_1e8 == sum(row.total_1e8 for row in rows)


def test_under_thirty_blocks_nothing_is_claimed() -> None:
    assert MarkoutRow(1.0, 500, 0.1, 0.1, 30).sufficient
    assert not MarkoutRow(1.0, 500, 0.1, 0.1, 29).sufficient


def test_the_summary_shows_what_was_measured_and_hides_what_was_not() -> None:
    text = summary(run())
    assert "+0.40 +- 0.10 (45)" in text
    assert "insufficient (45)" in text
    assert "-0.20" not in text
    assert "ask: inventory at its limit" in text
    assert "bid: no quote can pay: 2.1 bps short" in text
    assert "orders left open at the venue: 0" in text
    assert "p50 0.41 ms, p99 1.90 ms (120 sends) of what market frames caused" in text
    assert "p50 0.52 ms, p99 2.10 ms (60 sends) of what timers, fills and allocations caused" in text
    assert "p50 0.23 ms, p99 0.70 ms (180 sends) of both inside the gateway" in text
    assert ": closes" in text
    assert max(map(len, text.splitlines())) <= 140


def test_the_summary_says_when_books_do_not_close_or_the_venue_was_silent() -> None:
    closing = close_books(PnlParts(), start_equity_1e8=0, end_equity_1e8=10**6, transfers_1e8=0, numbers=2)
    none = LatencyRun(0, 0.0, 0.0, 0.0)
    text = summary(run(closing=closing, orders_left_open=None, latency=none, latency_other=none))
    assert "DOES NOT CLOSE" in text
    assert "UNKNOWN" in text
    assert "nothing was sent" in text


def test_a_run_without_coins_has_a_summary() -> None:
    assert "coin" in summary(run(coins=(), pnl=PnlParts()))


def test_the_json_holds_integers_and_derived_answers() -> None:
    tree = json.loads(report_json(run()))
    assert tree["coins"][0]["pnl"]["spread_1e8"] == 300_000_000
    assert tree["coins"][0]["pnl"]["total_1e8"] == BTC.total_1e8
    assert [row["sufficient"] for row in tree["coins"][0]["markouts"]] == [True, False]
    assert tree["closing"]["closes"] is True
    assert tree["orders_left_open"] == 0


def test_the_record_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(run()), type=RunReport) == run()
