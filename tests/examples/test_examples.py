"""Every example runs, and does what its first line says."""

import asyncio
import subprocess
import sys
from pathlib import Path

from portfolio_mm.console.app import start
from tests.console.sample import Fixed, view

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_official_sdk_trades_on_the_local_venue() -> None:
    shown = run("official_sdk.py").splitlines()
    assert "'coin': 'ETH'" in shown[0]
    assert shown[1] == "left: []"


def test_one_coin_is_quoted_on_a_tape_without_ray() -> None:
    shown = run("quote_one_coin.py", "DOGE")
    assert "DOGE bid 0." in shown
    assert "static_half_spread" in shown


async def test_the_live_status_is_read_from_python() -> None:
    runner, port = await start("127.0.0.1", 0, Fixed(view()))
    shown = await asyncio.to_thread(run, "read_status.py", f"http://127.0.0.1:{port}")
    assert "equity 10001.50 USD" in shown
    assert "no quote can pay" in shown
    await runner.cleanup()


def test_every_example_has_a_test() -> None:
    text = Path(__file__).read_text()
    assert [path.name for path in EXAMPLES.glob("*.py") if path.name not in text] == []
