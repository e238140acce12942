"""A raw frame of another coin's best prices, as the coin's own socket brings it, changes an outgoing order."""

import json
from typing import Any

import numpy as np
import pytest

from portfolio_mm.actors.coin_leaders import as_leaders
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.parse import MAX_EVENTS, MarketParser
from portfolio_mm.models.fair_row import LEADERS
from tests.actors.test_reference_order import SECONDS, copy, quoted_after
from tests.engine import led
from tests.engine.story import without
from tests.engine.tape import COIN, MS, Bench, venue_ms

LEADER = Instrument("LEAD", 1, 1, COIN.sz_decimals, 10)


def frame(coin: str, bid: float | None, ask: float, ms: int) -> bytes:
    levels = [None if px is None else {"px": f"{px:.6f}", "sz": "1.0", "n": 1} for px in (bid, ask)]
    return json.dumps({"channel": "bbo", "data": {"coin": coin, "time": ms, "bbo": levels}}).encode()


def heard(raw: bytes, now_ns: int) -> Any:
    """What the coin's actor makes of it."""
    rows = np.zeros(MAX_EVENTS, EVENT)
    count = MarketParser([COIN, LEADER]).parse(raw, now_ns, rows)
    return rows[: as_leaders(rows, count, COIN.index)].copy()


def orders_after(trained: Bench, moved_bps: float) -> dict[int, int]:
    """Prices the coin sends when its leader has moved so far, in a raw frame and nothing else."""
    coin = copy(trained)
    now_ns = led.rest(coin, SECONDS)
    last = float(trained.st["leaders"]["leader_px"][0])
    px, at_ns = (last if last > 0.0 else 20.0) * (1.0 + moved_bps * 1e-4), now_ns + 20 * MS
    coin.hear(heard(frame("LEAD", px * (1.0 - 1e-5), px * (1.0 + 1e-5), venue_ms(at_ns)), at_ns))
    return quoted_after(coin, trained, now_ns + 40 * MS)


def test_a_raw_frame_of_the_leader_moves_an_order() -> None:
    trained = led.play("leaders", seconds=SECONDS)
    assert led.weight(trained, LEADERS) > 0.2
    up, down = orders_after(trained, 6.0), orders_after(trained, -6.0)
    assert set(up) == set(down) != set()
    assert all(up[side] > down[side] for side in up)


def test_without_the_part_the_same_frames_move_nothing() -> None:
    off = led.play("leaders", without("leaders", "update", returns=False), SECONDS)
    assert orders_after(off, 6.0) == orders_after(off, -6.0) != {}


@pytest.mark.parametrize(("bid", "ask"), [(None, 100.0), (101.0, 100.0), (100.0, 100.0)])
def test_half_a_book_of_the_leader_says_nothing(bid: float | None, ask: float) -> None:
    assert len(heard(frame("LEAD", bid, ask, 1_000), 1)) == 0


def test_own_frames_pass_untouched_and_those_of_a_leader_carry_its_mid_alone() -> None:
    own = heard(frame(COIN.coin, 99.0, 100.0, 1_000), 7)
    assert list(own["kind"]) == [EventKind.BBO]
    row = heard(frame("LEAD", 99.0, 100.0, 1_000), 7)
    assert (row["kind"][0], row["coin"][0], row["px"][0]) == (EventKind.LEADER, 1, 99.5)
    assert (row["venue_ms"][0], row["recv_ns"][0]) == (1_000, 7)
    assert not row["bid_px"].any()
