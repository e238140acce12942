"""The seam of a looping tape is no jump, and what a recorder did not hear is not made up."""

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.price_grid import tick_step
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.market import Level, NewOrder, Print, Tif
from portfolio_mm.matching.queue_tape import TAPE_EVENT, TapeKind
from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse.accounts import funded_accounts
from portfolio_mm.venue.flows.flow import CoinBlock, Flow
from portfolio_mm.venue.flows.mirror import mirrored, prices_of
from portfolio_mm.venue.flows.tape import LOOP_PAUSE_MS, TapeFlow
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import Topic
from tests.flows import recordings
from tests.flows.sets import START, best, book, lines, trade, write

RISE = [
    book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0")),
    trade("ETH", 200, "B", "4000.2", "0.5", 1),
    best("ETH", 300, ("4001.0", "5.0"), ("4001.2", "3.0")),
    trade("ETH", 400, "A", "4001.0", "0.25", 2),
    book("ETH", 500, ("4100.0", "7.0"), ("4100.2", "4.0")),
]


def due(flow: Flow) -> list[CoinBlock]:
    at = flow.next_ms()
    assert at is not None
    return list(flow.advance(at).coins)


def mid(flow: Flow) -> float:
    bid, ask = flow.markets()["ETH"].bbo()
    assert bid is not None
    assert ask is not None
    return (bid.px_ticks + ask.px_ticks) / 2.0


@pytest.fixture
def rising(tmp_path: Path) -> TapeFlow:
    return TapeFlow(write(tmp_path / "ws.jsonl.zst", lines(RISE)), loop=True)


def test_a_second_turn_is_upside_down_and_a_third_is_the_tape_again(rising: TapeFlow) -> None:
    mids, prints, times = [mid(rising)], [], []
    for _ in range(10):
        at = rising.next_ms()
        assert at is not None
        times.append(at - START)
        prints += [row for part in rising.advance(at).coins for row in part.prints]
        mids.append(mid(rising))
    seam = 500 + LOOP_PAUSE_MS
    assert times == [200, 300, 400, 500, seam, seam + 200, seam + 300, seam + 400, seam + 500, 2 * seam]
    up = [400_010.0, 400_010.0, 400_110.0, 400_110.0, 410_010.0]
    assert mids == [*up, *reversed([400_010.0, 409_910.0, 409_910.0, 410_010.0, 410_010.0]), 400_010.0]
    assert prints == [
        Print(400_020, 5_000, BUY),
        Print(400_100, 2_500, SELL),
        Print(410_000, 5_000, SELL),
        Print(409_920, 2_500, BUY),
    ]


def test_the_seam_of_a_loop_fills_nobody(rising: TapeFlow) -> None:
    """The tape ends 2.5 % above its start: a plain restart would fill every bid near the end."""
    market = rising.markets()["ETH"]
    for _ in range(4):
        due(rising)
    market.place(NewOrder(1, 1, BUY, 410_000, 100, Tif.ALO))
    market.place(NewOrder(2, 1, SELL, 410_020, 100, Tif.ALO))
    (seam,) = due(rising)
    assert (seam.fills, seam.prints) == ((), ())
    assert market.bbo() == (Level(410_000, 20_100, 2), Level(410_020, 10_100, 2))


def test_mirrored_prices_lie_on_the_grid_of_their_own_decade() -> None:
    """Ten thousand is where a price loses a decimal: bids round down, asks up, and equal prices are one level."""
    books = np.zeros((1, 2, 20, 3), np.int64)
    books[0, 0, :2] = ((99_998, 5, 1), (99_997, 6, 2))
    books[0, 1, :2] = ((100_010, 7, 1), (100_020, 8, 1))
    events = np.array([(0, TapeKind.BOOK, 0, 0, 0, 0, 0, 0, 0, 0), (1, 1, BUY, 99_998, 4, 0, 0, 0, 0, 0)], TAPE_EVENT)
    flipped, rows = mirrored(events, books, 200_015, 2)
    assert rows[0, 0, :2, 0].tolist() == [100_000, 99_995]
    assert rows[0, 1, :2, 0].tolist() == [100_020, 100_020]
    assert (int(flipped["side"][1]), int(flipped["px_ticks"][1])) == (SELL, 100_010)
    assert all(px % tick_step(px, 2) == 0 for px in prices_of(flipped, rows).tolist())


