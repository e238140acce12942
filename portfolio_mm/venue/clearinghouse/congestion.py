"""Block space when traffic is high: twice the maker share of the day before (HL §5.2), a switch here.

The setting `congestion_legs` is the room of a block in legs (0: never congested). A user's actions beyond its part
wait for a later block, in their order; one of them always goes, so nobody starves.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from portfolio_mm.venue.clearinghouse.fees import DailyVolume

SHARES: Final = 2
Waiting = TypeVar("Waiting")


def part(user: DailyVolume, exchange: DailyVolume, day: int, room: int) -> int:
    """Legs of a block of `room` that a user may have on a day, by what it and everybody made on the day before."""
    everybody = exchange.made[day - 1]
    return SHARES * room * user.made[day - 1] // everybody if everybody else 0


def admit(
    waiting: Sequence[tuple[Waiting, int | None, int]], allowed: Callable[[int], int]
) -> tuple[list[Waiting], list[Waiting]]:
    """Who goes into this block and who waits: (what, user or None for nobody's, legs) in the order they came.

    >>> admit([("a", 1, 1), ("b", 1, 1), ("c", 2, 5), ("d", None, 1)], lambda user: 0)
    (['a', 'c', 'd'], ['b'])
    """
    used: Counter[int] = Counter()
    full: set[int] = set()
    goes, waits = [], []
    for what, user, legs in waiting:
        if user is not None and (user in full or (used[user] and used[user] + legs > allowed(user))):
            full.add(user)
            waits.append(what)
            continue
        if user is not None:
            used[user] += legs
        goes.append(what)
    return goes, waits
