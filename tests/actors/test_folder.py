"""The state folder, the kernels' folder, journals' age, and processes that outlive us."""

import asyncio
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_mm.actors import daemon, kernel_cache
from portfolio_mm.actors.frame_key import FrameKey, key_of
from portfolio_mm.actors.journal_age import forget_old
from portfolio_mm.actors.run_folder import START_LOCK, FolderLock, RunFolder
from portfolio_mm.actors.topology import GATEWAY, RELAY, Address, FolderDirectory
from portfolio_mm.actors.venue_process import MODULE, start_venue
from portfolio_mm.domain import price_grid, price_grid_kernels
from portfolio_mm.domain.errors import AlreadyRunningError, ConfigurationError, ProtocolError, StateError
from portfolio_mm.domain.events import EVENT
from portfolio_mm.engine import reconcile, warm
from portfolio_mm.engine.coin import step
from portfolio_mm.engine.diary import collect
from portfolio_mm.settings.load import load
from portfolio_mm.storage.journal import Journal
from tests.actors.waiting import until


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "state")
    folder.create()
    assert {mode(path) for path in (folder.path, folder.journals, folder.sockets)} == {0o700}
    assert mode(folder.token_file) == 0o600
    assert len(str(folder.hub_socket)) < 100
    token = folder.token()
    folder.create()
    assert folder.token() == token


def test_a_socket_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    folder.sockets.chmod(0o755)
    with pytest.raises(StateError, match="private"):
        folder.create()
    folder.sockets.chmod(0o700)


def test_a_path_that_cannot_be_a_folder_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="state folder"):
        RunFolder(tmp_path / "file" / "state").create()


def test_two_instances_on_one_folder_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    first = folder.lock(START_LOCK)
    first.take()
    assert folder.lock(START_LOCK).held_elsewhere()
    with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
        folder.lock(START_LOCK).take()
    first.release()
    assert not folder.lock(START_LOCK).held_elsewhere()


def test_damaged_facts_are_left_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    assert folder.facts() == {}
    folder.announce({"run": 1})
    assert folder.facts() == {"run": 1}
    folder.run_json.write_text("{")
    with pytest.raises(StateError, match="damaged"):
        folder.facts()
    assert folder.run_json.read_text() == "{"


async def test_the_directory_knows_the_hub_and_what_was_announced(tmp_path: Path) -> None:
    directory = FolderDirectory(tmp_path)
    assert (await directory.find(GATEWAY)).url == f"unix:{tmp_path}/hub.sock"
    with pytest.raises(ProtocolError, match="does not listen"):
        await directory.find(RELAY)
    directory.announce(RELAY, Address("ws://127.0.0.1:1/ws", 2))
    assert await directory.find(RELAY) == Address("ws://127.0.0.1:1/ws", 2)


def test_two_that_look_whether_a_lock_is_held_do_not_see_each_other(tmp_path: Path) -> None:
    """One looks without end in another process; we look, take and let go many times."""
    code = (
        "import sys; from pathlib import Path; from portfolio_mm.actors.run_folder import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1]))\nprint('looking', flush=True)\nwhile True: lock.held_elsewhere()"
    )
    path = tmp_path / "run.lock"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        lock = FolderLock(path)
        try:
            assert not any(lock.held_elsewhere() for _ in range(2_000))
            for _ in range(50):
                lock.take()
                lock.release()
        finally:
            other.kill()


def test_an_edited_leaf_names_another_kernel_folder(tmp_path: Path) -> None:
    rooms = tmp_path / "portfolio_mm"
    for room in kernel_cache.KERNEL_ROOMS:
        shutil.copytree(
            kernel_cache.PACKAGE / room, rooms / room, ignore=shutil.ignore_patterns("__pycache__", "*.nb*")
        )
    before = kernel_cache.fingerprint(rooms)
    assert before == kernel_cache.fingerprint()
    leaf = rooms / "models" / "microprice.py"
    leaf.write_text(leaf.read_text() + "\n")
    assert kernel_cache.fingerprint(rooms) != before


def test_kernels_are_complete_until_one_goes_or_a_source_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel_cache.complete(), "the tests begin with compiling"
    kept = kernel_cache.cache_folder()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    copied = kernel_cache.cache_folder()
    assert not kernel_cache.complete()
    shutil.copytree(kept, copied, dirs_exist_ok=True)
    assert kernel_cache.complete()
    moved = tmp_path / "elsewhere" / "portfolio_mm"
    shutil.copytree(kernel_cache.PACKAGE, moved)
    assert not kernel_cache.complete(moved)
    lists = {each: each.read_text() for each in copied.glob("compiled-*.json")}
    for each in lists:
        each.write_text("{")
    assert not kernel_cache.complete(), "torn"
    for each, text in lists.items():
        each.write_text(text)
    assert kernel_cache.complete()
    own = Path(step.stats.cache_path).name  # other checkouts of the same version share the cache
    next((copied / own).glob("coin.step*.nbc")).unlink()
    assert not kernel_cache.complete()


def test_the_second_process_compiles_what_the_page_calls() -> None:
    """For other types it would compile in vain, beside what the page needs."""
    for kernel in (*warm.ON_COIN, *warm.ON_EVENT, reconcile.commands_for, collect):
        folder = Path(kernel.stats.cache_path)  # of this very checkout: others of the same version share the cache
        module = kernel.__module__.rpartition(".")[2]
        assert len(list(folder.glob(f"{module}.{kernel.__name__}-*.nbc"))) == 1, kernel


async def test_complete_kernels_are_not_loaded_to_find_that_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "create_subprocess_exec", None)
    said: list[str] = []
    assert await kernel_cache.warm(said.append) < 5.0
    assert said == []


