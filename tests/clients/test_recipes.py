"""The programs and commands on docs/venue.md, as they stand there, against the venue its first command starts."""

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from tests.clients.node_client import FOLDER, node
from tests.venue.served import WAIT_S

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "venue.md").read_text()
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS: Final = [(language, text) for language, text in BLOCK.findall(PAGE) if language in {"python", "js"}]
COMMANDS: Final = [
    line.removeprefix("$ ")
    for language, text in BLOCK.findall(PAGE)
    if language == "console"
    for line in text.splitlines()
    if line.startswith("$ ")
]
CURLS: Final = [command for command in COMMANDS if command.startswith("curl ")]
START: Final = next(command for command in COMMANDS if command.startswith("portfolio-mm venue"))
SHOWN_PORT: Final = "3001"


@contextlib.contextmanager
def started(*options: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The page's own command on a free port; the line it prints, as text and as read."""
    command = [str(Path(sys.executable).parent / "portfolio-mm"), *shlex.split(START)[1:], *options]
    command[command.index(SHOWN_PORT)] = "0"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as venue:
        assert venue.stdout is not None
        try:
            line = venue.stdout.readline()
            yield line, json.loads(line)
        finally:
            venue.terminate()
            venue.wait(WAIT_S)


@pytest.fixture(scope="module")
def ready() -> Iterator[tuple[str, dict[str, Any]]]:
    with started("--admin") as made:
        yield made


def orders(ready: dict[str, Any]) -> list[dict[str, Any]]:
    asked = {"type": "openOrders", "user": ready["accounts"][0]["address"]}
    return list(requests.post(ready["url"] + "/info", json=asked, timeout=WAIT_S).json())


def run(language: str, program: str, line: str) -> list[str]:
    """Run a program of the page, which is given the venue's line; what it prints."""
    command = [sys.executable, "-c"] if language == "python" else [node(), "--input-type=module", "-e"]
    done = subprocess.run(
        [*command, program], cwd=FOLDER, input=line, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def named(program: str) -> str:
    return next(name for name in ("ccxt.pro", "ccxt", "@nktkas", "hyperliquid.exchange") if name in program)


@pytest.mark.parametrize(("language", "program"), PROGRAMS, ids=[named(program) for _, program in PROGRAMS])
def test_each_program_places_an_order_and_sees_it(
    ready: tuple[str, dict[str, Any]], language: str, program: str
) -> None:
    line, venue = ready
    before = {row["oid"] for row in orders(venue)}
    placed, shown = run(language, program, line)
    (new,) = [str(row["oid"]) for row in orders(venue) if row["oid"] not in before and row["coin"] == "ETH"]
    assert new in placed
    assert new in shown


def test_ccxt_as_it_is_signs_for_mainnet(tmp_path: Path) -> None:
    """What the page says of ccxt, and of `server.network`."""
    (program,) = [text for _, text in PROGRAMS if named(text) == "ccxt"]
    plain = program.replace("exchange.set_sandbox_mode(True)\n", "")
    assert plain != program
    scenario = tmp_path / "mainnet.yaml"
    scenario.write_text("server: {network: mainnet}\n")
    with started("--scenario", str(scenario)) as (line, venue):
        run("python", plain, line)
        assert len(orders(venue)) == 1


@pytest.mark.parametrize("command", CURLS)
def test_each_curl_is_answered(ready: tuple[str, dict[str, Any]], command: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    port = ready[1]["url"].rpartition(":")[2]
    done = subprocess.run(
        [*shlex.split(command.replace(SHOWN_PORT, port)), "--fail"], capture_output=True, timeout=30, check=True
    )
    assert "error" not in json.loads(done.stdout)


def test_the_page_has_a_program_of_every_client() -> None:
    assert sorted(named(program) for _, program in PROGRAMS) == ["@nktkas", "ccxt", "ccxt.pro", "hyperliquid.exchange"]
    assert len(CURLS) >= 5
