"""Opening the state file: made whole or not at all, looked at before it is trusted, never touched when in doubt.

Every refusal is a StateError that names the file, what is wrong and what to do; the file stays as it was, because it
may hold a latched kill switch.
"""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from portfolio_mm.domain.errors import StateError

APPLICATION_ID: Final = 0x504D4D31
"""`PMM1` in the SQLite header."""
SCHEMA_VERSION: Final = 2
BUSY_MS: Final = 5000
HEADER_BYTES: Final = 100
_SCHEMA: Final = """
CREATE TABLE owner (role TEXT NOT NULL, account TEXT NOT NULL, epoch INTEGER NOT NULL, holder TEXT NOT NULL,
    taken_ms INTEGER NOT NULL, PRIMARY KEY (role, account)) STRICT;
CREATE TABLE peer (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE nonce (account TEXT PRIMARY KEY, ceiling_ms INTEGER NOT NULL) STRICT;
CREATE TABLE kill (id INTEGER PRIMARY KEY CHECK (id = 1), reason TEXT NOT NULL, when_ms INTEGER NOT NULL) STRICT;
CREATE TABLE limits (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, digest TEXT NOT NULL) STRICT;
CREATE TABLE day_actions (account TEXT PRIMARY KEY, day INTEGER NOT NULL, used INTEGER NOT NULL) STRICT;
CREATE TABLE incident (id INTEGER PRIMARY KEY AUTOINCREMENT, when_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL) STRICT;
"""
_MONEY_TABLES: Final = (
    """CREATE TABLE high_water (account TEXT PRIMARY KEY, day INTEGER NOT NULL, equity_usd REAL NOT NULL,
    transfers_usd REAL NOT NULL, unit REAL NOT NULL, peak_unit REAL NOT NULL, day_peak_unit REAL NOT NULL,
    peak_earned_usd REAL NOT NULL, day_peak_earned_usd REAL NOT NULL, day_open_earned_usd REAL NOT NULL,
    updated_ms INTEGER NOT NULL) STRICT""",
    "CREATE TABLE counting (account TEXT PRIMARY KEY, since_ms INTEGER NOT NULL) STRICT",
    """CREATE TABLE transfer (account TEXT NOT NULL, time_ms INTEGER NOT NULL, name TEXT NOT NULL,
    usd_1e8 INTEGER NOT NULL, PRIMARY KEY (account, time_ms, name)) STRICT""",
)
_RUNS: Final = (
    "CREATE TABLE IF NOT EXISTS run (account TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (account, run)) STRICT"
)
"""Added to files of version 2 as they are opened: releases that do not know it are not disturbed by it."""
_FROM_1: Final = (
    "DROP TABLE high_water",
    *_MONEY_TABLES,
    """INSERT INTO incident (when_ms, kind, detail) VALUES (CAST(strftime('%s', 'now') AS INTEGER) * 1000, 'upgrade',
    'schema 1 to 2: kill switch, epochs and nonces kept; high-water marks begin at the next equity read')""",
    "PRAGMA user_version=2",
)
"""Version 1 kept marks in a file of their own, in a count of transfers that began anew with each run."""


def open_state(path: Path) -> sqlite3.Connection:
    """Open, or create, the state file with every commit forced to disk.

    Raises:
        StateError: damaged, of another program or a newer version, unsafe permissions, or not writable.
    """
    try:
        if not path.exists():
            _create(path)
        if _inspect(path) == 1:
            _upgrade(path)
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(_RUNS)
    except sqlite3.Error as error:
        damaged = "" if isinstance(error, sqlite3.OperationalError) else " is damaged"
        msg = f"state file {path}{damaged}: {error}; {_remedy(path)}"
        raise StateError(msg) from error
    except OSError as error:
        msg = f"state file {path}: {error.strerror or error}; give a folder this user may write to"
        raise StateError(msg) from error
    return connection


def _create(path: Path) -> None:
    """Build the file aside and move it into place: a half-made state file cannot exist."""
    orphan = path.with_name(path.name + "-wal")
    if orphan.exists() and orphan.stat().st_size:
        msg = f"state file {path} is missing but its journal {orphan} is there; restore both from a backup"
        raise StateError(msg)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    aside.unlink(missing_ok=True)
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.executescript(_SCHEMA + ";\n".join(_MONEY_TABLES))
        connection.execute("PRAGMA journal_mode=WAL")
    try:
        os.link(aside, path)  # unlike a rename, this never replaces a file another process made meanwhile
    except FileExistsError:
        pass
    finally:
        aside.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new or renamed file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _inspect(path: Path) -> int:
    """Look at the file without being able to change it; gives its schema version."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o022 or mode & 0o600 != 0o600:
        msg = f"state file {path} has mode {mode:04o}; only its owner may write it: run `chmod 600 {path}`"
        raise StateError(msg)
    if path.stat().st_size < HEADER_BYTES:  # SQLite would take an empty file for a new one
        msg = f"state file {path} is damaged: it does not begin as an SQLite file; {_remedy(path)}"
        raise StateError(msg)
    # Only through SQLite: to open and close the file ourselves would drop every lock this process holds on it, and the
    # next process to close the file would take itself for the last and delete the journal under us
    # (sqlite.org/howtocorrupt.html, 2.2).
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)) as reader:
        (application,) = reader.execute("PRAGMA application_id").fetchone()
        (version,) = reader.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            msg = f"{path} is an SQLite file of another program (application id {application:#x}); choose another path"
            raise StateError(msg)
        if version not in (1, SCHEMA_VERSION):
            known = f"this program knows 1 to {SCHEMA_VERSION}; use the release that wrote it"
            msg = f"state file {path} has schema version {version}, {known}"
            raise StateError(msg)
        (verdict,) = reader.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        msg = f"state file {path} is damaged: {verdict}; {_remedy(path)}"
        raise StateError(msg)
    return int(version)


def _upgrade(path: Path) -> None:
    """Bring version 1 to version 2, whole or not at all; of two who try, the second finds it done."""
    with closing(sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 1:
            for statement in _FROM_1:
                connection.execute(statement)
        connection.execute("COMMIT")


def _remedy(path: Path) -> str:
    return (
        f"it was not changed. Restore a backup, or, after checking the account by hand, move {path} (and its -wal and "
        "-shm) away: a fresh file forgets kill switch, high-water mark and nonces"
    )
