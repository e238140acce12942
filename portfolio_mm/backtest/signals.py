"""Scores of predictions and the experiment on signals, read from a coin's state by discovery: no list of names here."""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.blocks import INSUFFICIENT, Z95
from portfolio_mm.backtest.predictions import PREDICTIONS, skills
from portfolio_mm.engine.signals import N_SIGNALS, SIGNALS
from portfolio_mm.models.skill import MIN_BLOCKS

Array = np.ndarray[Any, Any]
SCALAR: Final = 1


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
    """One signal in the experiment: everything the coin keeps of it, by the names of its state."""

    signal: str
    numbers: dict[str, float]


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
    return tuple(
        Ablated(signal, {key: _plain(column[place]) for key, column in columns.items()})
        for place, signal in enumerate(SIGNALS)
    )


def _plain(value: Any) -> float:
    number = float(value)
    return number if np.isfinite(number) else float("nan")
