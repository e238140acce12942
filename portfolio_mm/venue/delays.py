"""How long a message is on its way: seeded distributions for entry, cancel, reply and feed (HL §7.2)."""

import math
import random
from typing import Annotated, Final

import msgspec
from msgspec import Meta

Millis = Annotated[float, Meta(ge=0, le=600_000)]
Z99: Final = 2.3263478740408408
"""The standard normal's 99th percentile: what a lognormal's p99 says about its width."""


class Constant(msgspec.Struct, frozen=True, tag="constant", tag_field="kind"):
    """Always the same.

    Attributes:
        ms: the delay.
    """

    ms: Millis = 0.0

    def draw_ms(self, chance: random.Random) -> float:  # noqa: ARG002 - every kind of delay is asked alike
        """One delay, ms."""
        return self.ms


class Lognormal(msgspec.Struct, frozen=True, tag="lognormal", tag_field="kind"):
    """Mostly near the median, with a long tail: what networks do.

    Attributes:
        median_ms: half of all delays are shorter.
        p99_ms: one in a hundred is longer; not less than the median.
    """

    median_ms: Annotated[float, Meta(gt=0, le=600_000)]
    p99_ms: Annotated[float, Meta(gt=0, le=600_000)]

    def complaints(self) -> list[tuple[str, str]]:
        """What bounds of one field cannot say."""
        below = self.p99_ms < self.median_ms
        return [("p99_ms", f"is {self.p99_ms:g}, must be at least median_ms ({self.median_ms:g})")] if below else []

    def draw_ms(self, chance: random.Random) -> float:
        """One delay, ms."""
        sigma = math.log(self.p99_ms / self.median_ms) / Z99
        return self.median_ms * math.exp(sigma * chance.gauss(0.0, 1.0))


class Quantiles(msgspec.Struct, frozen=True, tag="quantiles", tag_field="kind"):
    """Measured delays: straight lines between quantiles that lie evenly from the shortest to the longest.

    Attributes:
        ms: the quantiles in rising order; three of them are minimum, median and maximum.
    """

    ms: Annotated[tuple[Millis, ...], Meta(min_length=2, max_length=1_001)]

    def complaints(self) -> list[tuple[str, str]]:
        """What bounds of one field cannot say."""
        return [] if list(self.ms) == sorted(self.ms) else [("ms", "must rise from one quantile to the next")]

    def draw_ms(self, chance: random.Random) -> float:
        """One delay, ms."""
        place = chance.random() * (len(self.ms) - 1)
        low = int(place)
        return self.ms[low] + (place - low) * (self.ms[low + 1] - self.ms[low])


Delay = Constant | Lognormal | Quantiles
NONE: Final = Constant()


class Latency(msgspec.Struct, frozen=True):
    """Delays each way, real milliseconds, on top of `latency_ms`.

    The venue's pages give a median of 200 ms and a p99 of 900 ms end to end for clients near by, and 380 ms for a
    cancel or a post-only order (HL §7.2). Half of the first pair each way is the choice for a realistic run:
    `{kind: lognormal, median_ms: 100, p99_ms: 450}`.

    Attributes:
        entry: from the client until an action may enter a block, post-only orders and everything not named below.
        cancel: the same for cancels.
        taker: the same for actions with a GTC or IOC order; the mempool holds takers back for some blocks (HL §7.2).
        reply: from the block until the reply leaves.
        feed: every websocket frame; frames of one connection keep their order.
        info: every info request.
    """

    entry: Delay = NONE
    cancel: Delay = NONE
    taker: Delay = NONE
    reply: Delay = NONE
    feed: Delay = NONE
    info: Delay = NONE

    def of_class(self, block_class: int) -> Delay:
        """The way in of an action by its class in a block (HL §7.2)."""
        return (self.entry, self.cancel, self.taker)[block_class]
