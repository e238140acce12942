"""Thousands of random actions on real flows: the ledger, the books and the reports never disagree."""

import doctest
import importlib
import os
import pkgutil
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import portfolio_mm.venue
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, USD_1E8
from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.accounts import funded_accounts
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from portfolio_mm.venue.flows.tape import TapeFlow
from portfolio_mm.venue.protocol.actions import (
    Action,
    BatchModify,
    Cancel,
    CancelLeg,
    LimitKind,
    ModifyLeg,
    Order,
    OrderKind,
    OrderWire,
)
from portfolio_mm.venue.protocol.amounts import parse_decimal
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.state import VenueState

START_MS = 1_795_000_000_000
TAPE = Path(__file__).parents[3] / "shared/data/recorded/hl4_20250904/ws.jsonl.zst"
BLOCKS = 5_000 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 400


def exact(text: str) -> int:
    amount = parse_decimal(text, 8)
    assert amount is not None
    return amount


class Trader:
    """A user who does anything at all."""

    def __init__(self, state: VenueState, user: User, seed: int) -> None:
        self.state, self.user = state, user
        self.random = random.Random(seed)
        self.nonce = START_MS + user.number * 10_000_000

    def act(self) -> SignedAction:
        self.nonce += 1
        return SignedAction(self._choose(), self.user.address, self.nonce, None, None)

    def _choose(self) -> Action:
        live = list(self.user.open.values())
        roll = self.random.random()
        if live and roll < 0.3:
            order = self.random.choice(live)
            return Cancel((CancelLeg(order.instrument.asset, order.oid),), f=True)
        if live and roll < 0.5:
            order = self.random.choice(live)
            return BatchModify((ModifyLeg(order.oid, self._order(order.instrument)),))
        legs = [self._order(self.random.choice(self.state.coins)) for _ in range(self.random.randint(1, 4))]
        return Order(tuple(legs), "na")

    def _order(self, coin: Instrument) -> OrderWire:
        market = self.state.books[coin.index].market
        side = self.random.choice((BUY, 1 - BUY))
        best = market.bbo()[side]
        mark = self.state.marks[coin.index]
        away = self.random.choice((-3, 0, 0, 0, 2, 10)) * 1e-4 * mark * (1 if side == BUY else -1)
        px = round_px((best.px_ticks if best else mark) - away, coin.px_decimals, side != BUY)
        lots = max(1, coin.lots(self.random.choice((11, 50, 400, 30_000)) / coin.px(mark)))
        tif: Any = self.random.choice(("Alo", "Alo", "Gtc", "Ioc"))
        kind = OrderKind(LimitKind(tif))
        return OrderWire(
            coin.asset, side == BUY, coin.px_text(px), coin.sz_text(lots), self.random.random() < 0.2, kind
        )


def check(state: VenueState, deposit_1e8: int, printed: Counter[tuple[str, str]]) -> None:
    for book in state.books:
        bid, ask = book.market.bbo()
        assert bid is None or ask is None or bid.px_ticks < ask.px_ticks
    for user in state.users.values():
        assert all(user.szi(coin.index) == printed[user.address, coin.coin] for coin in state.coins)
        for order in user.open.values():
            assert state.books[order.instrument.index].market.remaining(order.oid) == order.sz_lots > 0
        for coin in state.coins:
            resting = [o for o in user.open.values() if o.reduce_only and o.instrument.index == coin.index]
            assert sum(o.sz_lots for o in resting) <= abs(user.szi(coin.index))
        earned = sum(exact(row["closedPnl"]) - exact(row["fee"]) for row in user.fills)
        funded = sum(exact(row["delta"]["usdc"]) for row in user.fundings)
        profit = sum(p.unrealized_1e8(state.marks[i]) for i, p in user.positions.items())
        assert margin.equity_1e8(user, state.marks) == deposit_1e8 + earned + funded + profit
        lots: dict[str, int] = {}
        for row in user.fills:
            coin = state.listing.by_coin[row["coin"]]
            signed = coin.lots(row["sz"]) * (1 if row["side"] == "B" else -1)
            assert coin.lots(row["startPosition"]) == lots.get(coin.coin, 0)
            lots[coin.coin] = lots.get(coin.coin, 0) + signed
        assert all(user.szi(coin.index) == lots.get(coin.coin, 0) for coin in state.coins)


def soak(flow: Flow, mode: Any, blocks: int) -> VenueState:
    settings = VenueSettings(mode=mode, deposit_usd=2_000.0, requests_base=10**9, day_actions=10**9)
    state = VenueState(settings, flow, funded_accounts(1, 2), START_MS)
    printed: Counter[tuple[str, str]] = Counter()
    traders = [Trader(state, user, 7 + user.number) for user in state.users.values()]
    for block in range(blocks):
        replies = chain.run_block(state, state.now_ms + 5_000, [t.act() for t in traders])
        assert all(reply["status"] == "ok" for reply in replies)
        for coin, rows in state.outbox.trades.items():
            for row in rows:
                lots = state.listing.by_coin[coin].lots(row["sz"])
                buyer, seller = row["users"]
                printed[buyer, coin] += lots
                printed[seller, coin] -= lots
        if block % 100 == 0:
            check(state, 2_000 * USD_1E8, printed)
    check(state, 2_000 * USD_1E8, printed)
    return state


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("mode", ["standard", "unified"])
def test_a_long_random_run_on_synthetic_flow_adds_up(mode: str) -> None:
    state = soak(SyntheticFlow(synthetic_params(("BTC", "ETH", "DOGE"), 5)), mode, BLOCKS)
    user = state.users[1]
    assert len(user.fills) > 50
    assert any(not row["crossed"] for row in user.fills)
    assert BLOCKS < 1_000 or user.fundings
    assert {order.status for order in user.records.values()} >= {"filled", "canceled", "badAloPxRejected"}


@pytest.mark.recorded
@pytest.mark.skipif(not TAPE.exists(), reason="the recordings are not beside the project")
def test_a_long_random_run_on_a_recording_adds_up() -> None:
    state = soak(TapeFlow(TAPE, ("BTC", "WLFI")), "standard", 200)
    assert any(not row["crossed"] for row in state.users[1].fills)


def test_the_examples_in_the_docstrings_hold() -> None:
    rooms = pkgutil.walk_packages(portfolio_mm.venue.__path__, "portfolio_mm.venue.")
    found = [doctest.testmod(importlib.import_module(one.name)) for one in rooms if not one.name.endswith("__main__")]
    assert sum(result.attempted for result in found) > 0
    assert sum(result.failed for result in found) == 0
    assert sum(result.attempted for result in found) > 10
