"""The agent's own transfer from spot to perps: bounded, and never twice, whatever kills or interrupts it."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import eth_account
import msgspec
import pytest
from hyperliquid.utils.signing import sign_l1_action

from portfolio_mm.actors import auto_transfer
from portfolio_mm.actors.auto_transfer import AutoTransfer, NothingToMove, Wallet
from portfolio_mm.actors.preflight import prepare
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.actors.venue_process import VenueAddress
from portfolio_mm.domain.errors import PreflightError
from portfolio_mm.hyperliquid.account import read_account
from portfolio_mm.hyperliquid.encode import agent_spot_to_perps_action
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.settings.load import load
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.storage.transfer_store import TransferStore
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.transfer_child import STEPS, start
from tests.venue.served import client, served

ROOT = Path(__file__).parents[2]
KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
SPOT_USD = 161.09


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    """Accounts of 161.09 USDC each, all of it in the wrong wallet."""
    made = VenueSettings(coins=("BTC",), accounts=16, deposit_usd=SPOT_USD, block_ms=20, ip_limit=False)
    with served(made) as running:
        for number in range(12):
            with client(running, number, key=running.accounts[number].key) as owner:
                assert owner.exchange.usd_class_transfer(SPOT_USD, to_perp=False)["status"] == "ok"
        yield running


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """Each test its own account."""
    return iter(range(12))


class Case:
    """One account, its key file and its state file."""

    def __init__(self, venue: RunningVenue, number: int, folder: Path) -> None:
        self.venue, self.owner, self.db = venue, venue.accounts[number], folder / "state.db"
        self.key_path = folder / "agent"
        write_private(self.key_path, self.owner.agent.key)
        url, path = venue.url, str(self.key_path)
        self.wallet = Wallet(self.owner.address, url, venue.ws, mainnet=False, key_path=path, sub=False, max_usd=100.0)

    def start(self) -> None:
        asyncio.run(start(self.wallet, str(self.db)))

    def killed_at(self, step: str) -> None:
        command = [sys.executable, "-m", "tests.actors.transfer_child", step, self.venue.url, self.owner.address]
        done = subprocess.run(
            [*command, str(self.key_path), str(self.db)], cwd=ROOT, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

    def moved(self) -> tuple[float, float, int]:
        """Perps, spot, and how often money was moved from one to the other, as the venue itself has it."""
        user = self.venue.venue.state.by_address[self.owner.address]
        rows = [row for row in user.ledger if row["delta"]["type"] == "send"]
        return user.raw_1e8 / 1e8, round(user.spot_1e8 / 1e8, 6), len(rows)

    def incidents(self) -> list[str]:
        with contextlib.closing(StateStore(self.db)) as store:
            return [one.detail for one in store.incidents() if one.kind == "transfer"]

    def open(self) -> bool:
        with contextlib.closing(TransferStore(self.db)) as store:
            return store.open_transfer(self.owner.address) is not None


@pytest.fixture
def case(venue: RunningVenue, numbers: Iterator[int], tmp_path: Path) -> Case:
    return Case(venue, next(numbers), tmp_path)


def test_the_action_is_signed_as_the_official_sdk_signs_it() -> None:
    action = agent_spot_to_perps_action("0x" + "ab" * 20, "USDC:0x6d1e", "161.09", 1_700_000_000_000, sub=False)
    plain = msgspec.to_builtins(action)
    assert list(plain) == [
        *("type", "destination", "sourceDex", "destinationDex", "token", "amount", "fromSubAccount", "nonce")
    ]
    ours = Signer.from_hex(KEY).sign_l1(action, 1_700_000_000_000, mainnet=True)
    wallet = eth_account.Account.from_key(KEY)
    assert ours == sign_l1_action(wallet, plain, None, 1_700_000_000_000, None, True)  # noqa: FBT003 - the SDK's way


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_moves_the_money_once(case: Case, step: str) -> None:
    case.killed_at(step)
    case.start()
    assert case.moved() == (100.0, 61.09, 1)
    assert not case.open()
    case.start()  # nothing more to do
    assert case.moved()[2] == 1
    assert [detail for detail in case.incidents() if "done" in detail] != []


@pytest.mark.parametrize("landed", [True, False])
def test_a_lost_answer_is_asked_for_with_the_same_bytes(case: Case, landed: bool) -> None:  # noqa: FBT001
    fault = kinds.Timeout(requests=("agentSendAsset",), landed=landed, hold_s=0.1, for_s=0.3)
    case.venue.venue.trouble.desk.arm(fault)
    case.start()
    assert case.moved() == (100.0, 61.09, 1)
    case.venue.venue.trouble.desk.clear()


def test_without_any_answer_nobody_trades_and_the_next_start_finds_out(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_transfer, "SEEN_S", 0.2)
    desk = case.venue.venue.trouble.desk
    desk.arm(kinds.Timeout(requests=("agentSendAsset",), landed=False, hold_s=0.05))
    with pytest.raises(PreflightError, match="may be under way"):
        case.start()
    desk.clear()
    assert case.open()
    case.start()
    assert case.moved()[2] == 1
    assert [word in "".join(case.incidents()) for word in ("noop", "done")] == [True, True]


def test_a_key_that_may_not_act_moves_nothing_and_says_why(case: Case) -> None:
    write_private(case.key_path, KEY)
    with pytest.raises(PreflightError, match=r"refused to move 100 USD.*does not exist"):
        case.start()
    assert case.moved() == (0.0, SPOT_USD, 0)
    assert not case.open()


async def _top_up(wallet: Wallet, db: Path) -> None:
    with contextlib.closing(TransferStore(db)) as store:
        async with InfoClient(wallet.url, None, IpBudget()) as info:
            truth = await read_account(info, wallet.account)
            await AutoTransfer(wallet, info, store, print).top_up(truth)


def test_in_unified_mode_it_refuses(tmp_path: Path) -> None:
    with served(VenueSettings(coins=("BTC",), accounts=1, deposit_usd=5.0, block_ms=20, mode="unified")) as venue:
        case = Case(venue, 0, tmp_path)
        with pytest.raises(NothingToMove, match="in unified mode the spot USDC is the collateral"):
            asyncio.run(_top_up(case.wallet, case.db))
        assert case.moved()[2] == 0


def test_pre_flight_goes_on_with_the_money_it_moved(case: Case, tmp_path: Path) -> None:
    place = RunFolder(tmp_path / "state")
    place.create()
    owner, url = case.owner, case.venue.url
    write_private(tmp_path / "watchdog", owner.watchdog.key)
    keys: dict[str, Any] = {
        "venue.url": url,
        "account.address": owner.address,
        "account.key_path": str(case.key_path),
        "account.watchdog_key_path": str(tmp_path / "watchdog"),
        "coins.names": ["BTC"],
        "account.auto_transfer_max_usd": 150.0,
    }
    at = VenueAddress(url, case.venue.ws, owner.address, str(case.key_path), str(tmp_path / "watchdog"))
    with pytest.raises(PreflightError, match=r"perps 0.00 USD, spot 161.09 USD.*start --auto-transfer"):
        asyncio.run(prepare(load(None, keys).plan(), place, at))
    plan = load(None, keys | {"account.auto_transfer": True}).plan()
    ready = asyncio.run(prepare(plan, place, at))
    assert ready.spec.start_equity_usd == pytest.approx(150.0)
    assert [one.coin for one in ready.spec.instruments] == ["BTC"]
    assert case.moved() == (150.0, 11.09, 1)
