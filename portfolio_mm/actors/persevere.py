"""Doing an actor's work again after it failed: constructors only store, recovery may fail and is tried again."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from portfolio_mm.domain.errors import PortfolioMMError

LOG: Final = logging.getLogger(__name__)
BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
PROVEN_S: Final = 30.0


async def persevere(name: str, once: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> None:
    """Run `once` again and again until `stopping`, with a pause that grows while it keeps failing.

    Only failures of the world are survived (our own errors, and those of sockets and disks); a mistake in the program
    ends the actor, and whoever supervises it sees it.
    """
    attempt = 0
    while not stopping.is_set():
        began_s = time.monotonic()
        try:
            await once()
        except (PortfolioMMError, OSError) as error:
            LOG.error("%s: %s: %s", name, type(error).__name__, error)  # noqa: TRY400 - the text says it all
        if stopping.is_set():
            return
        attempt = 0 if time.monotonic() - began_s > PROVEN_S else attempt
        pause_s = BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)]
        attempt += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):  # not wait_for, which may lose a cancellation before Python 3.12
                await stopping.wait()


async def in_thread(work: Callable[..., None], *arguments: object) -> None:
    """Do something in a thread. One that is called off still waits for its end: a thread cannot be cancelled."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise


async def first_of(stopping: asyncio.Event, *work: Awaitable[Any]) -> None:
    """Do several things at once until one ends or `stopping`; end the others, and raise what it raised."""
    tasks: Sequence[asyncio.Future[Any]] = [
        asyncio.ensure_future(stopping.wait()),
        *(asyncio.ensure_future(each) for each in work),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled():
            task.result()
