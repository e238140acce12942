"""What our own takers took stays taken: when recorded lots that we used up are there again.

The recording never knew our taker, so it goes on showing the lots we took. In the world with us they are gone: the
level holds what is recorded less what we took, until the recording shows that its lots are others. hftbacktest's
exchange models let a taker have the recorded lots again and again; `Refill` is our statement of the matter.

Trades of the tape leave the amount as it is: they took the front of the queue, which is what we had taken already, and
in the world with us would have met the lots behind it.
"""

from enum import IntEnum
from typing import Any, Final

import numba as nb


class Refill(IntEnum):
    """When lots that our takers used up come back; the optimistic and the conservative end."""

    NEXT_RECORD = 1
    """with the next recorded size of their level, whatever it is"""
    EMPTIED = 2
    """when the recording shows their price empty, passed or traded through: what stands there later is new; until then
    only what is recorded beyond them"""


N_EATEN: Final = 64
"""Levels of a side that can be remembered; the oldest is forgotten for one more."""
NEXT_RECORD: Final = int(Refill.NEXT_RECORD)


@nb.njit(cache=True)
def eaten_at(queue: Any, side: int, px: int) -> int:
    """Lots our takers took at a price and that are not back."""
    lots: int = 0
    for k in range(queue.n_eaten[side]):
        if queue.eaten_px[side, k] == px:
            lots = queue.eaten_lots[side, k]
    return lots


@nb.njit(cache=True)
def use_up(queue: Any, side: int, at: int, lots: int) -> None:
    """Our taker, or an order of ours that the book reached, used recorded lots of level `at`."""
    if queue.refill == NEXT_RECORD:
        queue.taken[side, at] += lots
        return
    px = queue.px[side, at]
    for k in range(queue.n_eaten[side]):
        if queue.eaten_px[side, k] == px:
            queue.eaten_lots[side, k] += lots
            return
    if queue.n_eaten[side] == N_EATEN:
        forget(queue, side, 0)
    k = queue.n_eaten[side]
    queue.eaten_px[side, k] = px
    queue.eaten_lots[side, k] = lots
    queue.n_eaten[side] = k + 1


@nb.njit(cache=True)
def forget(queue: Any, side: int, k: int) -> None:
    """Give one level back."""
    queue.n_eaten[side] -= 1
    for i in range(k, queue.n_eaten[side]):
        queue.eaten_px[side, i] = queue.eaten_px[side, i + 1]
        queue.eaten_lots[side, i] = queue.eaten_lots[side, i + 1]


@nb.njit(cache=True)
def forget_better(queue: Any, side: int, px: int, sign: int) -> None:
    """The recording shows nothing better than `px` on a side whose prices improve by `sign`; 0: nothing at all."""
    for k in range(queue.n_eaten[side] - 1, -1, -1):
        if px == 0 or sign * (queue.eaten_px[side, k] - px) > 0:
            forget(queue, side, k)


@nb.njit(cache=True)
def renew(queue: Any, side: int, k: int, now: int) -> None:
    """A level we took from is recorded with `now` lots: of those we took no more than these can be left."""
    queue.eaten_lots[side, k] = min(queue.eaten_lots[side, k], now)
    if now <= 0:
        forget(queue, side, k)
