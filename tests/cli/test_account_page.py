"""The commands on docs/account.md, as they stand there and in their order, against a local venue."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portfolio_mm.actors.run_folder import write_private
from portfolio_mm.cli.main import app
from portfolio_mm.settings.load import load
from portfolio_mm.venue.settings import VenueSettings
from tests.venue.served import served

PAGE = (Path(__file__).parents[2] / "docs" / "account.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.removeprefix("$ portfolio-mm ")
    for language, text in BLOCK.findall(PAGE)
    if language == "console"
    for line in text.splitlines()
]
(SETTINGS,) = (text for language, text in BLOCK.findall(PAGE) if language == "yaml")
SHOWN_URL = "http://127.0.0.1:3001"
SIGNS = ("account approve-agent", "account transfer", "account mode", "account reserve-requests")
ELSEWHERE = ("venue ", "start ", "watchdog ")
"""Run by tests of their own: the venue here is in this process, a start and its watchdogs need a Ray cluster."""


def test_every_command_of_the_page_works_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with served(VenueSettings(coins=("BTC",), accounts=1, deposit_usd=500.0, block_ms=20, ip_limit=False)) as venue:
        owner = venue.accounts[0]
        (tmp_path / "keys").mkdir(mode=0o700)
        write_private(tmp_path / "keys" / "master", owner.key)
        text = SETTINGS.replace(SHOWN_URL, venue.url).replace("0x" + "0" * 40, owner.address)
        (tmp_path / "account.yaml").write_text(text)
        ran = []
        for command in COMMANDS:
            if command.startswith(ELSEWHERE):
                continue
            words = [word.replace("~", str(tmp_path)) for word in shlex.split(command)]
            yes = ["--yes"] if command.startswith(SIGNS) else []
            done = CliRunner().invoke(app, [*words, *yes])
            assert done.exit_code == 0, f"{command}\n{done.output}\n{done.exception}"
            ran.append(command.partition(" --")[0])
        assert {*SIGNS, "account show", "doctor", "flatten"} <= {" ".join(one.split()[:2]) for one in ran}
        user = venue.venue.state.by_address[owner.address]
        assert {agent.name for agent in user.agents.values()} >= {"gateway", "watchdog"}
        assert user.requests.reserved == 1_000


def test_the_page_names_settings_that_exist() -> None:
    tree = load(None).model_dump()
    for key in re.findall(r"`((?:account|coins|risk|venue)\.\w+)`", PAGE):
        section, _, name = key.partition(".")
        assert name in tree[section] or name == "yaml", key
