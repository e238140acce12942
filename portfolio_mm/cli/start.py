"""`portfolio-mm start`: begin a run, show it, end it in order whatever ends it."""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.live import Live

from portfolio_mm.actors.ending import orders_left
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.session import Session
from portfolio_mm.cli.choice import plan_of
from portfolio_mm.cli.duration import seconds
from portfolio_mm.cli.output import Progress, err, out
from portfolio_mm.cli.table import draw, headline
from portfolio_mm.domain.errors import (
    ConfigurationError,
    KilledError,
    OtherInstanceError,
    PortfolioMMError,
    ProtocolError,
    SignatureMismatch,
)

REFRESH_S: Final = 0.5
PLAIN_S: Final = 5.0
PATIENT_S: Final = 5.0
SWEPT_S: Final = 30.0
SWEPT_LOOK_S: Final = 2.0
"""The watchdog needs the address's request weight more than we do."""
CONSOLE_S: Final = 20.0


class Request(NamedTuple):
    """The options of `start`, as given."""

    config: Path | None
    coins: str | None
    tape: Path | None
    seed: int | None
    lasting: str | None
    report: Path | None
    fee_tier: str | None
    mode: str | None
    auto_transfer: bool
    detach: bool
    plain: bool
    folder: Path | None


def overrides_of(request: Request) -> dict[str, Any]:
    """Settings the options stand for."""
    given = {
        "coins.names": None if request.coins is None else [coin for coin in request.coins.split(",") if coin],
        "venue.embedded.tape": None if request.tape is None else str(request.tape.expanduser().resolve()),
        "venue.embedded.seed": request.seed,
        "venue.embedded.fee_tier": request.fee_tier,
        "venue.embedded.account_mode": request.mode,
        "account.auto_transfer": request.auto_transfer or None,
    }
    return {key: value for key, value in given.items() if value is not None}


def run_start(request: Request) -> None:
    """Everything `start` does.

    Raises:
        PortfolioMMError: with the exit code of the command.
    """
    lasting_s = _lasting(request.lasting)
    if request.report is not None and not request.report.resolve().parent.is_dir():
        msg = f"--json {request.report}: the folder {request.report.resolve().parent} does not exist"
        raise ConfigurationError(msg)
    plan = plan_of(request.config, overrides_of(request), request.folder)
    progress = Progress()
    session = Session(plan, RunFolder(plan.storage.path), progress, None if request.detach else lasting_s)
    asyncio.run(_run(session, request, lasting_s, progress))


