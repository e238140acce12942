"""The state file: what a crash must not undo, and what is refused rather than repaired."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from portfolio_mm.domain.cloid import MAX_EPOCH
from portfolio_mm.domain.errors import StateError
from portfolio_mm.storage.state_store import HighWater, KillState, Moved, StateStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "state.db"


def test_an_owners_epoch_only_grows_and_the_older_one_sees_it(path: Path) -> None:
    store = StateStore(path)
    assert store.owner("gateway", "0xabc") is None
    assert [store.take("gateway", "0xabc", f"pid {n}", n) for n in (1, 2)] == [1, 2]
    assert store.take("risk", "0xabc", "pid 3", 3) == 1
    owner = store.owner("gateway", "0xabc")
    assert owner is not None
    assert (owner.epoch, owner.holder, owner.taken_ms) == (2, "pid 2", 2)
    store.close()


def test_of_two_who_saw_the_same_epoch_one_wins(path: Path) -> None:
    first, second = StateStore(path), StateStore(path)
    assert first.take_from("gateway", "a", "one", 1, expected=0) == 1
    assert second.take_from("gateway", "a", "two", 1, expected=0) is None
    assert second.take_from("gateway", "a", "two", 1, expected=1) == 2
    first.close()
    second.close()


def test_threads_and_connections_never_get_the_same_peer_epoch(path: Path) -> None:
    stores = [StateStore(path), StateStore(path)]
    seen: list[int] = []

    def draw(store: StateStore) -> None:
        seen.extend(store.next_peer_epoch("coin:BTC") for _ in range(10))

    threads = [threading.Thread(target=draw, args=(store,)) for store in stores for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 41))
    for store in stores:
        store.close()


def test_peer_epochs_that_do_not_fit_a_cloid_are_refused(path: Path) -> None:
    StateStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO peer VALUES ('coin:BTC', ?)", (MAX_EPOCH - 1,))
    db.close()
    store = StateStore(path)
    assert store.next_peer_epoch("coin:BTC") == MAX_EPOCH
    with pytest.raises(StateError, match="used up"):
        store.next_peer_epoch("coin:BTC")
    store.close()


def test_the_nonce_ceiling_never_falls(path: Path) -> None:
    store = StateStore(path)
    assert store.nonce_ceiling("a") == 0
    assert [store.reserve_nonces("a", n) for n in (10, 5, 20)] == [10, 10, 20]
    store.close()
    store = StateStore(path)
    assert (store.nonce_ceiling("a"), store.nonce_ceiling("b")) == (20, 0)
    store.close()


def test_the_first_reason_to_kill_stays_until_a_person_releases_it(path: Path) -> None:
    store = StateStore(path)
    assert store.kill_state() is None
    assert store.latch_kill("max loss", 1) == KillState("max loss", 1)
    assert store.latch_kill("manual", 2) == KillState("max loss", 1)
    store.close()
    store = StateStore(path)
    assert store.kill_state() == KillState("max loss", 1)
    assert store.clear_kill("anna", 3)
    assert not store.clear_kill("anna", 4)
    assert store.kill_state() is None
    assert [(i.kind, i.detail) for i in store.incidents()] == [
        ("resume", "anna released: max loss"),
        ("kill", "manual"),
        ("kill", "max loss"),
    ]
    store.close()


def test_marks_limits_and_day_counts_come_back_exactly(path: Path) -> None:
    store = StateStore(path)
    kept = HighWater(20_717, 10_000.1, 0.1 + 0.2, 1 / 3, 1.1, 1.0, 1e-9, 10_000.1 - 0.3, 5e11 + 0.01)
    assert store.high_water("a") is None
    store.save_high_water("a", HighWater(*range(9)), 1)
    store.save_high_water("a", kept, 2)
    assert [store.limits_version(d) for d in ("x", "x", "y", "x")] == [1, 1, 2, 3]
    store.save_day_actions("a", 20_000, 49_999)
    store.close()
    store = StateStore(path)
    assert store.high_water("a") == kept
    assert (store.day_actions("a", 20_000), store.day_actions("a", 20_001)) == (49_999, 0)
    store.close()


def test_counting_begins_once_and_a_move_is_kept_once(path: Path) -> None:
    store = StateStore(path)
    assert [store.begin_counting("a", ms) for ms in (5, 9)] == [5, 5]
    moves = (Moved(6, "0x1 deposit", 100_000_001), Moved(7, "0x2 withdraw", -5))
    store.add_moves("a", moves)
    store.add_moves("a", (Moved(6, "0x1 deposit", 7), Moved(6, "0x3 deposit", 1)))
    store.close()
    store = StateStore(path)
    assert set(store.moves("a")) == {*moves, Moved(6, "0x3 deposit", 1)}
    assert store.moves("b") == ()
    store.save_high_water("a", HighWater(*range(9)), 1)
    store.forget_money("a")
    assert (store.moves("a"), store.high_water("a"), store.begin_counting("a", 11)) == ((), None, 11)
    store.close()


SCHEMA_1 = """
CREATE TABLE owner (role TEXT NOT NULL, account TEXT NOT NULL, epoch INTEGER NOT NULL, holder TEXT NOT NULL,
    taken_ms INTEGER NOT NULL, PRIMARY KEY (role, account)) STRICT;
