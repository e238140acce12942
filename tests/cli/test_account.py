"""`portfolio-mm account`: what a person signs with the master key, on the real local venue, in every mode."""

import contextlib
import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from portfolio_mm.actors.run_folder import write_private
from portfolio_mm.cli.main import app
from portfolio_mm.cli.refusals import kindly
from portfolio_mm.domain.errors import (
    ConfigurationError,
    OutcomeUnknown,
    PortfolioMMError,
    PreflightError,
    VenueRefused,
    VenueUnreachable,
)
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import refusals
from portfolio_mm.venue.exchange.transfers import UNIFIED_ONLY_SPOT
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.settings import VenueSettings
from tests.venue.served import WAIT_S, client, served

USD = 10**8
MODES = ("standard", "unified", "portfolio-margin")


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    made = VenueSettings(
        coins=("BTC",), accounts=12, deposit_usd=20_000.0, deposit_tokens={"HYPE": 2.0}, block_ms=20, ip_limit=False
    )
    with served(made) as running:
        yield running


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return iter(range(12))


class Person:
    """One account, its master key in a file, and the command."""

    def __init__(self, venue: RunningVenue, number: int, folder: Path) -> None:
        self.venue, self.owner, self.folder = venue, venue.accounts[number], folder
        self.key = folder / "master"
        write_private(self.key, self.owner.key)

    @property
    def user(self) -> User:
        return self.venue.venue.state.by_address[self.owner.address]

    def says(self, *arguments: str, typed: str | None = None, key: Path | None = None) -> str:
        """What the command prints; raises what it raises. Answers `typed`, else does not ask."""
        given = ["account", *arguments, "--url", self.venue.url]
        if arguments[0] != "show":
            given += ["--key-file", str(key or self.key), *([] if typed else ["--yes"])]
        done = CliRunner().invoke(app, given, input=typed)
        assert self.owner.key.removeprefix("0x") not in done.output
        if isinstance(done.exception, PortfolioMMError):
            raise done.exception
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return str(done.output)

    def show(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.says("show", "--address", self.owner.address, "--json"))
        return found


@pytest.fixture
def person(venue: RunningVenue, numbers: Iterator[int], tmp_path: Path) -> Person:
    return Person(venue, next(numbers), tmp_path)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_can_be_reached_and_is_shown(person: Person, mode: str) -> None:
    said = person.says("mode", mode)
    assert f"to {mode} mode" in said
    found = person.show()
    assert found["mode"] == mode.replace("-", " ")
    assert found["equity_usd"] == pytest.approx(20_000.0)
    assert found["actions_a_day"] == (None if mode == "standard" else 50_000)
    assert found["tokens"] == {"HYPE": "2.0"}
    assert {row["name"] for row in found["agents"]} >= {"watchdog"} or found["agents"] == []
    if mode == "standard":
        return
    with pytest.raises(PreflightError, match="nothing to move"):
        person.says("transfer", "--to", "perps", "--usd", "5")
    assert "account transfer --to perps" in person.says("mode", "standard")
    assert person.show()["mode"] == "standard"
    assert person.show()["perps_usd"] == 0.0


def test_an_agent_is_approved_with_a_key_of_its_own(person: Person) -> None:
    path = person.folder / "keys" / "agent.key"
    said = person.says("approve-agent", "--out", str(path), "--name", "gateway", "--days", "30")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    agent = Signer.from_file(path).address
    assert path.read_text().strip().removeprefix("0x") not in said
    assert f"key_path: {path}" in said
    assert f'address: "{person.owner.address}"' in said
    row = next(row for row in person.show()["agents"] if row["name"] == "gateway")
    assert row["address"] == agent
    assert row["days_left"] == pytest.approx(30.0, abs=0.01)
    with client(person.venue, key=path.read_text().strip()) as trader:
        assert trader.exchange.noop(person.venue.venue.state.now_ms)["status"] == "ok"
    with pytest.raises(ConfigurationError, match="never overwritten"):
        person.says("approve-agent", "--out", str(path))
    said = person.says("approve-agent", "--out", str(person.folder / "w"), "--name", "watchdog", "--watchdog")
    assert f"watchdog_key_path: {person.folder / 'w'}" in said


def test_an_agent_that_was_not_approved_leaves_no_key(person: Person) -> None:
    path = person.folder / "agent"
    said = person.says("approve-agent", "--out", str(path), typed="n\n")
    assert "nothing was sent" in said
    assert not path.exists()
    with pytest.raises(ConfigurationError, match="16 characters"):
        person.says("approve-agent", "--out", str(path), "--name", "much too long a name")
    write_private(person.folder / "agents", person.owner.agent.key)
    with pytest.raises(VenueRefused, match="an agent's key cannot do this"):
        person.says("approve-agent", "--out", str(path), key=person.folder / "agents")
    assert not path.exists()
    fault = kinds.Timeout(endpoint="exchange", requests=("approveAgent",), landed=True, hold_s=0.05)
    person.venue.venue.trouble.desk.arm(fault)
    with pytest.raises(OutcomeUnknown, match="it may have happened"):
        person.says("approve-agent", "--out", str(path))
    person.venue.venue.trouble.desk.clear()
    assert Signer.from_file(path).address in person.user.agents, "its key is kept"