def test_numba_loads_neither_scipy_nor_cffi_for_a_coin_which_may_load_them_later() -> None:
    code = """
import sys
from portfolio_mm.actors.lean_numba import UNUSED, lean_numba
with lean_numba():
    from portfolio_mm.engine.warm import warm_up
    warm_up()
print([name for name in UNUSED if name in sys.modules])
import scipy.linalg
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(st.integers(1, 10**12), st.floats(0.0, 1.0, exclude_max=True), st.integers(0, 6), st.booleans())
def test_the_plain_price_grid_is_the_compiled_one(ticks: int, part: float, px_decimals: int, up: bool) -> None:  # noqa: FBT001
    assert price_grid.tick_step(ticks, px_decimals) == price_grid_kernels.tick_step(ticks, px_decimals)
    px = ticks + part
    assert price_grid.round_px(px, px_decimals, up) == price_grid_kernels.round_px(px, px_decimals, up)


def test_all_threads_of_a_process_step_back() -> None:
    code = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start(); print(1); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdout.readline()
        threads = [int(each.name) for each in Path(f"/proc/{other.pid}/task").iterdir()]
        before = os.getpriority(os.PRIO_PROCESS, other.pid)
        daemon.step_back(other.pid, before + 3)
        assert [os.getpriority(os.PRIO_PROCESS, each) - before for each in threads] == [3, 3]
        other.communicate(b"\n")
    daemon.step_back(other.pid, 19)


def test_old_segments_are_forgotten_but_never_the_newest(tmp_path: Path) -> None:
    for _ in range(3):
        journal = Journal(tmp_path, "coin-BTC", EVENT)
        journal.append(np.zeros(1, EVENT))
        journal.close()
    paths = sorted(tmp_path.glob("coin-BTC.*.seg"))
    for path in paths:
        os.utime(path, (1.0, 1.0))
    os.utime(paths[1])
    assert forget_old(tmp_path, "coin-BTC", 1.0) == 1
    assert sorted(tmp_path.glob("coin-BTC.*.seg")) == paths[1:]


async def test_a_detached_process_is_found_by_its_words_and_ended_by_its_number(tmp_path: Path) -> None:
    word = f"wanted-{os.getpid()}"
    command = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)", word]
    log = tmp_path / "log"
    pid = daemon.spawn(command, log)
    await until(lambda: "here" in log.read_text(), "its first word")
    assert os.getpgid(pid) != os.getpgid(0)
    assert daemon.runs(pid, word)
    assert not daemon.runs(pid, "another")
    assert daemon.working_in(word) == [pid]
    await daemon.end(pid, "another")
    assert daemon.runs(pid, word)
    await daemon.end(pid, word)
    assert not daemon.runs(pid, word)


def ours(pid: int) -> bool:
    """Whether a living process is a child of ours, or in our session."""
    assert daemon.runs(pid, MODULE)
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return os.getsid(pid) == os.getsid(0)
    return True


def holders(folder: Path, key: str) -> list[Path]:
    """Files that hold a key."""
    return [path for path in folder.rglob("*") if path.is_file() and key in path.read_text()]


async def test_the_embedded_venue_leaves_us_neither_a_child_nor_an_open_file_nor_its_keys(tmp_path: Path) -> None:
    plan = load(None, {"coins.names": ["BTC"], "storage.folder": str(tmp_path / "state")}).plan()
    folder = RunFolder(Path(plan.storage.folder))
    folder.create()
    venue = await start_venue(plan, folder)
    try:
        assert not ours(venue.pid)
        assert holders(folder.path, folder.key_file("agent").read_text()) == [folder.key_file("agent")]
    finally:
        await daemon.end(venue.pid, MODULE)
    gc.collect()  # an unclosed pipe or a forgotten child warns here, and warnings are errors


async def test_a_start_of_the_venue_that_is_called_off_leaves_no_venue(tmp_path: Path) -> None:
    plan = load(
        None, {"coins.names": ["BTC"], "venue.embedded.seed": 727_272, "storage.folder": str(tmp_path / "state")}
    ).plan()
    folder = RunFolder(Path(plan.storage.folder))
    folder.create()
    starting = asyncio.create_task(start_venue(plan, folder))
    await until(lambda: bool(daemon.working_in("727272")), "a venue on its way")
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert daemon.working_in("727272") == []
    assert not (folder.path / "venue.ready").exists()


def test_a_frame_tells_its_stream() -> None:
    assert key_of(b'{"channel":"trades","data":[{"coin":"BTC"},{"coin":"BTC"}]}') == FrameKey("trades", "BTC")
    assert key_of(b'{"data":{"fast":true,"coin":"xyz:CL"},"channel":"l2Book"}') == FrameKey(
        "l2Book", "xyz:CL", fast=True
    )
    assert key_of(b'{"channel":"pong"}') is None
    assert key_of(b"Websocket connection established.") is None


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("portfolio_mm.actors.coin", ("cvxpy", "pydantic", "ray")),
        ("portfolio_mm.actors.watchdog", ("ray", "cvxpy", "pydantic", "numba")),
        ("portfolio_mm.actors.relay", ("ray", "cvxpy", "pydantic", "numba", "aiohttp")),
        ("portfolio_mm.actors.risk", ("ray", "cvxpy", "pydantic", "numba", "aiohttp")),
        ("portfolio_mm.actors.gateway.gateway", ("ray", "cvxpy", "pydantic", "numba", "scipy")),
        ("portfolio_mm.actors.deploy", ("cvxpy", "pydantic", "numba", "aiohttp", "coincurve")),
    ],
)
def test_a_process_loads_only_what_its_part_needs(module: str, banned: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([name for name in {banned!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
