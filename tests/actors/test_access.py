"""Pre-flight of a real venue's account: which wallet holds what, whether our keys may act, for how long, where."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hyperliquid.utils.signing import get_timestamp_ms
from typer.testing import CliRunner

from portfolio_mm.actors.access import check_network
from portfolio_mm.actors.preflight import Ready, prepare
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.actors.venue_process import VenueAddress
from portfolio_mm.actors.weight_file import WeightFile, weight_path
from portfolio_mm.cli.main import app
from portfolio_mm.domain.errors import PreflightError
from portfolio_mm.hyperliquid import rest
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.settings.load import load
from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.settings import VenueSettings
from tests.venue.served import client, served

DEX = PerpDex("xyz", (DexCoin("TSLA", like="BTC", px=399.5, sz_decimals=3, max_leverage=10),))
STRANGER = "0x" + "11" * 32


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    made = VenueSettings(
        coins=("BTC",),
        dexes=(DEX,),
        accounts=12,
        deposit_usd=500.0,
        deposit_tokens={"HYPE": 2.0},
        prior_volume_usd=200_000,
        block_ms=20,
        ip_limit=False,
        admin=True,
    )
    with served(made) as running:
        yield running


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return iter(range(12))


class Case:
    """One account, its keys in files, and pre-flight."""

    def __init__(self, venue: RunningVenue, number: int, folder: Path) -> None:
        self.venue, self.number, self.owner, self.folder = venue, number, venue.accounts[number], folder
        self.address, self.said = self.owner.address, list[str]()
        self.keys(self.owner.agent.key, self.owner.watchdog.key)

    def keys(self, agent: str, watchdog: str) -> None:
        write_private(self.folder / "agent", agent)
        write_private(self.folder / "watchdog", watchdog)

    def preflight(self, **changes: Any) -> Ready:
        agent, watchdog = str(self.folder / "agent"), str(self.folder / "watchdog")
        keys = {
            "venue.url": self.venue.url,
            "account.address": self.address,
            "account.key_path": agent,
            "account.watchdog_key_path": watchdog,
            "coins.names": ["BTC"],
        }
        place = RunFolder(self.folder / "state")
        place.create()
        at = VenueAddress(self.venue.url, self.venue.ws, self.address.lower(), agent, watchdog)
        return asyncio.run(prepare(load(None, keys | changes).plan(), place, at, self.said.append))

    def weight(self) -> int:
        """What a gateway of this account would begin with."""
        budget = IpBudget()
        WeightFile(weight_path(RunFolder(self.folder / "state").state_db, self.address), budget).resume(
            time.time(), 1e3
        )
        return budget.used(1e3)


@pytest.fixture
def case(venue: RunningVenue, numbers: Iterator[int], tmp_path: Path) -> Case:
    return Case(venue, next(numbers), tmp_path)


def test_every_wallet_is_named_with_the_command_that_cures_it(case: Case) -> None:
    with client(case.venue, case.number, key=case.owner.key) as master:
        token = "USDC:0x6d1e7cde53ba9467b783cb7c530ce054"
        sub = master.exchange.create_sub_account("desk")["response"]["data"]
        assert master.exchange.sub_account_transfer(sub, True, 150_000_000)["status"] == "ok"  # noqa: FBT003
        assert master.exchange.send_asset(case.address, "", "xyz", token, 60.0)["status"] == "ok"
        assert master.exchange.usd_class_transfer(285.0, to_perp=False)["status"] == "ok"
    with pytest.raises(PreflightError) as refused:
        case.preflight()
    said = str(refused.value)
    assert "perps 5.00 USD, spot 285.00 USD, spot 2.0 HYPE, dex xyz 60.00 USD" in said
    assert f"sub-account desk ({sub}) 150.00 USD" in said
    assert "account transfer --to perps --usd 285.00" in said
    assert "account transfer --from-dex xyz --to perps --usd 60.00" in said
    assert f"set account.address and account.vault to {sub}" in said
    write_private(case.folder / "master", case.owner.key)
    for command in re.findall("`portfolio-mm (account transfer [^`]*)`", said):
        given = [*command.split(), "--yes", "--url", case.venue.url, "--key-file", str(case.folder / "master")]
        assert CliRunner().invoke(app, given).exit_code == 0, command
    before = case.weight()
    assert case.preflight().spec.start_equity_usd == pytest.approx(350.0)
    assert case.weight() > before + 100, "the gateway must not plan with a whole minute of request weight"
    case.address = sub
    with pytest.raises(PreflightError, match=r"is a sub-account: set account.vault"):
        case.preflight()
    ready = case.preflight(**{"account.vault": sub})
    assert ready.spec.start_equity_usd == pytest.approx(150.0)
    with client(case.venue, case.number, key=case.owner.key) as master:
        master.exchange.vault_address = sub
        assert master.exchange.usd_class_transfer(145.0, to_perp=False)["status"] == "ok"
    cured = {"account.vault": sub, "account.auto_transfer": True, "account.auto_transfer_max_usd": 120.0}
    assert case.preflight(**cured).spec.start_equity_usd == pytest.approx(120.0)


def test_wallets_that_cannot_be_read_are_said(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "FIRST_BACKOFF_S", 0.01)
    with client(case.venue, case.number, key=case.owner.key) as master:
        assert master.exchange.usd_class_transfer(495.0, to_perp=False)["status"] == "ok"
    case.venue.venue.trouble.desk.arm(kinds.HttpError(status=500, endpoint="info", requests=("perpDexs",)))
    with pytest.raises(PreflightError, match=r"perps 5\.00 USD, spot 495\.00 USD, other wallets could not be read"):
        case.preflight()
    case.venue.venue.trouble.desk.clear()


def test_an_agents_address_in_place_of_the_masters(case: Case) -> None:
    case.address = case.owner.agent.address
    with pytest.raises(PreflightError, match=f"is an agent's.*set account.address to {case.owner.address}"):
        case.preflight()


def test_a_key_the_venue_does_not_know_is_explained(case: Case) -> None:
    case.keys(STRANGER, case.owner.watchdog.key)
    with pytest.raises(
        PreflightError, match=r"account\.key_path is the key of .* never approved, replaced, or expired"
    ):
        case.preflight()
    case.keys(case.owner.agent.key, STRANGER)
    with pytest.raises(PreflightError, match=r"account\.watchdog_key_path is the key of"):
        case.preflight()
    other = case.venue.accounts[11]
    case.keys(other.agent.key, case.owner.watchdog.key)
    with pytest.raises(PreflightError, match=f"an agent of {other.address}, not of {case.address}"):
        case.preflight()
    case.keys(case.owner.agent.key, case.owner.agent.key)
    with pytest.raises(PreflightError, match="hold the same key"):
        case.preflight()
    case.keys(case.owner.key, case.owner.watchdog.key)
    with pytest.raises(PreflightError, match="holds the master key"):
        case.preflight()


def test_the_wrong_network_is_told_from_a_wrong_key(case: Case) -> None:
    with pytest.raises(PreflightError, match=r"another signer .* out of our signature.*this venue wants the other"):
        case.preflight(**{"venue.mainnet": True})
    for url, mainnet in (("https://api.hyperliquid.xyz", False), ("https://api.hyperliquid-testnet.xyz/", True)):
        with pytest.raises(PreflightError, match=f"wants venue.mainnet {str(not mainnet).lower()}"):
            check_network(url, mainnet=mainnet)
        check_network(url, mainnet=not mainnet)


def test_an_agent_that_ends_soon_is_said_and_an_account_in_order_passes(case: Case) -> None:
    with client(case.venue, case.number, key=case.owner.key) as master:
        until = get_timestamp_ms() + 2 * 86_400_000
        reply, key = master.exchange.approve_agent(f"short valid_until {until}")
        assert reply["status"] == "ok"
    case.keys(key, case.owner.watchdog.key)
    used = case.venue.venue.state.by_address[case.address].requests.used
    assert case.preflight().spec.start_equity_usd == pytest.approx(500.0)
    assert any("ends in 2.0 days" in line for line in case.said)
    assert case.venue.venue.state.by_address[case.address].requests.used - used <= 1
