"""A tape that does not loop ends as a feed does: nothing more is heard of its market, and the venue says so."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.venue.flows.tape import LOOP_PAUSE_MS, TapeFlow
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.settings import VenueSettings
from tests.flows.sets import START, best, book, lines, trade, write
from tests.venue.bare_wire import Wire, admin, channel, info, on, wire
from tests.venue.served import served

TAPE = [
    book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0")),
    trade("ETH", 200, "A", "4000.0", "0.5", 1),
    best("ETH", 1_500, ("4000.1", "5.0"), ("4000.2", "3.0")),
]
OF_A_COIN = ("bbo", "trades", "l2Book", "activeAssetCtx")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return write(tmp_path / "ws.jsonl.zst", lines(TAPE))


@pytest.mark.parametrize("step_ms", [1, 100, 10_000])
def test_it_is_dark_a_second_after_its_last_block_and_stays_so(tape: Path, step_ms: int) -> None:
    flow = TapeFlow(tape)
    told = []
    for at in range(START, START + 10_001, step_ms):
        told += [(block.dark, at) for block in flow.advance(at).coins]
    dark = [at for is_dark, at in told if is_dark]
    end = START + 1_500 + LOOP_PAUSE_MS
    assert dark == [end + (START - end) % step_ms]
    assert flow.over
    assert flow.next_ms() is None
    assert not flow.advance(START + 10**9).coins


def test_a_looping_tape_is_never_over(tape: Path) -> None:
    flow = TapeFlow(tape, loop=True)
    flow.advance(START + 100_000)
    assert not flow.over
    assert flow.next_ms() is not None


def heard(line: Wire) -> set[str]:
    """Channels of the frames before the answer to a ping."""
    line.seen.clear()
    line.say(method="ping")
    line.until(on("pong"))
    return {channel(text) for text in line.seen}


def wait(venue: RunningVenue, right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first state that is right."""
    deadline = time.monotonic() + 20.0
    while not right(state := admin(venue, "state")):
        assert time.monotonic() < deadline, state
    return state


def test_the_channels_fall_silent_while_the_venue_lives(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ending = [*TAPE, best("ETH", 60_000, ("4000.1", "5.0"), ("4000.2", "4.0"))]
    path = write(tmp_path / "ws.jsonl.zst", lines(ending))
    settings = VenueSettings(tape=str(path), speed=20.0, block_ms=20, ip_limit=False, admin=True)
    with caplog.at_level(logging.WARNING), served(settings) as venue, wire(venue) as line:
        line.subscribe("allMids")
        for kind in OF_A_COIN:
            line.subscribe(kind, coin="ETH")
        line.until(on("bbo"))
        state = wait(venue, lambda state: state["marketOver"])
        assert state["dark"] == ["ETH"]
        assert heard(line) >= {"allMids", "l2Book"}
        later = state["blocks"] + 60
        wait(venue, lambda state: state["blocks"] > later)  # 24 s of the venue's time: every rhythm would have come
        assert heard(line) == {"pong"}
        assert info(venue, "allMids")["ETH"] == "4000.15"
    assert [row.getMessage()[:16] for row in caplog.records if row.name.endswith("venue.venue")] == ["the tape is over"]
