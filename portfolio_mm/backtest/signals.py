"""Scores of predictions and the experiment on signals, read from a coin's state by discovery: no list of names here."""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import INSUFFICIENT, Z95, Estimate
from portfolio_mm.backtest.predictions import PREDICTIONS, skills
from portfolio_mm.engine.signals import N_SIGNALS, SIGNALS
from portfolio_mm.models.skill import MIN_BLOCKS

Array = np.ndarray[Any, Any]
SCALAR: Final = 1
VALUE: Final = "value"
"""Field of the signals' state with the estimate of each one's worth (models/marginal.py)."""
MIN_ARM: Final = 30
"""Intervals in the smaller arm below which nothing is claimed."""


class Score(msgspec.Struct, frozen=True):
    """How a prediction did against its naive rival. `verdict` is "earns", "no better", or "insufficient"."""

    part: str
    prediction: str
    rival: str
    skill: float
    se: float
    low: float | None
    high: float | None
    blocks: int
    scored: int
    weight: float
    verdict: str


class Ablated(msgspec.Struct, frozen=True):
    """One signal in the experiment: what having it on brings per decision interval, and everything the coin keeps.

    `numbers` go by the names of the state, None is what it does not know; `effect_usd` is None where the state holds no
    such estimate.
    """

    signal: str
    effect_usd: Estimate | None
    numbers: dict[str, float | None]


def scores_of(state: Array) -> tuple[Score, ...]:
    """Every prediction there is."""
    found = []
    for one, kept in zip(PREDICTIONS, skills(state), strict=True):
        row = kept[0]
        blocks, skill, se = int(row["blocks"]), float(row["skill"]), float(row["skill_se"])
        enough, weight = blocks >= MIN_BLOCKS, float(row["weight"])
        low, high = (skill - Z95 * se, skill + Z95 * se) if enough else (None, None)
        verdict = INSUFFICIENT if not enough else "earns" if weight > 0.0 else "no better"
        scored = int(row["scored"])
        found.append(Score(one.part, one.name, one.rival, skill, se, low, high, blocks, scored, weight, verdict))
    return tuple(found)


def ablation_of(state: Array) -> tuple[Ablated, ...]:
    """Every number the state of the signals holds per signal."""
    record = state["signals"][0]
    columns: dict[str, Array] = {}
    for name in record.dtype.names or ():
        values = record[name]
        if getattr(values, "shape", ()) != (N_SIGNALS,):
            continue
        if values.dtype.names is None:
            columns[name] = values
        else:
            inner = {f"{name}.{field}": values[field] for field in values.dtype.names}
            columns |= {key: column for key, column in inner.items() if column.ndim == SCALAR}
    found = []
    for place, signal in enumerate(SIGNALS):
        numbers = {key: _plain(column[place]) for key, column in columns.items()}
        found.append(Ablated(signal, _effect(numbers), numbers))
    return tuple(found)


def _effect(numbers: dict[str, float | None]) -> Estimate | None:
    """The inverse-propensity estimate, with an interval once there are blocks for one and both arms have intervals."""
    kept = [
        numbers.get(f"{VALUE}.{name}") for name in ("effect_usd", "effect_se_usd", "blocks", "on_count", "off_count")
    ]
    if None in kept:
        return None
    value, se, blocks, on, off = (float(one or 0.0) for one in kept)
    enough = blocks >= MIN_BLOCKS and min(on, off) >= MIN_ARM and se > 0.0
    low, high = (value - Z95 * se, value + Z95 * se) if enough else (None, None)
    return Estimate(value if on and off else None, se, low, high, int(on + off), int(blocks))


def _plain(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