def _lasting(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        msg = f"--for {error}"
        raise ConfigurationError(msg) from None


async def _run(session: Session, request: Request, lasting_s: float | None, progress: Progress) -> None:
    told = _signals()
    if not await _first(told, session.begin()):
        err().print("stopped before trading began; nothing is left running")
        return
    try:
        if request.detach and await _first(told, session.two_sided()):
            await _introduce(session, progress)
            await session.owner.detach()
            out().print("trading; the run goes on without this terminal. `portfolio-mm status`, `portfolio-mm stop`")
            return
        outcome = await _watch(session, request, told, lasting_s, progress)
    except BaseException:
        await session.owner.end("the command line failed")
        await session.abandon()
        raise
    await _close(session, request, outcome)


def _signals() -> asyncio.Event:
    """Set by whatever wants the run to end. A hang-up that was ignored when we started (nohup) stays ignored."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def _first(told: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Do something unless we are told to stop before; whether it was done."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(told.wait())
    await asyncio.wait([doing, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if doing.done():
        doing.result()
        return True
    doing.cancel()
    await asyncio.gather(doing, return_exceptions=True)
    return False


async def _introduce(session: Session, progress: Progress) -> None:
    """Say where things are; the console is given time to come up."""
    url, end_s = "", asyncio.get_running_loop().time() + CONSOLE_S
    while not (url := await session.console_url()) and asyncio.get_running_loop().time() < end_s:  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.1)
    progress(f"console        {url or f'does not listen yet; see {session.folder.logs}'}")
    assert session.cluster is not None
    if session.cluster.dashboard:
        progress(f"Ray dashboard  {session.cluster.dashboard}")
    assert session.venue is not None
    progress(f"venue          {session.venue.url}, account {session.venue.account}")
    progress(f"reference      {session.venue.reference_url or 'none'}")


async def _watch(
    session: Session, request: Request, told: asyncio.Event, lasting_s: float | None, progress: Progress
) -> dict[str, Any]:
    """Show the run until something ends it, then end it; what the supervisor said last, empty when it vanished."""
    gone = asyncio.ensure_future(session.owner.outcome())
    await _first(told, _introduce(session, progress))
    showing = asyncio.ensure_future(_show(session, plain=request.plain))
    waiting = asyncio.ensure_future(told.wait())
    done, _ = await asyncio.wait([gone, waiting, showing], timeout=lasting_s, return_when=asyncio.FIRST_COMPLETED)
    for task in (showing, waiting):
        task.cancel()
    shown = await asyncio.gather(showing, waiting, return_exceptions=True)
    if gone in done:
        return gone.result()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    reason = "told to stop" if told.is_set() else f"nobody can watch: {shown[0]}" if showing in done else "end of --for"
    err().print(f"\n{reason}: cancelling every order; one moment")
    return await _patiently(session.owner.end(reason))


async def _patiently(end: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """See an end through, and say every few seconds that it goes on."""
    ending, began_s = asyncio.ensure_future(end), asyncio.get_running_loop().time()
    while not (await asyncio.wait([ending], timeout=PATIENT_S))[0]:
        waited_s = asyncio.get_running_loop().time() - began_s
        err().print(f"still ending after {waited_s:.0f} s: a throttled venue lets the last reading wait for a minute")
    return ending.result()


async def _show(session: Session, *, plain: bool) -> None:
    """Draw views for ever.

    Raises:
        OSError: the terminal or the pipe is closed.
    """
    try:
        await _draw_views(session, plain=plain)
    except SystemExit as ending:  # rich ends the program when a pipe breaks; the run must end in order first
        msg = "standard output is closed"
        raise BrokenPipeError(msg) from ending


async def _draw_views(session: Session, *, plain: bool) -> None:
    console = out()
    live = console.is_terminal and not plain
    with Live(console=console, refresh_per_second=4, transient=False) if live else contextlib.nullcontext() as shown:
        while True:
            with contextlib.suppress(ProtocolError):
                async with Operator(session.folder) as gateway:
                    while True:
                        view: View = await gateway.view()
                        if isinstance(shown, Live):
                            shown.update(draw(view))
                        else:
                            console.print(headline(view))
                        await asyncio.sleep(REFRESH_S if live else PLAIN_S)
            await asyncio.sleep(REFRESH_S)


async def _close(session: Session, request: Request, outcome: dict[str, Any]) -> None:
    """Report, take down, and end with the right code.

    Raises:
        KilledError: the kill switch fell.
        OtherInstanceError: the account belongs to another instance.
        PortfolioMMError: the run vanished, or orders are left; then its watchdog stays.
    """
    if not outcome:
        await _vanished(session)
    try:
        if request.report is not None and outcome.get("report"):
            await asyncio.to_thread(shutil.copyfile, outcome["report"], request.report)
        if not outcome.get("refused"):
            out().print(outcome["text"])
        if outcome.get("report"):
            err().print(f"report: {request.report or outcome['report']}")
    finally:
        await session.abandon(guarded=outcome.get("orders_left") != 0)
    judge(outcome)


def judge(outcome: dict[str, Any]) -> None:
    """Whether the run ended well.

    Raises:
        OtherInstanceError: the account belongs to another instance.
        SignatureMismatch: our signatures are not the official SDK's.
        PortfolioMMError: orders are left.
        KilledError: the kill switch fell.
    """
    if outcome.get("refused"):
        name, _, words = str(outcome["text"]).partition(": ")
        raise (SignatureMismatch if name == SignatureMismatch.__name__ else OtherInstanceError)(words)
    if outcome.get("orders_left") != 0:
        msg = f"the venue still shows {outcome.get('orders_left', 'unknown')} orders: {outcome.get('problem', '')}"
        raise PortfolioMMError(msg)
    if outcome.get("killed"):
        msg = "risk killed this run; look at why, then `portfolio-mm resume`"
        raise KilledError(msg)


async def _vanished(session: Session) -> None:
    """The supervisor is gone without a word: see the watchdog cancel everything, then say so.

    Raises:
        PortfolioMMError: always; the run did not end in order.
    """
    err().print("the run vanished (was Ray ended?); waiting for the watchdog to cancel what is left")
    assert session.spec is not None
    left, end_s = await orders_left(session.spec), asyncio.get_running_loop().time() + SWEPT_S
    while left != 0 and asyncio.get_running_loop().time() < end_s:
        await asyncio.sleep(SWEPT_LOOK_S)
        left = await orders_left(session.spec)
    await session.abandon(guarded=left != 0)
    count = "an unknown number of" if left is None else left
    text = f"{count} orders are left at the venue; the watchdog goes on trying, look there yourself"
    msg = f"the run vanished without an orderly end; {text if left != 0 else 'no order is left at the venue'}"
    raise PortfolioMMError(msg)
