"""Request weight of the last minute on disk, so that a gateway which comes back does not begin a minute of its own.

One life of the gateway reads about 330 of the 1,200 an address has (HL §5.1), and the look before a start 170: a few
restarts in a minute would use up what cancels need. Written whenever another reading's worth was used, and ahead for a
life that begins; without forcing the disk, because it is worth nothing after a minute. One that cannot be read counts
as empty.
"""

import asyncio
import logging
import time
from pathlib import Path
from typing import Final

import msgspec

from portfolio_mm.hyperliquid.limits import IpBudget

LOG: Final = logging.getLogger(__name__)
MINUTE_S: Final = 60.0
LIFE_WEIGHT: Final = 330
"""What a gateway reads until it trades; one that is killed meanwhile has written nothing else."""
STEP: Final = 20
LOOK_S: Final = 0.05


def weight_path(state_db: Path, account: str) -> Path:
    """Beside the state store, one an account."""
    return state_db.with_name(f"weight-{account.lower()}.json")


class WeightFile:
    """The file of one budget."""

    def __init__(self, path: Path, budget: IpBudget) -> None:
        self._path = path
        self._budget = budget
        self._written = 0

    def resume(self, unix_s: float, now_s: float) -> None:
        """Book what earlier lives spent; `unix_s` and `now_s` are the same moment by wall clock and by the budget's."""
        try:
            rows = msgspec.json.decode(self._path.read_bytes(), type=list[tuple[float, int]])
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError) as error:
            LOG.warning("the weight of the last minute is counted from zero: %s: %s", self._path, error)
            return
        for at_unix_s, weight in rows:
            age_s = unix_s - at_unix_s
            if abs(age_s) < MINUTE_S and weight > 0:  # what had to wait was booked ahead
                self._budget.spend(weight, now_s - age_s)

    def begin(self, unix_s: float, now_s: float) -> None:
        """A life begins: book what earlier ones spent, and write its own reading ahead."""
        self.resume(unix_s, now_s)
        self.keep([*self.now(unix_s, now_s), (round(unix_s, 3), LIFE_WEIGHT)])

    async def run(self) -> None:
        """Keep the file no further behind than a crash may forget."""
        while True:
            await asyncio.sleep(LOOK_S)
            if abs(self._budget.used(time.monotonic()) - self._written) >= STEP:
                await asyncio.to_thread(self.keep, self.now(time.time(), time.monotonic()))

    def now(self, unix_s: float, now_s: float) -> list[tuple[float, int]]:
        """What this minute was spent: when by wall clock, and how much."""
        self._written = self._budget.used(now_s)
        return [(round(unix_s - (now_s - at_s), 3), weight) for at_s, weight in self._budget.spent(now_s)]

    def keep(self, rows: list[tuple[float, int]]) -> None:
        """Write rows of `now`, whole or not at all; may be called from another thread. A disk that refuses is said."""
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(rows))
            new.replace(self._path)
        except OSError as error:
            LOG.warning("the weight of this minute could not be kept: %s", error)
