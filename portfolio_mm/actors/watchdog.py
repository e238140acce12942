"""The watchdog: an ordinary process, without Ray, that cancels everything when the gateway falls silent.

`python -m portfolio_mm.actors.watchdog --run-folder FOLDER` reads FOLDER/watchdog.json, joins the hub, answers the
gateway's heartbeats with its own, and keeps the venue's dead man's switch armed where the account may use it. After an
orderly stop (a `stopping` heartbeat, then the hub is gone) it stands down and, when nobody comes back, ends, having
seen for itself that no order is left. So it does a minute after a run vanished.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from portfolio_mm.actors.hub_link import HubLink, Lost
from portfolio_mm.actors.json_lines import JsonLines
from portfolio_mm.actors.messages import Heartbeat, Welcome
from portfolio_mm.actors.persevere import first_of
from portfolio_mm.actors.run_folder import RUN_LOCK, RunFolder, write_private
from portfolio_mm.actors.sweeper import Sweeper, Target
from portfolio_mm.actors.topology import WATCHDOG, Directory, FolderDirectory
from portfolio_mm.actors.transport import Tls
from portfolio_mm.domain.errors import ConfigurationError, PortfolioMMError
from portfolio_mm.hyperliquid.limits import IpBudget

LOG: Final = logging.getLogger("portfolio_mm.watchdog")
LOOK_S: Final = 0.1
SWEEP_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
GATE_USD: Final = 1_000_000.0
"""Volume the venue asks for before it accepts scheduleCancel (HL §2.6)."""
ARM_AHEAD_S: Final = 30.0
ARM_EVERY_S: Final = 10.0
GATE_AGAIN_S: Final = 600.0
LINGER_S: Final = 10.0
ABANDONED_S: Final = 60.0
PID_FILE: Final = "watchdog.pid"
NAMED_S: Final = 5.0


class WatchdogConfig(msgspec.Struct, frozen=True):
    """FOLDER/watchdog.json. Paths, never secrets."""

    target: Target
    silence_s: float = 4.0
    heartbeat_s: float = 0.5


class Watchdog:
    """Guards one account. Silence counts from its own start: a gateway it never heard is silent too."""

    def __init__(
        self,
        config: WatchdogConfig,
        directory: Directory,
        token_file: Path,
        *,
        name: str = WATCHDOG,
        tls: Tls | None = None,
        stays: bool = False,
    ) -> None:
        self._config = config
        self._stays = stays
        self._link = HubLink(directory, token_file, role="watchdog", name=name, tls=tls)
        self._budget = IpBudget()
        self._beat_s = time.monotonic()
        self._stopping_said = False
        self._armed = False
        self._swept = 0
        self.clean = False
        """Whether the last look at the venue showed no order."""
        self._stopping = asyncio.Event()

    @property
    def stands_down(self) -> bool:
        """Whether the gateway said good-bye in order."""
        return self._stopping_said and not self._link.connected

    async def run(self) -> None:
        """Guard until stopped, or until an orderly stop was not followed by a new start."""
        try:
            await first_of(self._stopping, self._listen(), self._answer(), self._guard(), self._keep_armed())
        finally:
            await self._link.close()

    async def stop(self) -> None:
        """End `run` without touching an order."""
        self._stopping.set()

    def status(self) -> dict[str, str | int | float | bool]:
        """Counters for people."""
        return {"hub": self._link.connected, "silent_s": self.silent_s(), "armed": self._armed, "swept": self._swept}

    def silent_s(self) -> float:
        """Seconds since the gateway was heard."""
        return time.monotonic() - self._beat_s

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._link.frames()) as frames:
            async for frame in frames:
                match frame:
                    case Welcome():
                        LOG.info("joined the hub, gateway epoch %d", frame.gateway_epoch)
                    case Heartbeat():
                        self._beat_s = time.monotonic()
                        self._stopping_said = frame.stopping
                        if frame.refused:
                            LOG.error("the account belongs to another instance: nobody is left to guard")
                            self._stopping.set()
                    case Lost():
                        LOG.warning("the hub is gone%s", ", in order" if self._stopping_said else "")
                    case _:
                        continue

    async def _answer(self) -> None:
        """Say that we are here; without it risk gives no permits. Elsewhere means behind another internet address."""
        while True:
            if self._link.connected:
                weight = 0 if self._stays else self._budget.used(time.monotonic())
                self._link.send(Heartbeat(time.monotonic_ns(), armed=self._armed, weight=weight))
            await asyncio.sleep(self._config.heartbeat_s)

    async def _guard(self) -> None:
        """Cancel everything while the gateway is silent."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.stands_down:
                if self.silent_s() > LINGER_S:
                    if await self._sweep():
                        LOG.info("the run ended in order; nobody is left to guard")
                        if not self._stays:
                            return
                        await self._wait_for_a_run()
                    await asyncio.sleep(SWEEP_BACKOFF_S[-1])
            elif self.silent_s() > self._config.silence_s:
                LOG.error("the gateway has been silent for %.1f s: cancelling everything", self.silent_s())
                await self._sweep_while_silent()

    async def _wait_for_a_run(self) -> None:
        """What a person does at the venue between two runs is not ours to cancel."""
        while self.stands_down:  # noqa: ASYNC110 - time and the link decide
            await asyncio.sleep(LOOK_S)

    async def _sweep_while_silent(self) -> None:
        """Sweep until the gateway is heard again; slower while nothing is left or nothing works."""
        attempt = 0
        while self.silent_s() > self._config.silence_s and not self.stands_down:
            await self._sweep()
            await asyncio.sleep(SWEEP_BACKOFF_S[min(attempt, len(SWEEP_BACKOFF_S) - 1)])
            attempt += 1
        self.clean = False
        LOG.info("the gateway is back")

    async def _sweep(self) -> bool:
        """Cancel what rests until the venue shows nothing; False when that could not be done now."""
        try:
            async with Sweeper(self._config.target, self._budget) as sweeper:
                while (found := await sweeper.sweep()) > 0:
                    self.clean = False
                    self._swept += found
                    LOG.warning("cancelled %d orders", found)
        except (PortfolioMMError, OSError) as error:
            LOG.error("cannot cancel yet: %s", error)  # noqa: TRY400 - the text says it all
            self.clean = False
            return False
        if not self.clean:
            LOG.info("no order of ours is left at the venue")
        self.clean = True
        return True

    async def _keep_armed(self) -> None:
        """Refresh the venue's own switch while the gateway lives; a silent gateway lets it fire."""
        while True:
            pause_s = ARM_EVERY_S
            try:
                if self.silent_s() < self._config.silence_s and not self._stopping_said:
                    pause_s = await self._arm()
                elif self.stands_down and self._armed:
                    await self._disarm()
            except (PortfolioMMError, OSError) as error:
                self._armed = False
                LOG.warning("the venue's dead man's switch is not armed: %s", error)
            await asyncio.sleep(pause_s if self.silent_s() < self._config.silence_s else 1.0)

    async def _arm(self) -> float:
        """Arm where volume allows it; seconds until the next try."""
        async with Sweeper(self._config.target, self._budget) as sweeper:
            if not self._armed and await sweeper.traded_usd() < GATE_USD:
                return GATE_AGAIN_S
            refusal = await sweeper.arm(ARM_AHEAD_S)
        if bool(refusal) == self._armed:
            LOG.info("dead man's switch %s", f"refused: {refusal}" if refusal else "armed")
        self._armed = not refusal
        return ARM_EVERY_S if self._armed else GATE_AGAIN_S

    async def _disarm(self) -> None:
        async with Sweeper(self._config.target, self._budget) as sweeper:
            await sweeper.arm(None)
        self._armed = False


