"""Flatten when no gateway can do it: over REST, with an agent key, whatever reads do."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from portfolio_mm.actors import closer
from portfolio_mm.actors.messages import Answer
from portfolio_mm.actors.run_folder import RUN_LOCK, RunFolder, write_private
from portfolio_mm.actors.sweeper import Target
from portfolio_mm.actors.watchdog import WatchdogConfig
from portfolio_mm.cli import flatten
from portfolio_mm.cli.choice import plan_of
from portfolio_mm.domain.errors import PreflightError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid import rest
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.settings import VenueSettings
from tests.cli.command import run, settings
from tests.venue.served import client, served

COINS = ("BTC", "ETH")
RESTING = {"limit": {"tif": "Gtc"}}


@contextlib.contextmanager
def held(tmp_path: Path) -> Iterator[tuple[RunningVenue, Path]]:
    """A venue where the account is long BTC, short ETH and has orders resting; and settings for it."""
    with served(VenueSettings(coins=COINS, accounts=1, block_ms=20, ip_limit=False)) as venue:
        owner = venue.accounts[0]
        for name, key in (("agent", owner.agent.key), ("watchdog", owner.watchdog.key)):
            write_private(tmp_path / name, key)
        with client(venue) as trader:
            for coin, is_buy, size in (("BTC", True, 0.01), ("ETH", False, 0.2)):
                trader.exchange.market_open(coin, is_buy, size)
                bid, _ = trader.touch(coin)
                trader.exchange.order(coin, True, size, round(bid * 0.9), RESTING)  # noqa: FBT003 - the SDK's way
        assert left(venue) == (2, 2)
        text = f"""
venue: {{url: "{venue.url}"}}
account: {{address: "{owner.address}", key_path: {tmp_path}/agent, watchdog_key_path: {tmp_path}/watchdog}}
coins: {{names: [BTC, ETH]}}
"""
        yield venue, settings(tmp_path, text)


def left(venue: RunningVenue) -> tuple[int, int]:
    """Positions and open orders as the venue itself has them."""
    state = venue.venue.state
    user = state.by_address[venue.accounts[0].address]
    return sum(user.szi(coin.index) != 0 for coin in state.coins), len(user.live())


def flattened(config: Path | None, folder: Path) -> Answer:
    plan = plan_of(config, {}, folder)
    return asyncio.run(flatten._flatten(RunFolder(plan.storage.path), plan))


def test_nothing_runs_and_it_closes_everything(tmp_path: Path, folder: Path) -> None:
    with held(tmp_path) as (venue, config):
        code, said = run("flatten", "--config", config, "--state-folder", folder)
        assert code == 0, said
        assert "BTC: closed 0.01 by selling" in said
        assert "ETH: closed 0.2 by buying" in said
        assert "the venue confirms it" in said
        assert left(venue) == (0, 0)
        assert venue.accounts[0].agent.key.removeprefix("0x") not in said


@pytest.mark.parametrize("answer", ["fails", "empty"])
def test_positions_that_cannot_be_read_are_probed(
    tmp_path: Path, folder: Path, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "FIRST_BACKOFF_S", 0.01)
    with held(tmp_path) as (venue, config):
        requests = ("clearinghouseState", "spotClearinghouseState", "userFillsByTime")
        faults: dict[str, kinds.FaultKind] = {
            "fails": kinds.HttpError(status=500, endpoint="info", requests=requests),
            "empty": kinds.InfoAnswer(answer="empty", requests=requests),
        }
        venue.venue.trouble.desk.arm(faults[answer])
        said = flattened(config, folder)
        assert left(venue) == (0, 0)
        assert not said.done
        assert "NOT verified by a reading" in said.text
        assert "BTC, ETH proved flat" in said.text


def test_without_mids_and_with_a_coin_nobody_can_trade_the_rest_is_closed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatten, "CLOSE_S", 1.0)
    with held(tmp_path) as (venue, config):
        venue.venue.trouble.desk.arm(kinds.InfoAnswer(answer="null", requests=("allMids",)))

        async def without_eth(info: rest.InfoClient, coins: Sequence[str]) -> tuple[Instrument, ...]:
            if "ETH" in coins:
                msg = "ETH is delisted at the venue"
                raise PreflightError(msg)
            return await load_instruments(info, coins)

        monkeypatch.setattr(closer, "load_instruments", without_eth)
        said = flattened(config, folder)
        assert not said.done
        assert "ETH must be closed by hand: ETH is delisted" in said.text
        assert left(venue) == (1, 0)


def test_orders_that_cannot_be_read_do_not_keep_positions_open(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatten, "CLOSE_S", 1.0)
    with held(tmp_path) as (venue, config):
        requests = ("frontendOpenOrders",)
        venue.venue.trouble.desk.arm(kinds.InfoAnswer(answer="null", requests=requests))
        said = flattened(config, folder)
        assert left(venue)[0] == 0
        assert not said.done
        assert "open orders could not be read" in said.text


def test_a_key_that_may_not_act_gives_way_to_the_other(tmp_path: Path, folder: Path) -> None:
    with held(tmp_path) as (venue, config):
        write_private(tmp_path / "agent", "0x" + "11" * 32)
        assert flattened(config, folder).done
        assert left(venue) == (0, 0)


def test_without_any_key_that_may_act_it_says_so(tmp_path: Path, folder: Path) -> None:
    with held(tmp_path) as (venue, config):
        write_private(tmp_path / "agent", "0x" + "11" * 32)
        write_private(tmp_path / "watchdog", "0x" + "22" * 32)
        said = flattened(config, folder)
        assert not said.done
        assert "no key may act" in said.text
        assert left(venue) == (2, 2)


def test_a_living_run_without_its_gateway_is_flattened_with_the_watchdogs_key(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(tmp_path) as (venue, _):
        place, owner = RunFolder(folder), venue.accounts[0]
        place.create()
        target = Target(owner.address, venue.url, venue.ws, mainnet=False, key_path=str(tmp_path / "watchdog"))
        write_private(place.path / "watchdog.json", msgspec.json.encode(WatchdogConfig(target)).decode())
        lock = place.lock(RUN_LOCK)
        lock.take()
        answer = flattened(None, folder)
        lock.release()
        assert answer.done, answer.text
        assert f"with the key {tmp_path}/watchdog" in capsys.readouterr().err
        assert left(venue) == (0, 0)
        with contextlib.closing(StateStore(place.state_db)) as store:
            killed = store.kill_state()
        assert killed is not None
        assert "flatten" in killed.reason


def test_a_post_only_window_is_waited_out_and_said(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flatten, "WINDOW_STEP_S", 0.3)
    monkeypatch.setattr(flatten, "CLOSE_S", 1.0)
    with held(tmp_path) as (venue, config):
        state = venue.venue.state
        state.post_only_until_ms = state.now_ms + 2_000
        assert flattened(config, folder).done
        assert "Only post-only orders allowed" in capsys.readouterr().err
        assert left(venue) == (0, 0)
