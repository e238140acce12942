"""A live flow on frames told by hand, under a clock turned by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.market import Level, NewOrder, Print, Tif
from portfolio_mm.venue.flows import upstream as wire
from portfolio_mm.venue.flows.feed import FRAMES
from portfolio_mm.venue.flows.flow import CoinBlock, CoinContext
from portfolio_mm.venue.flows.live import SETTLE_MS, STALE_MS, LiveCoin, LiveFlow, PaperMarket, UpstreamTime
from tests.flows.sets import best, book, level, trade

ETH = Instrument("ETH", 0, 0, 4, 25, 55)
CONTEXT = CoinContext(4000.1, 4000.1, 0.0000125, 1000.0, modelled=False)
WAY_MS = 30


class Told:
    """One coin whose frames come WAY_MS after their block unless said otherwise."""

    def __init__(self) -> None:
        self.ms = 1_000
        time = UpstreamTime(lambda: self.ms)
        self.market = PaperMarket(FillModel(), time.now_ms)
        self.flow = LiveFlow([LiveCoin(ETH, self.market, CONTEXT, 1e9)], lambda: self.ms, time)
        self.hear(0, book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0")))
        self.blocks()

    def hear(self, block_ms: int, *messages: dict[str, Any], after_ms: int = WAY_MS) -> None:
        self.ms = max(self.ms, 1_000 + block_ms + after_ms)
        for message in messages:
            self.flow.hear(FRAMES.decode(json.dumps(message)))

    def blocks(self, later_ms: int = SETTLE_MS) -> list[CoinBlock]:
        self.ms += later_ms
        due = self.flow.next_ms()
        return [] if due is None else list(self.flow.advance(due).coins)


@pytest.fixture
def told() -> Told:
    return Told()


def test_frames_of_a_block_are_played_trades_first_however_they_come(told: Told) -> None:
    told.market.place(NewOrder(1, 1, BUY, 400_000, 5_000, Tif.ALO))
    sale = trade("ETH", 200, "A", "4000.0", "0.7", 1)
    told.hear(200, best("ETH", 200, ("4000.0", "0.3"), ("4000.2", "2.0")), sale)
    assert told.flow.next_ms() is None
    (block,) = told.blocks()
    assert block.prints == (Print(400_000, 7_000, SELL),)
    assert told.market.ahead(1) == 3_000.0


def test_what_was_heard_before_or_is_older_than_what_was_played_is_left_out(told: Told) -> None:
    sale = trade("ETH", 200, "A", "4000.0", "0.7", 1)
    told.hear(300, sale, sale, best("ETH", 300, ("4000.0", "0.3"), ("4000.2", "2.0")))
    assert [block.prints for block in told.blocks()] == [(Print(400_000, 7_000, SELL),)]
    told.hear(
        310, sale, best("ETH", 250, ("3999.0", "9.0"), ("4000.2", "2.0")), book("ETH", 100, ("1.0", "1"), ("2.0", "1"))
    )
    assert told.blocks() == []
    assert told.market.bbo().bid == Level(400_000, 3_000, 1)


def test_a_trade_that_comes_after_its_book_is_printed_and_moves_no_queue(told: Told) -> None:
    told.market.place(NewOrder(1, 1, BUY, 400_000, 5_000, Tif.ALO))
    told.hear(200, best("ETH", 200, ("4000.0", "0.4"), ("4000.2", "2.0")))
    told.blocks()
    ahead = told.market.ahead(1)
    told.hear(260, trade("ETH", 190, "A", "4000.0", "0.6", 1))
    (block,) = told.blocks()
    assert (block.prints, block.fills) == ((Print(400_000, 6_000, SELL),), ())
    assert told.market.ahead(1) == ahead


def test_a_trade_from_before_our_order_reached_the_upstream_does_not_fill_it(told: Told) -> None:
    told.hear(500, best("ETH", 500, ("4000.0", "1.0"), ("4000.2", "2.0")))
    told.blocks()
    told.market.place(NewOrder(1, 1, BUY, 400_010, 5_000, Tif.ALO))
    # upstream time is now 500 + SETTLE_MS: the first sale is older, though it is heard later
    told.hear(560, trade("ETH", 540, "A", "4000.0", "0.6", 1), trade("ETH", 556, "A", "4000.0", "0.2", 2))
    (block,) = told.blocks()
    assert [fill.sz_lots for fill in block.fills] == [2_000]


def test_history_sent_on_subscribing_is_not_played(told: Told) -> None:
    told.flow.reopen()
    told.hear(900, trade("ETH", 300, "A", "4000.0", "0.6", 1))
    told.hear(910, book("ETH", 905, ("3990.0", "1.0"), ("3990.2", "2.0")), trade("ETH", 400, "A", "3995.0", "1.0", 2))
    told.hear(950, trade("ETH", 940, "B", "3990.2", "1.0", 3))
    (block,) = told.blocks()
    assert block.prints == (Print(399_020, 10_000, BUY),)


def test_unknown_coins_and_unreadable_frames_are_counted_and_left_out(told: Told) -> None:
    told.hear(100, book("BTC", 100, ("1.0", "1"), ("2.0", "1")), {"channel": "bbo", "data": {"coin": "ETH"}})
    told.hear(100, {"channel": "l2Book", "data": {"coin": "ETH", "time": 1, "levels": "none"}}, {"channel": "pong"})
    assert told.flow.refused == 3
    assert told.blocks() == []


def test_a_silent_coin_is_dark_until_it_is_heard_again(told: Told) -> None:
    assert [block.dark for block in told.blocks(STALE_MS + 1)] == [True]
    assert told.blocks() == []
    told.hear(9_000, best("ETH", 9_000, ("4000.0", "1.0"), ("4000.2", "2.0")))
    assert [block.dark for block in told.blocks()] == [False]


def test_five_fresh_levels_stand_before_what_is_known_behind_them(told: Told) -> None:
    deep = book("ETH", 100, ("4000.0", "1.0"), ("4000.2", "2.0"))
    deep["data"]["levels"][0] += [level("3999.0", "5.0", 3), level("3998.0", "6.0", 4)]
    told.hear(100, deep)
    told.blocks()
    fast = book("ETH", 200, ("3999.5", "2.0"), ("4000.2", "2.0"))
    fast["data"]["levels"][0] += [level("3999.0", "4.0", 2)]
    told.hear(200, fast)
    told.blocks()
    bids = [Level(399_950, 20_000, 1), Level(399_900, 40_000, 2), Level(399_800, 60_000, 4)]
    assert told.market.levels(9)[0] == bids


def test_a_context_is_the_upstreams_own(told: Told) -> None:
    ctx = {"markPx": "4001.5", "oraclePx": "4001.0", "funding": "0.00002", "openInterest": "12.5", "midPx": None}
    told.hear(100, {"channel": "activeAssetCtx", "data": {"coin": "ETH", "ctx": ctx}})
    (block,) = told.blocks()
    assert block.context == told.flow.context("ETH") == CoinContext(4001.5, 4001.0, 0.00002, 12.5, modelled=False)


def test_the_wire_of_an_upstream_has_no_path_for_an_order() -> None:
    source = Path(wire.__file__).read_text()
    assert wire.INFO == "/info"
    assert source.count(".post(") == 1
    assert "self._http.post(self._info_url" in source
    assert "/exchange" not in source
    assert [part.split('"')[1] for part in source.split('{"method": ')[1:]] == ["subscribe", "ping"]
