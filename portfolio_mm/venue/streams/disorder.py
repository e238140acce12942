"""What the venue leaves undefined is decided here, by a seed (HL §4.4, §13).

Across channels the frames of one block come in any order, a reply before or after them; within one channel they keep
theirs. A new listener may hear the rows of the last block twice: in its snapshot and in a frame of their own.
"""

import random
from collections import defaultdict, deque
from typing import Final

from portfolio_mm.venue.streams.subscriptions import Topic

Frames = list[tuple[Topic, bytes]]
EVERY_REPEAT: Final = 4
"""One new listener in so many hears rows twice: our choice."""


class Disorder:
    """One stream of decisions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - an order of frames, not a secret

    def mixed(self, frames: Frames) -> Frames:
        """The frames of a block in an order of their channels that may be any.

        >>> a, b = Topic("bbo", "BTC"), Topic("trades", "BTC")
        >>> mixed = Disorder(1).mixed([(a, b"1"), (a, b"2"), (b, b"3")])
        >>> sorted(mixed) == [(a, b"1"), (a, b"2"), (b, b"3")], mixed.index((a, b"1")) < mixed.index((a, b"2"))
        (True, True)
        """
        waiting: defaultdict[Topic, deque[bytes]] = defaultdict(deque)
        for topic, message in frames:
            waiting[topic].append(message)
        turns = [topic for topic, _ in frames]
        self._random.shuffle(turns)
        return [(topic, waiting[topic].popleft()) for topic in turns]

    def reply_first(self) -> bool:
        """Whether a reply leaves before the frames of its block."""
        return self._random.random() < 1 / 2

    def repeats(self) -> bool:
        """Whether a new listener hears the rows of the last block twice."""
        return self._random.randrange(EVERY_REPEAT) == 0
