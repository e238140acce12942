"""Reads beside the books and the account: candles, history of worth, aggregated fills, side reads (HL §1)."""

from typing import Any

import pytest

from portfolio_mm.venue.candles import INTERVALS, KEPT, MINUTE_MS, Candles
from portfolio_mm.venue.clearinghouse.worth import PERIODS, SAMPLE_MS
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.info.request import BadRequest, NoAnswer
from tests.venue.bench_chain import START_MS, Bench, leg
from tests.venue.still_flow import BTC

HOUR_MS = 60 * MINUTE_MS
STRANGER = "0x" + "9" * 40


def ask(bench: Bench, kind: str, **fields: Any) -> Any:
    return reads.answer(bench.state, {"type": kind, **fields})


def candles(bench: Bench, interval: str, first_ms: int = 0, last_ms: int = 1 << 62) -> Any:
    wanted = {"coin": "BTC", "interval": interval, "startTime": first_ms, "endTime": last_ms}
    return ask(bench, "candleSnapshot", req=wanted)


def test_a_candle_is_made_of_the_trades_of_its_interval() -> None:
    bench = Bench()
    for px in (100_001, 100_003, 99_999):
        bench.place(leg("BTC", "B" if px > 100_000 else "A", str(px), "0.005", "Ioc"))
    (row,) = candles(bench, "1h")
    assert row == {
        "t": START_MS // HOUR_MS * HOUR_MS,
        "T": START_MS // HOUR_MS * HOUR_MS + HOUR_MS - 1,
        "s": "BTC",
        "i": "1h",
        "o": "100001.0",
        "c": "99999.0",
        "h": "100001.0",
        "l": "99999.0",
        "v": "0.015",
        "n": 3,
    }


def test_a_minute_without_a_trade_is_flat_at_the_last_close() -> None:
    """As in the recorded minutes."""
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.005", "Ioc"))
    bench.block(after_ms=3 * MINUTE_MS)
    rows = candles(bench, "1m")
    assert [row["n"] for row in rows] == [1, 0, 0, 0]
    assert {row[field] for row in rows[1:] for field in "ochl"} == {"100001.0"}
    assert [row["v"] for row in rows[1:]] == ["0.0"] * 3


def test_longer_candles_agree_with_the_minutes_in_them() -> None:
    store = Candles(BTC, 1_000_000, START_MS)
    now_ms = START_MS
    for number in range(900):
        now_ms += 61_000 * (number % 3)
        store.trade(1_000_000 + number * 7919 % 1_000, 1 + number % 5, now_ms)
    minutes = store.rows("1m", 0, now_ms, now_ms)
    for interval in INTERVALS:
        for row in store.rows(interval, 0, now_ms, now_ms)[1:]:
            parts = [m for m in minutes if row["t"] <= m["t"] <= row["T"]]
            traded = [m for m in parts if m["n"]] or parts
            assert row["n"] == sum(m["n"] for m in parts)
            assert row["c"] == parts[-1]["c"]
            assert row["o"] == traded[0]["o"]
            assert (float(row["h"]), float(row["l"])) == (
                max(float(m["h"]) for m in traded),
                min(float(m["l"]) for m in traded),
            )


def test_candles_are_asked_for_by_the_moments_they_hold() -> None:
    """The recorded hourly snapshot begins with the row that holds startTime and ends with the one of endTime."""
    bench = Bench()
    bench.block(after_ms=10 * HOUR_MS)
    rows = candles(bench, "1h", START_MS + HOUR_MS, START_MS + 2 * HOUR_MS)
    moments = (START_MS + HOUR_MS, START_MS + 2 * HOUR_MS)
    assert all(row["t"] <= moment <= row["T"] for row, moment in zip(rows, moments, strict=True))


def test_the_newest_five_thousand_candles_are_kept_and_weighed() -> None:
    bench = Bench()
    bench.block(after_ms=(KEPT + 100) * MINUTE_MS)
    rows = candles(bench, "1m")
    assert (len(rows), rows[-1]["t"] <= bench.state.now_ms <= rows[-1]["T"]) == (KEPT, True)
    assert reads.weight("candleSnapshot") + reads.row_weight("candleSnapshot", rows) == 20 + KEPT // 60


@pytest.mark.parametrize("interval", ["2m", "", None, 5])
def test_an_interval_that_is_none_is_refused(interval: Any) -> None:
    with pytest.raises(BadRequest):
        candles(Bench(), interval)


