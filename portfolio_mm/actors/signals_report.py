"""What a coin says of its signals (docs/signals.md): who acts, what each is worth, and which features say nothing."""

from typing import NamedTuple

import msgspec

from portfolio_mm.engine.readings import CoinReading


class Speechless(NamedTuple):
    """Features of a coin's newest decisions that say nothing: always the same number, or never known."""

    constant: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class SignalReport(msgspec.Struct, frozen=True):
    """One signal of one coin: does it act, what is its prediction worth, what does it earn.

    USD an hour with a 95 % interval over `blocks` blocks of decision intervals, `without` of which were without the
    signal; NaN while that is insufficient. `weight` and `skill` NaN: no prediction of it is scored. `bans` counts how
    often the verdict has switched it off.
    """

    signal: str
    acts: bool
    off_now: bool
    weight: float
    skill: float
    skill_se: float
    skill_blocks: int
    usd_per_h: float
    low_usd_per_h: float
    high_usd_per_h: float
    blocks: int
    without: int
    bans: int


class SignalsReport(msgspec.Struct, frozen=True):
    """All signals of one coin. Features are those of its newest decisions (models/features.py, `collapsed`)."""

    signals: tuple[SignalReport, ...] = ()
    intervals_lost: int = 0
    """Decision intervals left out because a markout was missing."""
    fills_outside: int = 0
    """Fills in no interval of the experiment."""
    constant_features: tuple[str, ...] = ()
    unknown_features: tuple[str, ...] = ()


def signals_report(now: CoinReading, speechless: Speechless) -> SignalsReport:
    """The report of a coin that reads `now`."""
    return SignalsReport(
        signals=tuple(SignalReport(*each) for each in now.signals),
        intervals_lost=now.intervals_lost,
        fills_outside=now.fills_outside,
        constant_features=speechless.constant,
        unknown_features=speechless.unknown,
    )
