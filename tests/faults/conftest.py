"""One run is shared by all faults that leave it as it was; a case that goes wrong ends it, and the next begins anew."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from portfolio_mm.actors.run_folder import RunFolder
from tests.faults import table
from tests.faults.cases import ALL, Case
from tests.faults.stage import NOTHING, Outcome, Stage, stage

Rows = dict[str, dict[str, tuple[str, ...]]]
Theatre = Callable[[], Awaitable[Stage]]


class Sharing:
    """The run that is shared, if there is one in order."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._stack = contextlib.AsyncExitStack()
        self._stage: Stage | None = None
        self.in_order = True

    async def __call__(self) -> Stage:
        """The run; a new one when the last case broke it."""
        if self._stage is None or not self.in_order:
            await self.close()
            folder = self._folder()
            self._stack.callback(shutil.rmtree, RunFolder(folder).sockets, ignore_errors=True)
            self._stage = await self._stack.enter_async_context(stage(folder))
        self.in_order = False
        return self._stage

    async def close(self) -> None:
        """End it."""
        stack, self._stack, self._stage = self._stack, contextlib.AsyncExitStack(), None
        await stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sharing]:
    """The shared run of a file."""
    made = Sharing(lambda: tmp_path_factory.mktemp("run"))
    yield made
    await made.close()


@pytest.fixture(scope="session")
def rows() -> Iterator[Rows]:
    """Rows of the tables, written at the end when this is the proof."""
    found: Rows = {table.ALONE: {}, table.PAIRS: {}}
    table.commit()
    yield found
    if table.FULL:
        order = {table.ALONE: [case.name for case in ALL], table.PAIRS: sorted(found[table.PAIRS])}
        for name, new in found.items():
            if new:
                known = table.Table(name).rows(table.PAGE.read_text())
                table.write(name, new, order[name] if name == table.ALONE else sorted({*known, *new}))


def cells(outcome: Outcome, invisible: str) -> tuple[str, ...]:
    """A row: detected, recovered, lost, commit."""
    unseen = f"not visible: {invisible}" if invisible else "not seen"
    recovered = "never" if outcome.recovered_s is None else f"{outcome.recovered_s:.1f} s"
    lost = outcome.lost.replace("|", "/") if outcome.lost != NOTHING else NOTHING
    return str(outcome.sign) if outcome.sign is not None else unseen, recovered, lost, table.commit()


def held(outcome: Outcome, *cases: Case) -> None:
    """Seen, safe, recovered, nothing lost."""
    assert outcome.lost == NOTHING
    assert outcome.recovered_s is not None, "no two-sided quotes again"
    assert outcome.broken == (), "a limit was passed at the venue"
    if any(not case.invisible for case in cases):
        assert outcome.sign is not None, "nobody noticed"