def test_fills_of_one_crossing_order_are_one_row_when_asked() -> None:
    bench = Bench()
    bench.place(leg("BTC", "A", "99990", "0.025", "Ioc"))
    apart = ask(bench, "userFills", user=bench.alice.address)
    (row,) = ask(bench, "userFills", user=bench.alice.address, aggregateByTime=True)
    assert len(apart) > 1
    assert float(row["sz"]) == pytest.approx(sum(float(one["sz"]) for one in apart))
    assert float(row["fee"]) == pytest.approx(sum(float(one["fee"]) for one in apart), abs=1e-8)
    assert list(row) == list(apart[0])
    assert ask(bench, "userFillsByTime", user=bench.alice.address, aggregateByTime=True, startTime=0) == [row]


def test_fills_of_a_resting_order_stay_apart() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100000", "0.02"))
    for _ in range(2):
        bench.place(leg("BTC", "A", "100000", "0.01", "Ioc"), user=bench.bob)
    assert len(ask(bench, "userFills", user=bench.alice.address, aggregateByTime=True)) == 2
    with pytest.raises(BadRequest):
        ask(bench, "userFills", user=bench.alice.address, aggregateByTime="yes")


def test_rows_are_paged_by_time_with_both_ends() -> None:
    bench = Bench()
    for _ in range(600):
        bench.block(after_ms=HOUR_MS)
    first = ask(bench, "fundingHistory", coin="BTC", startTime=0)
    assert len(first) == 500
    again = ask(bench, "fundingHistory", coin="BTC", startTime=first[-1]["time"])
    assert again[0] == first[-1]


def test_a_portfolio_tells_profit_from_deposits() -> None:
    bench = Bench()
    bench.place(leg("BTC", "B", "100001", "0.01", "Ioc"))
    bench.flow.mark(BTC, 101_000.0)
    bench.state.incoming.append((bench.alice, 5_000 * 10**8))
    bench.block(after_ms=SAMPLE_MS)
    bench.block(after_ms=SAMPLE_MS * 7)
    rows = dict(ask(bench, "portfolio", user=bench.alice.address))
    assert list(rows) == [*PERIODS, "perpDay", "perpWeek", "perpMonth", "perpAllTime"]
    day = rows["day"]
    assert list(day) == ["accountValueHistory", "pnlHistory", "vlm"]
    assert [len(day[field]) for field in ("accountValueHistory", "pnlHistory")] == [2, 2]
    assert day["pnlHistory"][0][1] == "0.0"
    fee = 0.4500045
    assert float(day["accountValueHistory"][-1][1]) == pytest.approx(15_009.99 - fee, abs=0.05), "and some funding"
    assert abs(float(day["pnlHistory"][-1][1])) < 0.05, "a deposit is no profit"
    assert bench.alice.deposited_1e8 == 15_000 * 10**8
    assert ask(bench, "portfolio", user=STRANGER)[0][1]["accountValueHistory"][0][1] == "0.0"


def test_side_reads_answer_as_for_an_account_without() -> None:
    bench = Bench()
    alice = bench.alice.address
    for kind in ("delegations", "delegatorHistory", "delegatorRewards"):
        assert ask(bench, kind, user=alice) == []
    assert ask(bench, "delegatorSummary", user=alice)["delegated"] == "0.0"
    assert (ask(bench, "isVip", user=alice), ask(bench, "isVip", user=STRANGER)) == (False, None)
    assert (ask(bench, "userDexAbstraction", user=alice), ask(bench, "liquidatable")) == (None, [])
    there, none = (ask(bench, "preTransferCheck", user=who, source=alice) for who in (bench.bob.address, STRANGER))
    assert [(one["userExists"], one["fee"]) for one in (there, none)] == [(True, "0.0"), (False, "1.0")]
    assert ask(bench, "perpDexStatus", dex="") == {"totalNetDeposit": "20000.0"}
    assert ask(bench, "perpDexLimits", dex="xyz") is None
    with pytest.raises(NoAnswer):
        ask(bench, "tokenDetails", tokenId="0x1")
    assert ask(bench, "tokenDetails", tokenId="0x6d1e7cde53ba9467b783cb7c530ce054")["name"] == "USDC"


def test_the_retired_web_data_is_an_unknown_type() -> None:
    with pytest.raises(BadRequest):
        ask(Bench(), "webData2", user=STRANGER)
