"""The embedded venue as an ordinary process in a session of its own, so that it outlives the command line."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from portfolio_mm.actors import daemon
from portfolio_mm.actors.kernel_cache import environment
from portfolio_mm.actors.run_folder import RunFolder, write_private
from portfolio_mm.domain.errors import ConfigurationError, PreflightError
from portfolio_mm.settings.plan import Plan

READY_S: Final = 60.0
LOOK_S: Final = 0.05
MODULE: Final = "portfolio_mm.venue"


class _Pair(msgspec.Struct):
    address: str
    key: str


class _Account(msgspec.Struct):
    address: str
    agent: _Pair
    watchdog: _Pair


class _Ready(msgspec.Struct):
    url: str
    ws: str
    accounts: tuple[_Account, ...]
    coins: tuple[str, ...]
    reference: str | None = None


class VenueAddress(msgspec.Struct, frozen=True):
    """Where a venue is and whose account is traded there; `pid` 0 means it is not ours.

    `reference_url` is where the streams of the reference venue begin, None when the run has none.
    """

    url: str
    ws_url: str
    account: str
    key_path: str
    watchdog_key_path: str | None
    pid: int = 0
    reference_url: str | None = None


def command(plan: Plan) -> list[str]:
    """Command line of the embedded venue."""
    embedded = plan.venue.embedded
    flow = ["--tape", embedded.tape] if embedded.tape is not None else []
    if plan.brings_reference:
        flow += ["--reference", "--reference-lead-ms", str(plan.reference.lead_ms)]
    return [
        *(sys.executable, "-m", MODULE),
        *("--port", str(embedded.port), "--seed", str(embedded.seed), "--coins", ",".join(plan.coin_names)),
        *("--speed", str(embedded.speed), "--fee-tier", embedded.fee_tier, "--mode", embedded.account_mode),
        *("--deposit", str(embedded.equity_usd), "--accounts", "1"),
        *flow,
    ]


async def start_venue(plan: Plan, folder: RunFolder) -> VenueAddress:
    """Start the embedded venue and write its agent keys into the folder, mode 0600.

    Raises:
        ConfigurationError: it refused its settings (unknown coin, bad tape, taken port), in its own words.
        PreflightError: it did not answer in time.
    """
    errors, output = folder.logs / "venue.log", folder.path / "venue.ready"
    began = errors.stat().st_size if errors.exists() else 0
    write_private(output, "")  # the line to come holds keys
    # Milliseconds, and not in a thread: a cancelled wait would not know the number of what it had started.
    pid = daemon.spawn(command(plan), errors, output=output, variables=environment())
    try:
        ready = msgspec.json.decode(await _first_line(pid, output, errors, began), type=_Ready)
    except BaseException:  # also a start that is called off half way must leave nothing behind
        await daemon.end(pid, MODULE)
        raise
    finally:
        output.unlink()
    account = ready.accounts[0]
    agent, watchdog = folder.key_file("agent"), folder.key_file("watchdog")
    write_private(agent, account.agent.key)
    write_private(watchdog, account.watchdog.key)
    reference = plan.reference.url if plan.reference.enabled and not plan.brings_reference else ready.reference
    return VenueAddress(ready.url, ready.ws, account.address, str(agent), str(watchdog), pid, reference)


async def _first_line(pid: int, output: Path, errors: Path, began: int) -> str:
    """What the venue says once it serves; `began` is the length its log had before it."""
    end_s = time.monotonic() + READY_S
    while time.monotonic() < end_s:
        alive = daemon.runs(pid, MODULE)  # asked before looking: its last words are read
        line = output.read_text()  # noqa: ASYNC240 - a hundred bytes
        if line.endswith("\n"):
            return line
        if not alive:
            raise ConfigurationError(_last_words(errors, began))
        await asyncio.sleep(LOOK_S)
    msg = f"the embedded venue did not start within {READY_S:.0f} s; see {errors}"
    raise PreflightError(msg)


def _last_words(errors: Path, began: int) -> str:
    """Why the venue ended, in its own words."""
    said = errors.read_bytes()[began:].decode(errors="replace").strip().splitlines()
    return said[-1].removeprefix("portfolio_mm.venue: ") if said else f"the embedded venue ended; see {errors}"
