"""What must survive any crash (architecture §2, durability): owners, epochs, nonces, the kill latch, high-water marks.

SQLite in WAL mode with synchronous=FULL: a method that returned is on disk. Calls take a few milliseconds and may be
made from an event loop. Several processes of one host may share the file.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from portfolio_mm.domain.cloid import MAX_EPOCH
from portfolio_mm.domain.errors import StateError
from portfolio_mm.storage.state_file import open_state


class Owner(msgspec.Struct, frozen=True):
    """Who holds a role of an account; a lower epoch has lost it."""

    role: str
    account: str
    epoch: int
    holder: str
    taken_ms: int


class KillState(msgspec.Struct, frozen=True):
    """The latched kill switch: first reason and when (Unix ms)."""

    reason: str
    when_ms: int


class HighWater(msgspec.Struct, frozen=True):
    """High-water marks of an account as plain numbers; what they mean says `risk/drawdown.py`, field by field.

    `day` counts UTC days since 1970; transfers are those counted since counting began (`begin_counting`).
    """

    day: int
    equity_usd: float
    transfers_usd: float
    index: float
    peak_index: float
    day_peak_index: float
    peak_earned_usd: float
    day_peak_earned_usd: float
    day_open_earned_usd: float


class Moved(msgspec.Struct, frozen=True):
    """Money that came (positive) or went, by block time; `name` tells it from others of the same time.

    0 USD is a move that does not change the equity of this account's mode: known, and not to be judged again.
    """

    time_ms: int
    name: str
    usd_1e8: int


class Incident(msgspec.Struct, frozen=True):
    """Something a person should read later."""

    id: int
    when_ms: int
    kind: str
    detail: str


class StateStore:
    """One connection to the state file; safe to call from several threads.

    Raises:
        StateError: from the constructor when the file cannot be trusted, from any method when the disk fails.
    """

    def __init__(self, path: Path | str) -> None:
        self.path: Final = Path(path)
        self._lock = threading.Lock()
        self._connection = open_state(self.path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def take(self, role: str, account: str, holder: str, now_ms: int) -> int:
        """Become the owner of a role of an account; gives the new epoch, one above every earlier one."""
        with self._write() as db:
            row = db.execute(
                "INSERT INTO owner VALUES (?, ?, 1, ?, ?) ON CONFLICT (role, account) DO UPDATE SET "
                "epoch = epoch + 1, holder = excluded.holder, taken_ms = excluded.taken_ms RETURNING epoch",
                (role, account, holder, now_ms),
            ).fetchone()
        return int(row[0])

    def take_from(self, role: str, account: str, holder: str, now_ms: int, *, expected: int) -> int | None:
        """Compare and set: become the owner only if the epoch still is `expected` (0: nobody); None when it is not."""
        with self._write() as db:
            row = db.execute("SELECT epoch FROM owner WHERE role = ? AND account = ?", (role, account)).fetchone()
            if (0 if row is None else row[0]) != expected:
                return None
            db.execute("REPLACE INTO owner VALUES (?, ?, ?, ?, ?)", (role, account, expected + 1, holder, now_ms))
        return expected + 1

    def owner(self, role: str, account: str) -> Owner | None:
        """Who owns a role now."""
        row = self._one(
            "SELECT role, account, epoch, holder, taken_ms FROM owner WHERE role=? AND account=?", role, account
        )
        return None if row is None else Owner(*row)

    def next_peer_epoch(self, name: str) -> int:
        """Strictly increasing number for each (re)connection of a peer; it goes into cloids, hence 24 bits.

        Raises:
            StateError: all numbers are used up.
        """
        with self._write() as db:
            row = db.execute(
                "INSERT INTO peer VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
                (name,),
            ).fetchone()
            if row[0] > MAX_EPOCH:
                spent = f"peer {name} connected {MAX_EPOCH} times, its epochs are used up"
                msg = f"state file {self.path}: {spent}; start with a fresh state file under a new run number"
                raise StateError(msg)
        return int(row[0])

    def reserve_nonces(self, account: str, up_to_ms: int) -> int:
        """Promise that nonces up to `up_to_ms` may be used; never lowers. Gives the ceiling now in force."""
        with self._write() as db:
            row = db.execute(
                "INSERT INTO nonce VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET "
                "ceiling_ms = max(ceiling_ms, excluded.ceiling_ms) RETURNING ceiling_ms",
                (account, up_to_ms),
            ).fetchone()
        return int(row[0])

    def nonce_ceiling(self, account: str) -> int:
        """Highest nonce any earlier run may have used; 0 when none did. A restart begins above it."""
        row = self._one("SELECT ceiling_ms FROM nonce WHERE account = ?", account)
        return 0 if row is None else int(row[0])

    def add_run(self, account: str, run: int) -> None:
        """Note that a run of this store traded an account: its number is in its orders' cloids."""
        with self._write() as db:
            db.execute("INSERT INTO run VALUES (?, ?) ON CONFLICT DO NOTHING", (account, run))

    def runs(self, account: str) -> tuple[int, ...]:
        """Every run noted for an account."""
        with self._guard():
            rows = self._connection.execute("SELECT run FROM run WHERE account = ?", (account,)).fetchall()
        return tuple(int(row[0]) for row in rows)

    def latch_kill(self, reason: str, when_ms: int) -> KillState:
        """Latch the kill switch; the first reason stays, later ones become incidents. Gives what is latched."""
        with self._write() as db:
            db.execute("INSERT INTO kill VALUES (1, ?, ?) ON CONFLICT DO NOTHING", (reason, when_ms))
            db.execute("INSERT INTO incident (when_ms, kind, detail) VALUES (?, 'kill', ?)", (when_ms, reason))
            row = db.execute("SELECT reason, when_ms FROM kill").fetchone()
        return KillState(*row)

    def kill_state(self) -> KillState | None:
        """The latched kill switch, None when trading is allowed."""
        row = self._one("SELECT reason, when_ms FROM kill")
        return None if row is None else KillState(*row)

    def clear_kill(self, who: str, when_ms: int) -> bool:
        """Release the kill switch, on a person's word; the incident names who. False when it was not latched."""
        with self._write() as db:
            row = db.execute("DELETE FROM kill RETURNING reason").fetchone()
            if row is not None:
                detail = f"{who} released: {row[0]}"
                db.execute("INSERT INTO incident (when_ms, kind, detail) VALUES (?, 'resume', ?)", (when_ms, detail))
        return row is not None

    def high_water(self, account: str) -> HighWater | None:
        """High-water marks of an account, None before the first."""
        row = self._one(
            "SELECT day, equity_usd, transfers_usd, unit, peak_unit, day_peak_unit, peak_earned_usd, "
            "day_peak_earned_usd, day_open_earned_usd FROM high_water WHERE account = ?",
            account,
        )
        return None if row is None else HighWater(*row)

    def save_high_water(self, account: str, marks: HighWater, now_ms: int) -> None:
        """Keep an account's marks."""
        values = (account, *msgspec.structs.astuple(marks), now_ms)
        with self._write() as db:
            db.execute(f"REPLACE INTO high_water VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - ours

    def begin_counting(self, account: str, since_ms: int) -> int:
        """From when on transfers of an account are counted: `since_ms` (block time), or what an earlier run said."""
        with self._write() as db:
            db.execute("INSERT INTO counting VALUES (?, ?) ON CONFLICT DO NOTHING", (account, since_ms))
            row = db.execute("SELECT since_ms FROM counting WHERE account = ?", (account,)).fetchone()
        return int(row[0])

    def add_moves(self, account: str, moves: Sequence[Moved]) -> None:
        """Keep moves of money; one that is kept already stays as it was judged then."""
        rows = [(account, move.time_ms, move.name, move.usd_1e8) for move in moves]
        with self._write() as db:
            db.executemany("INSERT INTO transfer VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)

    def moves(self, account: str) -> tuple[Moved, ...]:
        """All moves kept, oldest first."""
        query = "SELECT time_ms, name, usd_1e8 FROM transfer WHERE account = ? ORDER BY time_ms"
        with self._guard():
            return tuple(Moved(*row) for row in self._connection.execute(query, (account,)).fetchall())

    def forget_money(self, account: str) -> None:
        """Forget marks and moves of an account whose money is not there any more."""
        with self._write() as db:
            for table in ("high_water", "counting", "transfer"):
                db.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608 - one of the three

    def limits_version(self, digest: str) -> int:
        """Version number of a set of limits: unchanged while its digest is, one higher on each change."""
        with self._write() as db:
            row = db.execute(
                "INSERT INTO limits VALUES (1, 1, ?) ON CONFLICT (id) DO UPDATE SET "
                "version = version + (digest <> excluded.digest), digest = excluded.digest RETURNING version",
                (digest,),
            ).fetchone()
        return int(row[0])

    def save_day_actions(self, account: str, day: int, used: int) -> None:
        """Keep how many actions an account used on a UTC day."""
        with self._write() as db:
            db.execute("REPLACE INTO day_actions VALUES (?, ?, ?)", (account, day, used))

    def day_actions(self, account: str, day: int) -> int:
        """Actions kept for that UTC day; 0 when none were."""
        row = self._one("SELECT used FROM day_actions WHERE account = ? AND day = ?", account, day)
        return 0 if row is None else int(row[0])

    def add_incident(self, when_ms: int, kind: str, detail: str) -> None:
        """Write down something a person should read."""
        with self._write() as db:
            db.execute("INSERT INTO incident (when_ms, kind, detail) VALUES (?, ?, ?)", (when_ms, kind, detail))

    def incidents(self, newest: int = 100) -> tuple[Incident, ...]:
        """The newest incidents, newest first."""
        query = "SELECT id, when_ms, kind, detail FROM incident ORDER BY id DESC LIMIT ?"
        with self._guard():
            return tuple(Incident(*row) for row in self._connection.execute(query, (newest,)).fetchall())

    def _one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        with self._guard():
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        return row

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """One user at a time; the disk's failures as StateError."""
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            msg = f"state file {self.path}: {error}; free the disk or stop whoever locks the file, then restart"
            raise StateError(msg) from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block ends, undone when it raises."""
        with self._guard():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
