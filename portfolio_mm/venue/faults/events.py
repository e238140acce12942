"""Things that happen to the venue at a moment, or at random moments of a given rate."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio_mm.venue.faults.kinds import Seconds
from portfolio_mm.venue.modes import SwitchedMode

Account = Annotated[int, Meta(ge=1)]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """When: once, several times, or at random.

    Attributes:
        at_s: venue seconds after the start; by `POST /admin` after now.
        times: how often.
        every_s: venue seconds between two of them.
        per_hour: instead, at random (Poisson, with the seed of the run), so often per venue hour from `at_s` on.
    """

    at_s: Seconds = 0.0
    times: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    every_s: Seconds = 0.0
    per_hour: Annotated[float, Meta(ge=0, le=1e6)] = 0.0


class ModeFlip(Event, frozen=True, kw_only=True, tag="mode_flip"):
    """An account changes its mode, as its owner may do elsewhere; refused as the venue refuses it (HL §8.7).

    Attributes:
        account: number of the test account, from 1.
        mode: the new mode.
    """

    account: Account
    mode: SwitchedMode


class Delist(Event, frozen=True, kw_only=True, tag="delist"):
    """A coin is delisted: orders are cancelled, positions settle at the oracle's mean of the last hour (HL §7.5).

    Attributes:
        coin: its name.
    """

    coin: str


class Halt(Event, frozen=True, kw_only=True, tag="halt"):
    """The deployer of a dex halts a coin (orders end, positions settle at mark), or lets it trade again (HL §7.5).

    Attributes:
        coin: its name, such as `xyz:TSLA`.
        halted: false resumes it.
    """

    coin: str
    halted: bool = True


class OracleSilence(Event, frozen=True, kw_only=True, tag="oracle_silence"):
    """The deployer of a dex sets no prices: oracles stand still, marks fall back to the books after 10 s (HL §7.5).

    Attributes:
        dex: its name.
        for_s: venue seconds.
    """

    dex: str
    for_s: Seconds = 60.0


class Upgrade(Event, frozen=True, kw_only=True, tag="upgrade"):
    """A network upgrade: connections are cut and refused with HTTP 502, then the books are post-only (HL §7.5).

    Attributes:
        down_s: venue seconds of HTTP 502.
        post_only_s: venue seconds of post-only after that.
    """

    down_s: Seconds = 5.0
    post_only_s: Seconds = 30.0


class ClockStep(Event, frozen=True, kw_only=True, tag="clock_step"):
    """The venue's block time jumps; what drives the market does not.

    Attributes:
        ms: by how much; negative is backwards.
    """

    ms: Annotated[int, Meta(ge=-86_400_000, le=86_400_000)]


class Disconnect(Event, frozen=True, kw_only=True, tag="disconnect"):
    """Every websocket is cut. With `times` and `every_s`, or `per_hour`, a storm."""


class Sweep(Event, frozen=True, kw_only=True, tag="sweep"):
    """A market order of the background, as in a cascade of liquidations.

    Attributes:
        coin: where.
        side: `buy` or `sell`.
        usd: how much, at the mark price; what the book does not hold is not traded.
    """

    coin: str
    side: Literal["buy", "sell"] = "sell"
    usd: Annotated[float, Meta(gt=0, le=1e12)] = 100_000.0


class Deposit(Event, frozen=True, kw_only=True, tag="deposit"):
    """Money comes in.

    Attributes:
        account: number of the test account, from 1.
        usd: how much.
    """

    account: Account
    usd: Annotated[float, Meta(gt=0, le=1e12)]


EventKind = ModeFlip | Delist | Halt | OracleSilence | Upgrade | ClockStep | Disconnect | Sweep | Deposit
