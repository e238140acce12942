"""The state folder of one run: what lies where, with which rights, and who holds it.

    FOLDER/            0700
      run.json         what the running instance is: process ids, urls, account (0600)
      token            shared secret of the run (0600)
      keys/            agent keys, one file each (0600)
      state.db         SQLite: epochs, nonces, kill latch, high-water mark
      journals/  checkpoints/  logs/  reports/
      start.lock       held by the command line that started the run
      run.lock         held by the supervisor for as long as the run lives

Sockets lie in a short path of their own, because a unix socket path ends at 108 bytes: /tmp/pmm-<uid>-<hash>/ (0700).
"""

import fcntl
import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from portfolio_mm.domain.errors import AlreadyRunningError, ConfigurationError, StateError

SUBFOLDERS: Final = ("keys", "journals", "checkpoints", "logs", "reports")
SOCKET_ROOT: Final = Path("/tmp")  # noqa: S108 - the folder below it is created 0700 and checked to be ours
HUB_SOCKET: Final = "hub.sock"
START_LOCK: Final = "start.lock"
RUN_LOCK: Final = "run.lock"
LOOKS: Final = 20
LOOK_S: Final = 0.01


class FolderLock:
    """An exclusive lock on one file, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def take(self) -> None:
        """Lock, and write who holds it.

        Raises:
            AlreadyRunningError: another process holds it.
        """
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(fd):
            holder = os.read(fd, 64).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            msg = (
                f"state folder {self._path.parent} is in use by process {holder} ({self._path.name}): "
                "stop that run first, or choose another folder"
            )
            raise AlreadyRunningError(msg) from None
        os.ftruncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
        self._fd = fd

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def held_elsewhere(self) -> bool:
        """Whether another holder is alive now."""
        if self._fd >= 0:
            return False
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # two that only look do not see each other
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False


def _locked(fd: int) -> bool:
    """Lock a file for us alone; somebody who only looks is gone within the tries."""
    for _ in range(LOOKS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_S)
        else:
            return True
    return False


class RunFolder:
    """Paths of one state folder. `create` makes them; everything else only names them."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser().resolve()
        digest = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        self.sockets = SOCKET_ROOT / f"pmm-{os.getuid()}-{digest}"
        self.state_db = self.path / "state.db"
        self.token_file = self.path / "token"
        self.run_json = self.path / "run.json"
        self._refused = self.path / "refused.txt"
        self.journals = self.path / "journals"
        self.checkpoints = self.path / "checkpoints"
        self.logs = self.path / "logs"
        self.reports = self.path / "reports"
        self.hub_socket = self.sockets / HUB_SOCKET
        self.supervisor_socket = self.sockets / "supervisor.sock"

    def create(self) -> None:
        """Make what is missing and write the token of the run once.

        Raises:
            ConfigurationError: the path is not a folder we may write.
            StateError: the socket folder belongs to someone else.
        """
        try:
            private_folder(self.path)
            for name in SUBFOLDERS:
                private_folder(self.path / name)
        except OSError as error:
            msg = f"state folder {self.path} cannot be used: {error.strerror}; choose another with --state-folder"
            raise ConfigurationError(msg) from None
        private_folder(self.sockets)
        check_private(self.sockets)
        if not self.token_file.exists():
            write_private(self.token_file, secrets.token_urlsafe(32))

    def key_file(self, name: str) -> Path:
        """Path of one agent key."""
        return self.path / "keys" / name

    def token(self) -> str:
        """The shared secret of the run.

        Raises:
            StateError: there is none; nothing was started in this folder.
        """
        try:
            return self.token_file.read_text().strip()
        except FileNotFoundError:
            msg = f"{self.token_file} is missing: no run was started in {self.path}"
            raise StateError(msg) from None

    def refuse(self, text: str) -> None:
        """Write down why this run must end at once, and why no other life of its gateway would help."""
        write_private(self._refused, text)

    def refusal(self) -> str:
        """Why the run must end; empty when it need not."""
        try:
            return self._refused.read_text()
        except FileNotFoundError:
            return ""

    def forget_refusal(self) -> None:
        """A new run begins."""
        self._refused.unlink(missing_ok=True)

    def lock(self, name: str) -> FolderLock:
        """`START_LOCK` for the command line, `RUN_LOCK` for the supervisor."""
        return FolderLock(self.path / name)

    def announce(self, facts: Mapping[str, Any]) -> None:
        """Replace run.json in one step."""
        write_private(self.run_json, json.dumps(dict(facts), indent=2))

    def facts(self) -> dict[str, Any]:
        """What the last run said of itself; empty when none did.

        Raises:
            StateError: run.json is not a JSON object; it is left untouched.
        """
        try:
            found = json.loads(self.run_json.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            msg = f"{self.run_json} is damaged ({error}): move it away after looking at it"
            raise StateError(msg) from None
        if not isinstance(found, dict):
            msg = f"{self.run_json} is damaged (not an object): move it away after looking at it"
            raise StateError(msg)
        return found


def private_folder(path: Path) -> None:
    """Make a folder only its owner can enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def check_private(path: Path) -> None:
    """Refuse a folder that another user could have made for us.

    Raises:
        StateError: it is a link, not ours, or open to others.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        msg = f"{path} is not a private folder of user {os.getuid()} (mode {found.st_mode & 0o777:o}): remove it"
        raise StateError(msg)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: readers see the old text or the new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