def test_money_moves_between_the_wallets_and_is_shown(person: Person) -> None:
    said = person.says("transfer", "--to", "spot", "--usd", "161.09", typed="y\n")
    assert '"type": "usdClassTransfer", "amount": "161.09", "toPerp": false' in said
    assert "before  perps 20,000.00 USD, spot 0.00 USDC" in said
    assert "after   perps 19,838.91 USD, spot 161.09 USDC" in said
    assert person.user.spot_1e8 == 161.09 * USD
    with pytest.raises(VenueRefused, match="that wallet has less than this free"):
        person.says("transfer", "--to", "perps", "--usd", "161.10")
    for wrong in ("-1", "0", "nan", "1.1234567", "x"):
        with pytest.raises(ConfigurationError, match="positive amount"):
            person.says("transfer", "--to", "perps", "--usd", wrong)
    with pytest.raises(VenueRefused, match="does not exist"):
        person.says("transfer", "--to", "perps", "--usd", "1", "--from-dex", "nosuch")
    assert person.user.spot_1e8 == 161.09 * USD


def test_requests_are_bought_within_a_cap(person: Person) -> None:
    before = person.show()["requests_left"]
    said = person.says("reserve-requests", "--requests", "1000", "--max-usd", "0.5")
    assert f"before  {before:,} requests left" in said
    assert f"after   {before + 999:,} requests left" in said, "buying is a request, too"
    assert person.show()["requests_left"] == before + 999
    assert person.show()["equity_usd"] == pytest.approx(19_999.5)
    with pytest.raises(ConfigurationError, match="at most 1,000 requests"):
        person.says("reserve-requests", "--requests", "1001", "--max-usd", "0.5")
    write_private(person.folder / "agent", person.owner.agent.key)
    with pytest.raises(PortfolioMMError):
        person.says("reserve-requests", "--requests", "1", "--max-usd", "1", key=person.folder / "agent")


@pytest.mark.parametrize(
    "words",
    [
        refusals.DISABLED_UNIFIED,
        refusals.INVALID,
        refusals.SHORT_FOR_WITHDRAWAL,
        refusals.SHORT_OF_USDC,
        refusals.BAD_TRANSITION,
        refusals.VAULT_MAY_NOT,
        refusals.must_deposit("0x" + "ab" * 20),
        refusals.does_not_exist("0x" + "cd" * 20),
        UNIFIED_ONLY_SPOT,
    ],
)
def test_every_refusal_is_said_with_its_meaning(words: str) -> None:
    said = kindly(words, "0x" + "ab" * 20)
    assert said.startswith(f"the venue refused: {words}. That means: ")


def test_the_master_key_may_be_typed_where_nobody_sees_it(person: Person) -> None:
    """At a real terminal: the key is not echoed, and not printed."""
    code = (
        f"from portfolio_mm.cli.main import app; app(['account','mode','unified','--yes','--url','{person.venue.url}'])"
    )
    terminal, theirs = pty.openpty()
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, start_new_session=True, stdin=theirs, stdout=theirs, stderr=theirs) as command:
        os.close(theirs)
        shown = b""
        while b"hidden" not in shown:
            shown += os.read(terminal, 1024)
        os.write(terminal, person.owner.key.encode() + b"\n")
        with contextlib.suppress(OSError):  # the terminal is gone when the command ends
            while more := os.read(terminal, 1024):
                shown += more
        assert command.wait(WAIT_S) == 0, shown
    os.close(terminal)
    assert b"is in unified mode now" in shown
    assert person.owner.key.removeprefix("0x").encode() not in shown


def test_keys_are_private_and_of_this_account(person: Person) -> None:
    person.key.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        person.says("mode", "unified")
    person.key.chmod(0o600)
    with pytest.raises(ConfigurationError, match="another key"):
        person.says("mode", "unified", "--address", person.venue.accounts[11].address)
    done = CliRunner().invoke(app, ["account", "mode", "unified", "--url", person.venue.url])
    assert isinstance(done.exception, ConfigurationError)
    assert "--key-file" in str(done.exception)
    with pytest.raises(ConfigurationError, match="is no mode"):
        person.says("mode", "double")


def test_a_venue_that_is_away_was_sent_nothing(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portfolio_mm.hyperliquid.rest.FIRST_BACKOFF_S", 0.01)
    given = ["account", "mode", "unified", "--yes", "--key-file", str(person.key), "--url", "http://127.0.0.1:9"]
    assert isinstance(CliRunner().invoke(app, given).exception, VenueUnreachable)
