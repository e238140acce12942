"""Speaking to a run that is going on: status, stop, kill, resume. None of them needs Ray."""

import asyncio
import contextlib
import getpass
import json
import time
from pathlib import Path
from typing import Any, Final

from portfolio_mm.actors.messages import Answer, View
from portfolio_mm.actors.operator import Operator, Request
from portfolio_mm.actors.run_folder import RUN_LOCK, RunFolder
from portfolio_mm.cli.choice import folder_of
from portfolio_mm.cli.output import as_json as json_text
from portfolio_mm.cli.output import err, out
from portfolio_mm.cli.table import draw
from portfolio_mm.domain.errors import NotRunningError, PortfolioMMError, ProtocolError, StateError
from portfolio_mm.storage.state_store import StateStore

END_S: Final = 120.0
PIPE_COLUMNS: Final = 160
"""A pipe has no width: wide enough that no column is cut."""
GONE_S: Final = 20.0
"""Actors, venue and cluster are taken down after the report."""


def show_status(config: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """Print the account and every coin.

    Raises:
        NotRunningError: there is no run in the folder.
    """
    view = asyncio.run(_view(folder_of(config, folder)))
    if as_json:
        out().print(json_text(view), markup=False)
    else:
        console = out()
        if not console.is_terminal:
            console.width = PIPE_COLUMNS
        console.print(draw(view))


async def _view(folder: RunFolder) -> View:
    try:
        async with Operator(folder) as gateway:
            return await gateway.view()
    except ProtocolError as error:
        state = "a run is alive, but its gateway is away just now; try again" if alive(folder) else "nothing runs"
        msg = f"{state}: {error}"
        raise NotRunningError(msg) from None


def stop_run(config: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """End the run in order and print its report.

    Raises:
        NotRunningError: there is no run in the folder.
        PortfolioMMError: orders are left at the venue, or the end did not come.
    """
    outcome = asyncio.run(_end(folder_of(config, folder)))
    out().print(json_text(outcome) if as_json else outcome["text"], markup=False)
    if not as_json and outcome.get("report"):
        err().print(f"report: {outcome['report']}")
    left = outcome.get("orders_left")
    if left != 0:
        count = "an unknown number of" if left is None else left
        msg = f"the venue may still hold {count} orders, look there: {outcome.get('problem', '')}"
        raise PortfolioMMError(msg)


async def _end(folder: RunFolder) -> dict[str, Any]:
    try:
        reader, writer = await asyncio.open_unix_connection(folder.supervisor_socket)
    except OSError as error:
        msg = f"nothing runs in {folder.path} ({error.strerror})"
        raise NotRunningError(msg) from None
    writer.write(json.dumps({"say": "end", "reason": "portfolio-mm stop"}).encode() + b"\n")
    try:
        async with asyncio.timeout(END_S):
            while line := await reader.readline():
                said = json.loads(line)
                if "ended" in said:
                    await _gone(folder)
                    return dict(said["ended"])
    except (TimeoutError, OSError) as error:
        msg = f"the run did not end within {END_S:.0f} s: {error}; the watchdog still guards the account"
        raise PortfolioMMError(msg) from None
    finally:
        writer.close()
    msg = "the supervisor hung up before the run had ended; ask `portfolio-mm status`, the watchdog guards the account"
    raise PortfolioMMError(msg)


async def _gone(folder: RunFolder) -> None:
    """Wait until the supervisor let go of the folder, so that a start may follow at once."""
    lock, end_s = folder.lock(RUN_LOCK), time.monotonic() + GONE_S
    while (lock.held_elsewhere() or folder.facts()) and time.monotonic() < end_s:  # noqa: ASYNC110 - a file lock
        await asyncio.sleep(0.1)


def kill_run(config: Path | None, folder: Path | None, reason: str, *, as_json: bool) -> None:
    """Latch on disk first, then have the gateway cancel everything, when there is one.

    Raises:
        StateError: the latch could not be written; the gateway was told all the same.
        PortfolioMMError: a gateway lives, and did not confirm that nothing is left.
    """
    place = folder_of(config, folder)
    place.create()
    unlatched = latch(place, reason)
    answer = asyncio.run(_ask(place, "kill", reason))
    latched = f"the kill switch is latched in {place.state_db}"
    if unlatched is not None:
        told = "nothing runs here" if answer is None else f"the run was told: {answer.text}"
        msg = f"the kill switch is NOT latched on disk: {unlatched}. {told}"
        raise StateError(msg)
    if answer is not None:
        say("kill", f"{latched}; {answer.text}", done=answer.done, as_json=as_json)
    elif alive(place):
        text = "a run is alive, but its gateway does not answer: the watchdog cancels what it left; look at the venue"
        say("kill", f"{latched}; {text}", done=False, as_json=as_json)
    else:
        say("kill", f"{latched}; nothing runs here, so nothing was cancelled", done=True, as_json=as_json)


def latch(folder: RunFolder, reason: str) -> StateError | None:
    """Latch; what went wrong instead of raising it, because the gateway must hear of a kill in any case."""
    try:
        with contextlib.closing(StateStore(folder.state_db)) as store:
            store.latch_kill(reason, time.time_ns() // 1_000_000)
    except StateError as error:
        return error
    return None


def alive(folder: RunFolder) -> bool:
    """Whether a supervisor holds the folder."""
    return folder.path.is_dir() and folder.lock(RUN_LOCK).held_elsewhere()


def resume_run(config: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """Take the latch back in the name of the person at the keyboard.

    Raises:
        PortfolioMMError: the run refuses, with its reason, or lives and does not answer.
    """
    place, who = folder_of(config, folder), getpass.getuser()
    answer = asyncio.run(_ask(place, "resume", who))
    if answer is not None:
        say("resume", answer.text, done=answer.done, as_json=as_json)
        return
    place.create()
    if alive(place):  # its risk actor holds the latch, too: it must judge whether the cause is gone
        msg = (
            f"a run is alive in {place.path}, but its gateway does not answer: try again, or `portfolio-mm stop` first"
        )
        raise PortfolioMMError(msg)
    with contextlib.closing(StateStore(place.state_db)) as store:
        cleared = store.clear_kill(who, time.time_ns() // 1_000_000)
    text = f"the kill switch is open again, by {who}" if cleared else "the kill switch was not latched"
    say("resume", text, done=True, as_json=as_json)


async def _ask(folder: RunFolder, what: Request, reason: str) -> Answer | None:
    """The gateway's answer; None when there is no gateway. Silence after the question is an answer that says so."""
    try:
        async with Operator(folder) as gateway:
            try:
                return await gateway.ask(what, reason)
            except ProtocolError as error:
                return Answer(what, done=False, text=f"not confirmed: {error}; look at `portfolio-mm status`")
    except ProtocolError:
        return None


def say(what: str, text: str, *, done: bool, as_json: bool) -> None:
    """Print the outcome of a request.

    Raises:
        PortfolioMMError: it was not done; with the same words.
    """
    if as_json:
        out().print(json_text({"what": what, "done": done, "text": text}), markup=False)
    elif done:
        out().print(text, markup=False)
    if not done:
        raise PortfolioMMError(text)
