"""Which predictions are scored, found by discovery: what estimators list in SCORES and keep in `skill`."""

from typing import Any, Final, NamedTuple

import numpy as np

from portfolio_mm.engine.parts import ESTIMATORS

Array = np.ndarray[Any, Any]


class Prediction(NamedTuple):
    """One scored prediction: the part, what it predicts, the naive rival it must beat, its place among the part's."""

    part: str
    name: str
    rival: str
    place: int


PREDICTIONS: Final = tuple(
    Prediction(part, name, rival, place)
    for part, module in ESTIMATORS.items()
    for place, (name, rival) in enumerate(module.SCORES.items())
)
UNSCORED: Final = {part: module.UNSCORED for part, module in ESTIMATORS.items() if not module.SCORES}
"""Parts that predict nothing that could be scored, each with its reason."""


def said_of(state: Array, field: str, length: int) -> Array | None:
    """View of what some part says now under this name, one number a side or a place; None where no part does."""
    for part in ESTIMATORS:
        record = state[part]
        if field in (record.dtype.names or ()) and record[field].shape == (1, length):
            view: Array = record[field]
            return view
    return None


def skills(state: Array) -> list[Array]:
    """Views of the SKILL of every prediction, in the order of PREDICTIONS."""
    found = []
    for one in PREDICTIONS:
        kept = state[one.part]["skill"]
        found.append(kept if kept.ndim == 1 else kept[:, one.place])
    return found
