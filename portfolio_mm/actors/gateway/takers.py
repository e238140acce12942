"""Orders that take must wait while the venue takes post-only orders only, as after an upgrade (HL §7.5)."""

import asyncio
import logging
import time
from typing import Final

from portfolio_mm.actors.gateway.moods import Moods

LOG: Final = logging.getLogger(__name__)
WINDOW_S: Final = 60.0
STEP_S: Final = 0.1


async def takers_wait(moods: Moods) -> bool:
    """Wait for the end of such a window, a minute at most; whether there was one and it is over."""
    if not moods.special:
        return False
    LOG.warning("closing orders wait: %s", moods.words()[0])
    end_s = time.monotonic() + WINDOW_S
    while moods.special and time.monotonic() < end_s:  # noqa: ASYNC110 - the venue is asked elsewhere
        await asyncio.sleep(STEP_S)
    return not moods.special