def read_config(folder: RunFolder) -> WatchdogConfig:
    """FOLDER/watchdog.json.

    Raises:
        ConfigurationError: missing or not what it should be.
    """
    path = folder.path / "watchdog.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=WatchdogConfig)
    except FileNotFoundError:
        msg = f"{path} is missing: start the watchdog of a folder in which a run was started"
        raise ConfigurationError(msg) from None
    except msgspec.MsgspecError as error:
        msg = f"{path}: {error}"
        raise ConfigurationError(msg) from None


async def guard(folder: RunFolder) -> None:
    """Run as a program until SIGTERM or an orderly end. SIGHUP and SIGINT belong to the terminal and are ignored."""
    watchdog = Watchdog(read_config(folder), FolderDirectory(folder.sockets), folder.token_file)
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    running = asyncio.create_task(watchdog.run())
    others = [asyncio.create_task(told.wait()), asyncio.create_task(superseded(folder))]
    others.append(asyncio.create_task(abandoned(folder, watchdog)))
    await asyncio.wait([running, *others], return_when=asyncio.FIRST_COMPLETED)
    await watchdog.stop()
    for other in others:
        other.cancel()
    await running


async def superseded(folder: RunFolder) -> None:
    """Ends when the folder no longer names us: another watchdog guards it, or the run was taken down."""
    while True:
        await asyncio.sleep(NAMED_S)
        try:
            named = await asyncio.to_thread(named_watchdog, folder)
        except OSError as error:  # a disk that fails relieves nobody
            LOG.warning("cannot read who guards the folder: %s", error)
            continue
        if named != os.getpid():
            LOG.info("the folder names %s as its watchdog; this one ends", named or "nobody")
            return


async def abandoned(folder: RunFolder, watchdog: Watchdog) -> None:
    """Ends when the run vanished for good: long silence, no order left, and no supervisor that could come back."""
    while True:
        await asyncio.sleep(NAMED_S)
        if watchdog.clean and watchdog.silent_s() > ABANDONED_S and not folder.lock(RUN_LOCK).held_elsewhere():
            LOG.warning("the run vanished; no order is left, nobody is left to guard")
            return


def named_watchdog(folder: RunFolder) -> int:
    """Process id in FOLDER/watchdog.pid; 0 without one."""
    try:
        return int((folder.path / PID_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def main(arguments: list[str]) -> int:
    """Exit 0 after an orderly end, else the code of the error."""
    parser = argparse.ArgumentParser(prog="python -m portfolio_mm.actors.watchdog", description=__doc__)
    parser.add_argument("--run-folder", required=True, help="state folder of the run to guard")
    folder = RunFolder(parser.parse_args(arguments).run_folder)
    handler = logging.FileHandler(folder.logs / "watchdog.jsonl")
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    LOG.info("watchdog is process %d", os.getpid())
    write_private(folder.path / PID_FILE, str(os.getpid()))
    try:
        asyncio.run(guard(folder))
    except PortfolioMMError as error:
        LOG.error("%s", error)  # noqa: TRY400 - the text says it all
        sys.stderr.write(f"watchdog: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
