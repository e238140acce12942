"""The venue as a program: one ready line, a clean end, clear refusals."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from portfolio_mm.venue.__main__ import parse
from portfolio_mm.venue.exchange.execution import Reply
from portfolio_mm.venue.process import build_flow, run
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.venue import Venue

PROGRAM = [sys.executable, "-m", "portfolio_mm.venue"]


def test_ready_line_then_serves_then_ends_with_zero() -> None:
    with subprocess.Popen([*PROGRAM, "--seed", "3", "--coins", "BTC,ETH"], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        ready = json.loads(run.stdout.readline())
        assert set(ready) == {"url", "ws", "accounts", "coins", "flow", "start_ms"}
        assert (ready["coins"], ready["flow"]) == (["BTC", "ETH"], "synthetic")
        assert set(ready["accounts"][0]) == {"address", "key", "agent", "watchdog"}
        mids = requests.post(ready["url"] + "/info", json={"type": "allMids"}, timeout=10).json()
        assert set(mids) == {"BTC", "ETH"}
        run.send_signal(signal.SIGTERM)
        assert run.wait(10) == 0
        assert run.stdout.read() == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--tape", "/nowhere/ws.jsonl.zst"], "/nowhere/ws.jsonl.zst"),
        (["--coins", "NOPE"], "NOPE"),
        (["--deposit", "-1"], "deposit_usd"),
    ],
)
def test_bad_settings_are_named(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse(arguments)) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err


def test_wrong_usage_ends_with_sixty_four(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--fee-tier", "free"])
    assert ended.value.code == 64
    assert "free" in capsys.readouterr().err


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(parse(["--port", str(port)])) == 4
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in capsys.readouterr().err


def test_a_malformed_tape_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = tmp_path / "ws.jsonl"
    tape.write_text("not a frame\n")
    assert run(parse(["--tape", str(tape)])) == 4
    assert str(tape) in capsys.readouterr().err


async def test_a_block_that_fails_leaves_nobody_waiting() -> None:
    settings = VenueSettings(coins=("BTC",))
    venue = Venue(settings, build_flow(settings))
    answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    signed: Any = None  # the block fails before it looks at any action
    venue._queue.append((signed, answered))

    def fail(_state: VenueState) -> None:
        msg = "a mistake in a block"
        raise RuntimeError(msg)

    venue.state.happenings.append(fail)
    with pytest.raises(RuntimeError, match="a mistake in a block"):
        venue.step()
    assert answered.cancelled()
