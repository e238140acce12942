"""Fallbacks that no larger test reaches."""

import asyncio
import contextlib
import errno
import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.actors import kernel_cache
from portfolio_mm.actors.ending import finish, read_truth
from portfolio_mm.actors.gateway.chronicle import Chronicle
from portfolio_mm.actors.gateway.tally import Tally
from portfolio_mm.actors.persevere import in_thread
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.run_spec import RunSpec
from portfolio_mm.actors.venue_process import VenueAddress
from portfolio_mm.cli import start
from portfolio_mm.cli.version import versions
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.order import Refusal
from portfolio_mm.settings.load import load
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.pretend import Pretend


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_refuses_ends_the_record_and_not_the_run(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path)
    rows = np.zeros(3, COMMAND)
    chronicle.commands(rows)
    with full_disk():
        chronicle.commands(rows)
        broken = chronicle.broken
        chronicle.commands(rows)
    assert str(tmp_path) in broken
    assert chronicle.broken == broken
    chronicle.close()


def test_a_disk_that_refuses_the_last_words_of_a_record_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    chronicle = Chronicle(tmp_path)
    chronicle.commands(np.zeros(3, COMMAND))
    monkeypatch.setattr(os, "fdatasync", refuse)
    monkeypatch.setattr(os, "fsync", refuse)
    chronicle.close()
    assert str(tmp_path) in chronicle.broken


def test_a_tally_that_cannot_be_read_counts_from_zero(tmp_path: Path) -> None:
    world, path = Pretend(1_000.0), tmp_path / "tally.ckpt"
    world.desk.placed, world.desk.refused[Refusal.LIMIT] = 7, 2
    kept = Tally(path, 5, world.desk)
    kept.keep(kept.now())
    same, other, lost = (Pretend(1_000.0).desk for _ in range(3))
    Tally(path, 5, same).resume()
    assert (same.placed, dict(same.refused)) == (7, {Refusal.LIMIT: 2})
    Tally(path, 6, other).resume()
    assert other.placed == 0
    with full_disk():
        kept.keep(kept.now())
    path.write_bytes(path.read_bytes()[:-1])
    Tally(path, 5, lost).resume()
    assert lost.placed == 0


def test_the_gateway_forgets_old_journals_but_never_the_newest(tmp_path: Path) -> None:
    for _ in range(3):
        Chronicle(tmp_path).close()
    chronicle = Chronicle(tmp_path)
    for path in tmp_path.glob("*.seg"):
        os.utime(path, (0, 0))
    chronicle.forget(1.0)
    assert sorted(path.name for path in tmp_path.glob("gateway-events.*")) == ["gateway-events.3.seg"]
    assert len(list(tmp_path.iterdir())) == 3
    chronicle.close()


async def test_an_end_without_gateway_and_venue_says_what_is_not_known(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    nowhere = VenueAddress("http://127.0.0.1:9", "ws://127.0.0.1:9/ws", "0x" + "1" * 40, "no key", None)
    spec = RunSpec(1, time.time_ns() // 1_000_000, str(tmp_path), load(None).plan(), nowhere, ())
    async with asyncio.timeout(30):
        said = await finish(spec, "a drill")
    assert said["orders_left"] is None
    assert "the gateway could not be asked" in said["text"]
    assert said["report"] == ""


async def test_an_end_needs_little_of_a_throttled_venues_request_weight(tmp_path: Path) -> None:
    async with running_venue(VenueSettings(coins=("BTC",))) as venue:
        address = VenueAddress(venue.url, venue.ws, venue.accounts[0].address, "no key", None)
        spec = RunSpec(1, venue.start_ms, str(tmp_path), load(None).plan(), address, ())
        venue.venue.charge_ip("127.0.0.1", 1200 - 24)
        async with asyncio.timeout(10):
            truth = await read_truth(spec, AccountMode.STANDARD)
        assert truth is not None
        assert (truth.money.equity_usd, truth.orders_left) == (10_000.0, 0)


async def test_work_in_a_thread_that_is_called_off_is_awaited_to_its_end() -> None:
    began, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait(10)
        ended.set()

    doing = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(began.wait, 10)
    doing.cancel()
    await asyncio.sleep(0)
    assert not doing.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert ended.is_set()


async def test_a_long_end_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "PATIENT_S", 0.001)
    said = asyncio.Event()

    async def end() -> dict[str, Any]:
        await said.wait()
        return {"orders_left": 0}

    ending = asyncio.create_task(start._patiently(end()))
    async with asyncio.timeout(10):
        while "still ending" not in capsys.readouterr().err:  # noqa: ASYNC110 - only reading tells
            await asyncio.sleep(0)
    said.set()
    assert await ending == {"orders_left": 0}


def test_a_processor_without_a_name_still_has_a_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError

    before = kernel_cache.fingerprint()
    monkeypatch.setattr(Path, "read_text", refuse)
    assert kernel_cache.fingerprint() != before
    assert len(kernel_cache.fingerprint()) == len(before)


def test_a_missing_package_is_said_instead_of_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portfolio_mm.cli.version.STANDS_ON", ("numpy", "no-such-package"))
    assert versions()["no-such-package"].startswith("missing")