def test_a_tape_whose_price_more_than_doubles_cannot_loop(tmp_path: Path) -> None:
    far = [
        *RISE,
        book("ETH", 600, ("12000.0", "1.0"), ("12001.0", "1.0")),
        best("ETH", 700, ("1.0", "1"), ("1.1", "1")),
    ]
    with pytest.raises(ConfigurationError, match="more than doubles"):
        TapeFlow(write(tmp_path / "ws.jsonl.zst", lines(far)), loop=True)


GAPPED = [
    book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0")),
    trade("ETH", 100, "A", "4000.0", "0.5", 1),
    # nine seconds later the recorder is back; the venue repeats what it missed
    trade("ETH", 5_000, "A", "3990.0", "9.0", 2),
    book("ETH", 9_500, ("3985.0", "1.0"), ("3985.2", "2.0")),
    trade("ETH", 9_600, "A", "3985.0", "0.5", 3),
]
HEARD = [0, 100, 9_550, 9_560, 9_650]


@pytest.fixture
def gapped(tmp_path: Path) -> TapeFlow:
    return TapeFlow(write(tmp_path / "ws.jsonl.zst", lines(GAPPED, HEARD)))


def test_a_gap_is_dark_and_the_trades_of_it_are_not_played(gapped: TapeFlow) -> None:
    assert gapped.gaps == ((START + 100, START + 9_500),)
    seen = []
    while (at := gapped.next_ms()) is not None:
        (block,) = gapped.advance(at).coins
        seen.append((at - START, block.dark, [row.px_ticks for row in block.prints]))
    assert seen == [
        (100, False, [400_000]),
        (101, True, []),
        (9_500, False, []),
        (9_600, False, [398_500]),
        (10_600, True, []),
    ]


def test_an_order_that_the_market_passed_in_a_gap_fills_when_it_is_seen_again(gapped: TapeFlow) -> None:
    gapped.markets()["ETH"].place(NewOrder(1, 1, BUY, 399_000, 300, Tif.ALO))
    fills = [(block.dark, block.fills) for _ in range(3) for block in due(gapped)]
    assert [(dark, len(found)) for dark, found in fills] == [(False, 0), (True, 0), (False, 1)]


def test_nothing_of_the_market_is_published_in_a_gap(gapped: TapeFlow) -> None:
    state = VenueState(VenueSettings(), gapped, funded_accounts(1, 1), START)
    frames = BlockFrames(state)
    topics = [Topic("l2Book", "ETH", fast=True), Topic("bbo", "ETH"), Topic("trades", "ETH"), Topic("allMids")]
    heard: dict[int, set[str]] = {}
    for ms in range(100, 10_001, 100):
        chain.run_block(state, START + ms, [])
        heard[ms] = {topic.kind for topic, _ in frames.after_block(state, topics)}
    assert "trades" in heard[100]
    assert not any(heard[ms] for ms in range(200, 9_500, 100))
    assert {"l2Book", "bbo", "allMids"} <= heard[9_500]


def test_the_feed_is_cut_anew_best_prices_by_block_and_books_in_two_rhythms(tmp_path: Path) -> None:
    """Late 2026 (HL §4.5): bbo with the block that changes it, 5 levels each 0.5 s, 20 levels each 5 s."""
    tape = [book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0"))]
    tape += [best("ETH", ms, ("4000.0", f"{1 + ms / 1000}"), ("4000.2", "2.0")) for ms in range(100, 10_100, 100)]
    flow = TapeFlow(write(tmp_path / "ws.jsonl.zst", lines(tape)))
    state = VenueState(VenueSettings(), flow, funded_accounts(1, 1), START)
    frames = BlockFrames(state)
    topics = [Topic("l2Book", "ETH"), Topic("l2Book", "ETH", fast=True), Topic("bbo", "ETH")]
    sent: dict[Topic, list[int]] = {topic: [] for topic in topics}
    for ms in range(100, 10_001, 100):
        chain.run_block(state, START + ms, [])
        for topic, message in frames.after_block(state, topics):
            sent[topic].append(ms)
            shown = msgspec.json.decode(message)["data"]
            assert shown["time"] == START + ms
    slow, fast, bests = sent.values()
    assert bests == list(range(100, 10_001, 100))
    assert {later - earlier for earlier, later in pairwise(fast)} == {500}
    assert {later - earlier for earlier, later in pairwise(slow)} == {5_000}


@pytest.mark.recorded
@recordings.needed
def test_the_reconnect_of_the_recorded_set_is_one_gap() -> None:
    ((last, first),) = TapeFlow(recordings.SET / "ws.jsonl.zst").gaps
    assert 15_000 < first - last < 20_000