CREATE TABLE peer (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE nonce (account TEXT PRIMARY KEY, ceiling_ms INTEGER NOT NULL) STRICT;
CREATE TABLE kill (id INTEGER PRIMARY KEY CHECK (id = 1), reason TEXT NOT NULL, when_ms INTEGER NOT NULL) STRICT;
CREATE TABLE high_water (account TEXT PRIMARY KEY, marks TEXT NOT NULL, updated_ms INTEGER NOT NULL) STRICT;
CREATE TABLE limits (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, digest TEXT NOT NULL) STRICT;
CREATE TABLE day_actions (account TEXT PRIMARY KEY, day INTEGER NOT NULL, used INTEGER NOT NULL) STRICT;
CREATE TABLE incident (id INTEGER PRIMARY KEY AUTOINCREMENT, when_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL) STRICT;
PRAGMA application_id=0x504D4D31;
PRAGMA user_version=1;
INSERT INTO kill VALUES (1, 'max loss', 3);
INSERT INTO nonce VALUES ('a', 99);
INSERT INTO high_water VALUES ('a', '{}', 1);
"""


def test_a_file_of_the_version_before_is_brought_up_to_date_and_stays_killed(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.executescript(SCHEMA_1)
    db.close()
    path.chmod(0o600)
    for _ in range(2):
        store = StateStore(path)
        assert (store.kill_state(), store.nonce_ceiling("a")) == (KillState("max loss", 3), 99)
        assert store.high_water("a") is None
        assert [one.kind for one in store.incidents()] == ["upgrade"]
        store.add_moves("a", (Moved(6, "0x1 deposit", 1),))
        store.close()


WRITER = """
import sys
from portfolio_mm.storage.state_store import HighWater, Moved, StateStore
store = StateStore(sys.argv[1])
n = 0
while True:
    n += 1
    store.reserve_nonces("a", n)
    if n == 1:
        store.latch_kill("before the crash", 1)
    store.save_high_water("a", HighWater(1, n, 0, 1, 1, 1, n, n, n), n)
    store.add_moves("a", (Moved(n, "deposit", 1),))
    print(n, flush=True)
"""


def test_what_was_promised_survives_kill_9(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(50)]
        os.kill(process.pid, signal.SIGKILL)
        said += [int(line) for line in process.stdout if line.strip()]
    store = StateStore(path)
    assert store.nonce_ceiling("a") >= said[-1]
    assert store.kill_state() == KillState("before the crash", 1)
    marks = store.high_water("a")
    assert marks is not None
    assert marks.peak_earned_usd >= said[-1]
    assert len(store.moves("a")) >= said[-1]
    store.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Files by name; an empty file and the shared memory index of readers hold nothing."""
    found = {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.endswith("-shm")}
    return {name: data for name, data in found.items() if data or not name.endswith("-wal")}


def refused(path: Path, match: str) -> None:
    """Opening fails with the path and the remedy, and no byte changes."""
    before = contents(path.parent)
    with pytest.raises(StateError, match=match) as caught:
        StateStore(path)
    assert str(path) in str(caught.value)
    assert contents(path.parent) == before


def test_a_file_that_is_not_ours_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"", b"hello", b"SQLite format 3\x00", os.urandom(8192)):
        path.write_bytes(content)
        path.chmod(0o600)
        refused(path, "damaged")
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    path.chmod(0o600)
    refused(path, "another program")


def test_a_damaged_page_is_found_before_anything_is_written(path: Path) -> None:
    store = StateStore(path)
    for n in range(200):
        store.add_incident(n, "note", "x" * 200)
    store.close()
    data = bytearray(path.read_bytes())
    data[4096 * 5 : 4096 * 8] = os.urandom(4096 * 3)
    path.write_bytes(bytes(data))
    refused(path, "damaged|malformed")


def test_a_cut_file_is_refused(path: Path) -> None:
    StateStore(path).close()
    path.write_bytes(path.read_bytes()[: 4096 * 3 + 100])
    refused(path, "damaged|malformed")


def test_a_newer_schema_is_refused(path: Path) -> None:
    StateStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    refused(path, "schema version 99, this program knows 1 to 2")


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o400])
def test_a_file_others_may_write_or_we_may_not_is_refused(path: Path, mode: int) -> None:
    StateStore(path).close()
    path.chmod(mode)
    refused(path, rf"mode 0{mode:o}.*chmod 600")


def test_a_lost_file_with_its_journal_left_is_not_replaced(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("state.db-wal").write_bytes(b"x")
    with pytest.raises(StateError, match="missing but its journal"):
        StateStore(path)
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="folder"):
        StateStore(tmp_path / "file" / "state.db")


def test_a_second_look_in_this_process_keeps_our_locks(path: Path) -> None:
    """A process that closes the file must not delete the journal while this one has it open."""
    ours = StateStore(path)
    StateStore(path).close()
    program = f"from portfolio_mm.storage.state_store import StateStore; StateStore({str(path)!r}).close()"
    subprocess.run([sys.executable, "-c", program], check=True)
    ours.latch_kill("a drill", 1)
    found = (
        "from portfolio_mm.storage.state_store import StateStore\n"
        f"assert StateStore({str(path)!r}).kill_state().reason == 'a drill'"
    )
    subprocess.run([sys.executable, "-c", found], check=True)
    ours.close()


def test_a_transaction_that_fails_is_undone_and_the_next_one_works(path: Path) -> None:
    store = StateStore(path)
    store.latch_kill("a drill", 1)

    def forget_and_fail() -> None:
        with store._write() as connection:
            connection.execute("DELETE FROM kill")
            msg = "in the middle"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="in the middle"):
        forget_and_fail()
    assert store.kill_state() == KillState("a drill", 1)
    store.latch_kill("again", 2)
    store.close()
