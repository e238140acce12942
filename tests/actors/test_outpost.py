"""A watchdog on another machine: joins over TLS by its own door, and cancels when the trading host is gone."""

import asyncio
import os
import signal
import socket
import stat
from pathlib import Path

import msgspec
import pytest

from portfolio_mm.actors import outpost, watchdog
from portfolio_mm.actors.door import Door
from portfolio_mm.actors.messages import Hello
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.actors.sweeper import Target
from portfolio_mm.actors.transport import Tls, join
from portfolio_mm.actors.watchdog import WatchdogConfig
from portfolio_mm.cli.doctor_account import _elsewhere
from portfolio_mm.domain.errors import ConfigurationError, ProtocolError
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import BUY
from tests.actors.sample import view
from tests.actors.test_watchdog import rest_orders
from tests.cli.command import COMMAND, run
from tests.gateway.peers import Rig, rig, until


def post_of(made: Rig, folder: Path, found: Door) -> Path:
    """The packed folder, with the watchdog's key beside it."""
    account = made.venue.accounts[0]
    target = Target(account.address, made.venue.url, made.venue.ws, mainnet=False, key_path="")
    config = WatchdogConfig(target, silence_s=0.6, heartbeat_s=0.05)
    outpost.pack(found, target, config, found.address.removeprefix("tls://"), folder / "post")
    write_private(folder / "outpost.key", account.watchdog.key)
    return folder / "post"


def opened(folder: Path) -> Door:
    files = RunFolder(folder)
    files.create()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return outpost.door(files, f"127.0.0.1:{probe.getsockname()[1]}")


async def test_another_machine_cancels_when_the_trading_host_is_gone(tmp_path: Path) -> None:
    found = opened(tmp_path)
    async with rig(tmp_path, outpost=found) as made:
        await made.start()
        _, coin = await made.trading()
        post = post_of(made, tmp_path, found)
        guard = await asyncio.create_subprocess_exec(
            *COMMAND,
            *("watchdog", "run", str(post), "--key-path", str(tmp_path / "outpost.key")),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert made.gateway._rhythm is not None
            parts = made.gateway._rhythm._parts
            await until(lambda: any("@" in link.name for link in parts.hub.of("watchdog")), "it joins", 40.0)
            key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
            await coin.hears(OrderEvent.ACCEPTED, key)
            await asyncio.sleep(1.0)
            assert len(await made.open_orders()) == 1, "a gateway that beats keeps its orders"
            await made.crash()
            await made.nothing_open()
        finally:
            guard.send_signal(signal.SIGTERM)
            _, words = await guard.communicate()
        assert guard.returncode == 0
        assert made.venue.accounts[0].watchdog.key.removeprefix("0x").encode() not in words


async def test_after_an_orderly_end_it_leaves_a_persons_orders_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "LINGER_S", 0.2)
    found = opened(tmp_path)
    async with rig(tmp_path, outpost=found) as made:
        await made.start()
        await made.trading()
        guard = outpost.stand(post_of(made, tmp_path, found), tmp_path / "outpost.key")
        task = asyncio.create_task(guard.run())
        try:
            await until(lambda: bool(guard.status()["hub"]), "it joins")
            await made.gateway.stop()
            await until(lambda: guard.stands_down and guard.clean, "it heard the good-bye and looked")
            await rest_orders(made.venue, 1)
            await asyncio.sleep(1.5)
            assert not task.done(), "it waits for the next run"
            assert len(await made.open_orders()) == 1
        finally:
            await guard.stop()
            await task


@pytest.mark.parametrize(("role", "token"), [("coin", None), ("operator", None), ("watchdog", "the run's own token")])
async def test_its_door_admits_watchdogs_with_its_own_token_only(role: str, token: str | None, tmp_path: Path) -> None:
    found = opened(tmp_path)
    async with rig(tmp_path, outpost=found) as made:
        await made.start()
        said = found.token() if token is None else token
        hello = Hello(role=role, name="coin:BTC", token=said, pid=os.getpid())  # type: ignore[arg-type]
        with pytest.raises(ProtocolError):
            await join(found.address, hello, Tls(Path(found.certificate)))


def test_what_it_is_given_is_private_made_once_and_holds_no_key_of_ours(tmp_path: Path) -> None:
    found = opened(tmp_path)
    before = Path(found.certificate).read_text()
    again = outpost.door(RunFolder(tmp_path), "127.0.0.1:1")
    assert again == msgspec.structs.replace(found, address="tls://127.0.0.1:1")
    assert Path(found.certificate).read_text() == before
    for path in (found.key, found.token_file, found.certificate):
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_doctor_names_the_watchdog_elsewhere_while_it_is_heard() -> None:
    told = msgspec.structs.replace(view(), peers=(("watchdog", 0.1), ("watchdog@b", 0.2), ("watchdog@c", 60.0)))
    assert _elsewhere(told) == ["watchdog@b"]
    assert _elsewhere(None) == []


def test_a_folder_that_was_not_packed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="watchdog pack"):
        outpost.stand(tmp_path, tmp_path / "key")


def test_the_command_packs_what_the_other_machine_needs(tmp_path: Path) -> None:
    files, to = RunFolder(tmp_path / "state"), tmp_path / "post"
    files.create()
    config = tmp_path / "live.yaml"
    config.write_text(f"storage: {{folder: {files.path}}}\n")
    code, words = run("watchdog", "pack", to, "--config", config)
    assert code == 4
    assert "actors.outpost is not set" in words
    config.write_text(f"storage: {{folder: {files.path}}}\nactors: {{outpost: '0.0.0.0:7443'}}\n")
    target = Target("0x" + "1" * 40, "http://x", "ws://x", mainnet=False, key_path="/secret/agent.key")
    write_private(files.path / "watchdog.json", msgspec.json.encode(WatchdogConfig(target)).decode())
    code, words = run("watchdog", "pack", to, "--config", config, "--public", "10.0.0.5:7443")
    assert code == 0, words
    assert "portfolio-mm watchdog run" in words
    assert "tls://10.0.0.5:7443" in (to / "outpost.json").read_text()
    assert all("agent.key" not in path.read_text() for path in to.iterdir())
    assert stat.S_IMODE(to.stat().st_mode) == 0o700
