"""Recorded flow: a small tape in the venue's wire layout, and the real one where it is at hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, SELL, SIDES, SIGN
from portfolio_mm.matching.market import Fill, Level, NewOrder, Print, Tif
from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse.accounts import funded_accounts
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.flows.tape import LOOP_PAUSE_MS, TapeFlow
from portfolio_mm.venue.info import views_market
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.state import VenueState
from tests.flows import recordings
from tests.flows.sets import START, Message, best, book, level, lines, trade, write

RECORDED = recordings.SET / "ws.jsonl.zst"
MESSAGES = [
    {"channel": "subscriptionResponse", "data": {"method": "subscribe"}},
    trade("ETH", -5_000, "A", "4000.0", "9.0", 1),  # history sent on subscription
    book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0")),
    book("WLFI", 10, ("0.18648", "30984.0"), ("0.18653", "100.0")),
    trade("ETH", 200, "A", "4000.0", "0.7", 2),
    # two frames out of block order: the book of 400 is received before the trade of 300
    book("ETH", 400, ("4000.0", "0.3"), ("4000.2", "2.0")),
    trade("ETH", 300, "A", "4000.0", "0.4", 3),
    trade("ETH", 300, "A", "4000.0", "0.4", 3),  # the same trade again
    trade("ETH", -4_000, "A", "4000.0", "9.0", 4),  # history again, after a reconnect
    best("WLFI", 450, None, ("0.18653", "100.0")),
    best("ETH", 500, ("3999.9", "5.0"), ("4000.0", "0.1234")),
    trade("WLFI", 600, "B", "0.18653", "60.0", 5),
]


def said(message: Message) -> str:
    """One more line of a tape."""
    return json.dumps({"recv_us": (START + 800) * 1000, "msg": message})


def deep(coin: str, ms: int, bids: list[tuple[str, str]], asks: tuple[tuple[str, str], ...] = ()) -> Message:
    """A book of several levels."""
    levels = [[level(*row) for row in side] for side in (bids, asks)]
    return {"channel": "l2Book", "data": {"coin": coin, "time": START + ms, "levels": levels}}


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return write(tmp_path / "ws.jsonl.zst", lines(MESSAGES))


def play(flow: Flow) -> list[Any]:
    blocks = []
    while (due := flow.next_ms()) is not None:
        blocks.append(flow.advance(due))
    return blocks


def test_blocks_come_in_block_time_without_history_or_repeats(tape: Path) -> None:
    flow = TapeFlow(tape, ("ETH",))
    assert flow.start_ms == START
    blocks = play(flow)
    assert [block.venue_ms - START for block in blocks] == [200, 300, 400, 500, 1_500]
    assert [part.dark for block in blocks for part in block.coins] == [False, False, False, False, True]
    prints = [part.prints for block in blocks[:-1] for part in block.coins]
    assert prints == [(Print(400_000, 7_000, SELL),), (Print(400_000, 4_000, SELL),), (), ()]
    assert [part.snapshot for block in blocks for part in block.coins] == [False, False, True, False, False]


def test_grids_are_inferred_and_known_ones_kept(tape: Path) -> None:
    found = {
        row.coin: (row.index, row.asset, row.sz_decimals, row.max_leverage) for row in TapeFlow(tape).instruments()
    }
    assert found == {"ETH": (0, 0, 4, 25), "WLFI": (1, 1, 0, 5)}
    unknown = [json.loads(line.replace("WLFI", "NEW")) for line in lines(MESSAGES)]
    path = write(tape.parent / "other.jsonl.zst", [json.dumps(row) for row in unknown])
    assert [row.sz_decimals for row in TapeFlow(path, ("NEW", "ETH")).instruments()] == [0, 4]


def test_our_order_waits_for_its_turn_on_the_tape(tape: Path) -> None:
    flow = TapeFlow(tape, ("ETH", "WLFI"))
    assert flow.start_ms == START + 10
    market = flow.markets()["ETH"]
    market.place(NewOrder(1, 1, BUY, 400_000, 5_000, Tif.ALO))
    fills = [fill for block in play(flow) for part in block.coins for fill in part.fills]
    # 1.0 ahead: 0.7 and 0.3 of the trades pass first, 0.1 fills us, then an ask of 0.1234 comes to our price
    assert fills == [Fill(400_000, 1_000, SELL, 1, 1, 0, 0), Fill(400_000, 1_234, SELL, 1, 1, 0, 0)]
    assert market.remaining(1) == 2_766


def test_a_side_may_be_empty(tape: Path) -> None:
    flow = TapeFlow(tape, ("WLFI",))
    flow.advance(START + 450)
    assert flow.markets()["WLFI"].bbo() == (None, Level(186_530, 100, 1))
    flow.advance(START + 600)
    assert flow.markets()["WLFI"].bbo().ask == Level(186_530, 40, 1)


@pytest.mark.parametrize(
    ("bids", "asks", "mark"),
    [
        ([], (("4000.2", "2.0"),), 4000.2),
        ([("4000.0", "1.0")], (), 4000.0),
        ([], (), 4001.5),  # nothing to go by: the first trade
    ],
)
def test_a_first_book_may_have_an_empty_side(tmp_path: Path, bids: Any, asks: Any, mark: float) -> None:
    messages = [
        deep("ETH", 0, bids, asks),
        trade("ETH", 300, "A", "4001.5", "0.4", 3),
        book("ETH", 6_000, ("4000.0", "1.0"), ("4000.2", "2.0")),
        best("ETH", 9_500, ("4000.0", "1.0"), ("4000.2", "3.0")),
    ]
    path = write(tmp_path / "ws.jsonl.zst", lines(messages))
    state = VenueState(VenueSettings(tape=str(path)), TapeFlow(path, loop=True), funded_accounts(1, 1), START)
    shown = views_market.context(state.by_coin["ETH"])
    assert (float(shown["markPx"]), float(shown["oraclePx"]), shown["midPx"]) == (mark, mark, None)
    best_prices = views_market.bbo(state, state.by_coin["ETH"])["bbo"]
    assert [row is None for row in best_prices] == [not bids, not asks]
    for ms in range(100, 9_600, 100):
        chain.run_block(state, START + ms, [])
    assert views_market.context(state.by_coin["ETH"])["midPx"] == "4000.1"


def test_a_coin_without_any_price_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "ws.jsonl.zst", lines([deep("ETH", 0, []), deep("ETH", 500, [])]))
    with pytest.raises(ConfigurationError, match="ETH has neither price nor trade in it"):
        TapeFlow(path)


def test_a_tape_of_one_moment_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "ws.jsonl.zst", lines([book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0"))]))
    with pytest.raises(ConfigurationError, match="nothing follows its first book"):
        TapeFlow(path)


def test_a_looping_tape_starts_again_with_later_times(tape: Path) -> None:
    flow = TapeFlow(tape, ("ETH",), loop=True)
    times = []
    for _ in range(9):
        due = flow.next_ms()
        assert due is not None
        times.append(flow.advance(due).venue_ms - START)
    again = 500 + LOOP_PAUSE_MS
    assert times == [200, 300, 400, 500, again, again + 200, again + 300, again + 400, again + 500]


def test_context_is_modelled_and_says_so(tape: Path) -> None:
    context = TapeFlow(tape, ("ETH",)).context("ETH")
    assert context.mark_px == pytest.approx(4000.1)
    assert context.oracle_px == pytest.approx(4000.1)
    assert context.modelled


def test_a_plain_file_reads_like_a_compressed_one(tmp_path: Path, tape: Path) -> None:
    plain = tmp_path / "ws.jsonl"
    plain.write_text("\n".join(lines(MESSAGES)))
    assert play(TapeFlow(plain, ("ETH",))) == play(TapeFlow(tape, ("ETH",)))


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("{not json", "line 13: not a"),
        ('{"recv_us": "x", "msg": {"channel": "bbo"}}', "line 13: not a"),
        (json.dumps({"recv_us": 1, "msg": {"channel": "bbo", "data": {"coin": "ETH"}}}), "line 13: bbo message"),
        (
            json.dumps({"recv_us": START * 1000, "msg": trade("ETH", 700, "B", "4000.12", "1", 9)}),
            "line 13: ETH trades price 4000.12 is not on",
        ),
        (said(best("ETH", 700, ("4000.0", "1.0"), ("4000.0", "1.0"))), "line 13: ETH bbo best bid is not below"),
        (said(best("ETH", 700, ("-1", "1.0"), ("4000.0", "1.0"))), "line 13: bbo message is malformed"),
        (said(best("ETH", 700, ("nan", "1.0"), ("4000.0", "1.0"))), "line 13: bbo message is malformed"),
        (said(trade("ETH", 700, "S", "4000.0", "1.0", 9)), "line 13: trades message is malformed"),
        (said(trade("ETH", 700, "B", "4000.0", "0.0000001", 9)), "line 13: ETH trades size 1e-07 has more than 6"),
        (said(book("ETH", 700, ("4000.0", "1.0"), ("3999.9", "1.0"))), "line 13: ETH l2Book best bid is not below"),
        (said(deep("ETH", 700, [("4000.0", "1.0"), ("4000.0", "1.0")])), "line 13: ETH l2Book levels are not in order"),
    ],
)
def test_a_damaged_recording_is_refused_with_its_place(tmp_path: Path, bad: str, complaint: str) -> None:
    path = write(tmp_path / "bad.jsonl.zst", [*lines(MESSAGES), bad])
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        TapeFlow(path, ("ETH",))
    assert str(path) in str(caught.value)


def test_a_missing_file_or_coin_is_named(tmp_path: Path, tape: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        TapeFlow(tmp_path / "none.zst")
    with pytest.raises(ConfigurationError, match="no order book of DOGE; choose among ETH, WLFI"):
        TapeFlow(tape, ("ETH", "DOGE"))
    (tmp_path / "text.zst").write_text("plain text")
    with pytest.raises(ConfigurationError, match="damaged zstd"):
        TapeFlow(tmp_path / "text.zst")
    cut = tmp_path / "cut.zst"
    cut.write_bytes(tape.read_bytes()[:-40])
    with pytest.raises(ConfigurationError, match="cut"):
        TapeFlow(cut)


@pytest.mark.recorded
@recordings.needed
def test_quotes_on_the_recorded_wlfi_fill_plausibly() -> None:
    """One lot of ten at the touch on both sides: some of the volume, honest markouts, never more than traded."""
    flow = TapeFlow(RECORDED, ("WLFI",))
    row, market = flow.instruments()[0], flow.markets()["WLFI"]
    lots, oid, resting = 1_000, 0, dict.fromkeys(SIDES, 0)
    fills: list[tuple[int, Fill]] = []
    mids: dict[int, float] = {}
    traded = 0
    for number, due in enumerate(iter(flow.next_ms, None)):
        block = flow.advance(due)
        for part in block.coins:
            traded += sum(row.sz_lots for row in part.prints)
            fills += [(number, fill) for fill in part.fills]
        found = market.bbo()
        assert found.bid is not None
        assert found.ask is not None
        assert found.bid.px_ticks < found.ask.px_ticks
        mids[number] = (found.bid.px_ticks + found.ask.px_ticks) / 2.0
        if number % 20:
            continue
        for side in SIDES:
            market.cancel(resting[side])
            oid += 1
            px = round_px(mids[number] * (1.0 - SIGN[side] * 2e-4), row.px_decimals, side == 1)
            if not market.place(NewOrder(oid, 1, side, px, lots, Tif.ALO)).crossed:
                resting[side] = oid
    filled = sum(fill.sz_lots for _, fill in fills)
    assert 20 < len(fills) < 2_000
    assert 0.0 < filled < 0.2 * traded
    markouts = [
        -SIGN[fill.aggressor_side] * (mids[at + 100] / fill.px_ticks - 1.0) * 1e4
        for at, fill in fills
        if at + 100 in mids
    ]
    assert -6.0 < float(np.mean(markouts)) < 3.0
