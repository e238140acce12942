"""A watchdog on another machine: pack what it needs here, let it stand guard there."""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from portfolio_mm.actors import outpost
from portfolio_mm.actors.json_lines import JsonLines
from portfolio_mm.actors.persevere import first_of
from portfolio_mm.actors.watchdog import Watchdog, read_config
from portfolio_mm.cli.choice import folder_of, plan_of
from portfolio_mm.cli.output import out
from portfolio_mm.domain.errors import ConfigurationError


def pack(config: Path | None, folder: Path | None, *, public: str | None, to: Path) -> None:
    """Write the folder for the other machine and say what to do with it.

    Raises:
        ConfigurationError: `actors.outpost` is not set, or no run was ever started in the folder.
    """
    place, listen = folder_of(config, folder), plan_of(config, {}, folder).actors.outpost
    if listen is None:
        msg = "actors.outpost is not set: write the host:port on which a watchdog elsewhere may join, then start again"
        raise ConfigurationError(msg)
    guard = read_config(place)
    outpost.pack(outpost.door(place, listen), guard.target, guard, public or listen, to)
    out().print(
        f"wrote {to}. Carry it to the other machine (scp -rp), approve an agent of its own there "
        f"(a key that no other process signs with), and keep this running:\n"
        f"  portfolio-mm watchdog run {to.name} --key-path ~/.keys/outpost.key",
        markup=False,
    )


def stand_guard(post: Path, key_path: Path) -> None:
    """Guard until SIGTERM or Ctrl-C; words go to standard error as JSON lines.

    Raises:
        ConfigurationError: the folder or the key cannot be used.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    asyncio.run(_until_told(outpost.stand(post, key_path)))


async def _until_told(watchdog: Watchdog) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await first_of(told, watchdog.run())
