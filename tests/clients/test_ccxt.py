"""ccxt as a judge, unmodified but for its URLs: what it can parse and act on here it can at the real venue."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.clients.ccxt_client import BTC, DOGE, ETH, PURR, SOL, bid, opened, rests

CLOID = "0x" + "1" * 31
NOBODY = "0x" + "a" * 40


@pytest.fixture(scope="module")
def trader(venue: RunningVenue) -> Iterator[Any]:
    """The first account, signing with its agent."""
    with opened(venue, 0, venue.accounts[0].agent.key) as made:
        yield made


@pytest.fixture(scope="module")
def master(venue: RunningVenue) -> Iterator[Any]:
    """The second account, signing with its own key."""
    with opened(venue, 1, venue.accounts[1].key) as made:
        yield made


def test_markets_have_the_venues_steps_and_keep_delisted_coins_apart(trader: Any) -> None:
    assert trader.markets[BTC]["precision"]["amount"] == 1e-5
    assert trader.markets[BTC]["limits"]["leverage"]["max"] == 40
    assert trader.markets[ETH]["baseId"] == "1"
    assert [m["base"] for m in trader.markets.values() if m["active"] is False] == ["MATIC"]
    assert trader.markets[PURR]["baseId"] == "10000"
    assert float(trader.currencies["USDC"]["precision"]) == 1e-8


def test_reads_of_the_market(trader: Any) -> None:
    assert trader.fetch_status()["status"] == "ok"
    assert abs(trader.fetch_time() - trader.milliseconds()) < 60_000
    tickers = trader.fetch_tickers()
    assert tickers[BTC]["bid"] < tickers[BTC]["last"] * 1.01 < tickers[BTC]["ask"] * 1.02
    book = trader.fetch_order_book(ETH)
    assert 5 < len(book["bids"]) <= 20
    assert book["bids"][0][0] < book["asks"][0][0]
    assert trader.fetch_funding_rate(BTC)["fundingRate"] == pytest.approx(0.0000125, abs=1e-3)
    assert trader.fetch_open_interest(BTC)["openInterestAmount"] > 0
    assert trader.fetch_funding_rates()[DOGE]["markPrice"] > 0
    assert trader.fetch_funding_rate_history(BTC) == []
    assert trader.fetch_trading_fee(BTC)["taker"] == 0.00045
    stamp, first, highest, lowest, last, _ = trader.fetch_ohlcv(BTC, "1m")[-1]
    assert stamp % 60_000 == 0
    assert lowest <= min(first, last) <= max(first, last) <= highest


def test_orders_of_each_kind(trader: Any) -> None:
    px = bid(trader)
    made = trader.create_order(BTC, "limit", "buy", 0.001, px * 0.9, {"clientOrderId": CLOID + "1"})
    for shown in (
        trader.fetch_order(made["id"], BTC),
        trader.fetch_order("", BTC, {"clientOrderId": CLOID + "1"}),
        trader.fetch_open_orders(BTC)[0],
    ):
        assert (shown["id"], shown["clientOrderId"], shown["status"]) == (made["id"], CLOID + "1", "open")
        assert (shown["side"], shown["amount"], shown["filled"], shown["timeInForce"]) == ("buy", 0.001, 0.0, "GTC")
    edited = trader.edit_order(made["id"], BTC, "limit", "buy", 0.002, px * 0.91, {"clientOrderId": CLOID + "2"})
    assert int(edited["id"]) > int(made["id"])
    assert trader.fetch_order(made["id"], BTC)["status"] == "canceled"
    trader.cancel_order("", BTC, {"clientOrderId": CLOID + "2"})
    with pytest.raises(ccxt.OrderNotFound):
        trader.cancel_order(edited["id"], BTC)
    with pytest.raises(ccxt.InvalidOrder, match="Post only order would have immediately matched, bbo was"):
        trader.create_order(BTC, "limit", "buy", 0.001, px * 1.01, {"postOnly": True})
    taken = trader.create_order(BTC, "limit", "buy", 0.002, px * 1.01, {"timeInForce": "IOC"})
    assert (taken["filled"], taken["average"] > 0) == (0.002, True)
    with pytest.raises(ccxt.InvalidOrder, match=r"Reduce only order would increase position\."):
        trader.create_order(BTC, "limit", "buy", 0.001, px * 0.99, {"reduceOnly": True})
    sold = trader.create_order(BTC, "market", "sell", 0.001, px, {"reduceOnly": True})
    assert sold["filled"] == 0.001
    assert trader.fetch_order(sold["id"], BTC)["status"] == "closed"


def test_refusals_are_errors_ccxt_knows(trader: Any) -> None:
    px = bid(trader)
    with pytest.raises(ccxt.InvalidOrder, match="Order must have minimum value of"):
        trader.create_order(BTC, "limit", "buy", 0.00001, px * 0.9)
    with pytest.raises(ccxt.InsufficientFunds, match="Insufficient margin"):
        trader.create_order(BTC, "limit", "buy", 100, px * 0.99)
    with pytest.raises(ccxt.InvalidOrder, match="Order could not immediately match"):
        trader.create_order(BTC, "limit", "buy", 0.001, px * 0.9, {"timeInForce": "IOC"})


def test_many_orders_at_once(trader: Any) -> None:
    px = bid(trader, ETH)
    wanted = [
        {"symbol": ETH, "type": "limit", "side": "buy", "amount": 0.02, "price": px * (0.9 - i / 100)} for i in range(4)
    ]
    made = trader.create_orders(wanted)
    assert len({order["id"] for order in made}) == 4
    changed = trader.edit_orders([{**wanted[0], "id": made[0]["id"], "price": px * 0.85, "params": {}}])
    ids = [changed[0]["id"], *(order["id"] for order in made[1:])]
    assert {order["id"] for order in trader.fetch_open_orders(ETH)} == set(ids)
    trader.cancel_orders(ids[:2], ETH)
    trader.cancel_orders_for_symbols([{"id": ids[2], "symbol": ETH}, {"id": ids[3], "symbol": ETH}])
    assert trader.fetch_open_orders(ETH) == []


def test_a_dead_mans_switch_is_set(trader: Any) -> None:
    assert trader.cancel_all_orders_after(60_000)["status"] == "ok"


def test_positions_leverage_and_history(trader: Any) -> None:
    assert trader.set_leverage(7, DOGE)["status"] == "ok"
    trader.create_order(DOGE, "market", "buy", 500, bid(trader, DOGE))
    held = trader.fetch_position(DOGE)
    assert (held["side"], held["contracts"], held["leverage"], held["marginMode"]) == ("long", 500.0, 7, "cross")
    assert held["initialMargin"] == pytest.approx(held["notional"] / 7, rel=1e-4)
    assert DOGE in {position["symbol"] for position in trader.fetch_positions()}
    trades = trader.fetch_my_trades(DOGE)
    assert sum(trade["amount"] for trade in trades) == 500.0
    assert {trade["takerOrMaker"] for trade in trades} == {"taker"}
    assert all(trade["fee"]["cost"] > 0 for trade in trades)
    assert {order["status"] for order in trader.fetch_closed_orders(DOGE)} == {"closed"}
    assert trader.fetch_canceled_orders(DOGE) == []
    public = trader.fetch_trades(DOGE)
    assert {trade["id"] for trade in trades} <= {trade["id"] for trade in public}


def test_an_isolated_position_gets_and_gives_margin(trader: Any) -> None:
    assert trader.set_margin_mode("isolated", SOL, {"leverage": 5})["status"] == "ok"
    trader.create_order(SOL, "market", "buy", 1, bid(trader, SOL))
    held = trader.fetch_position(SOL)
    assert (held["marginMode"], held["leverage"], held["liquidationPrice"] > 0) == ("isolated", 5, True)
    trader.add_margin(SOL, 10)
    more = trader.fetch_position(SOL)
    assert more["liquidationPrice"] < held["liquidationPrice"]
    trader.reduce_margin(SOL, 5)
    assert held["liquidationPrice"] > trader.fetch_position(SOL)["liquidationPrice"] > more["liquidationPrice"]
    with pytest.raises(ccxt.ExchangeError, match="Cannot switch leverage type with open position"):
        trader.set_margin_mode("cross", SOL, {"leverage": 5})


def test_a_sub_account_is_opened_and_paid(venue: RunningVenue) -> None:
    with opened(venue, 3, venue.accounts[3].key) as master:
        sub = master.create_sub_account("deputy")["response"]["data"]
        master.transfer("USDC", 300, "main", sub)
        master.transfer("USDC", 100, sub, "main")
        assert master.fetch_balance({"user": sub})["USDC"]["total"] == 200.0
        made = master.create_order(BTC, "limit", "buy", 0.001, bid(master) * 0.9, {"vaultAddress": sub})
        (shown,) = master.fetch_open_orders(BTC, params={"user": sub})
        assert shown["id"] == made["id"]
        assert master.fetch_open_orders(BTC) == []


def test_balances_and_transfers_in_a_standard_account(master: Any) -> None:
    assert master.fetch_balance()["USDC"]["total"] == 10_000.0
    assert master.transfer("USDC", 25, "swap", "spot")["status"] == "ok"
    assert master.fetch_balance({"type": "spot"})["USDC"]["free"] == 25.0
    master.transfer("USDC", 5, "spot", "swap")
    assert master.fetch_balance()["USDC"]["free"] == 9_980.0
    master.withdraw("USDC", 10, NOBODY)
    assert {row["type"] for row in map(_delta, master.fetch_ledger())} >= {"deposit", "accountClassTransfer"}
    assert [row["amount"] for row in master.fetch_deposits()] == [10_000.0]
    assert [row["amount"] for row in master.fetch_withdrawals()] == [9.0]  # and a fee of 1
    assert master.fetch_funding_history(BTC) == []
    assert master.reserve_request_weight(10)["status"] == "ok"


def _delta(row: Any) -> Any:
    return row["info"]["delta"]


def test_what_only_the_master_may_is_refused_to_its_agent(trader: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match="Must deposit before performing actions"):
        trader.transfer("USDC", 5, "swap", "spot")


def test_balances_in_a_unified_account(venue: RunningVenue) -> None:
    with opened(venue, 2, venue.accounts[2].key) as standard:
        standard.set_user_abstraction("unifiedAccount")
    with opened(venue, 2, venue.accounts[2].key) as unified:
        assert unified.fetch_balance()["USDC"] == {"free": 10_000.0, "used": 0.0, "total": 10_000.0}
        with pytest.raises(ccxt.ExchangeError, match="Action disabled when unified account is active"):
            unified.transfer("USDC", 5, "swap", "spot")
        rests(unified.create_order(BTC, "limit", "buy", 0.001, bid(unified) * 0.9))
