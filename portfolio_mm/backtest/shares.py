"""What every component was of the quotes of a session, and why a side did not quote: shares of its seconds."""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.domain.units import SIDES
from portfolio_mm.engine.attribution import ITEMS
from portfolio_mm.engine.why import Reason

Array = np.ndarray[Any, Any]
SIDE_NAMES: Final = ("bid", "ask")
NOTHING_BPS: Final = 1e-9
"""What rounding of floats leaves of an item that was 0."""


class ItemShare(msgspec.Struct, frozen=True):
    """One component of the quote over the seconds in which there was one: signed mean and mean size, bps outwards.

    `share` is its part of the sum of the components' mean sizes; `active` the share of seconds in which it was not 0.
    """

    item: str
    bid_mean_bps: float
    ask_mean_bps: float
    mean_size_bps: float
    share: float
    active: float


class WhyShare(msgspec.Struct, frozen=True):
    """How much of a side's time a reason held; QUOTING means that it quoted."""

    side: str
    reason: str
    share: float


def items_of(samples: Array) -> tuple[ItemShare, ...]:
    """Every component, in the order of attribution; nothing when no side ever quoted."""
    quoting = samples["quoting"] == 1
    if not quoting.any():
        return ()
    items = samples["items_bps"]
    sizes = [float(np.abs(items[:, :, at][quoting]).mean()) for at in range(len(ITEMS))]
    total = sum(sizes)
    found = []
    for at, name in enumerate(ITEMS):
        sides = [items[quoting[:, side], side, at] for side in SIDES]
        bid, ask = (float(rows.mean()) if len(rows) else 0.0 for rows in sides)
        active = float((np.abs(items[:, :, at][quoting]) > NOTHING_BPS).mean())
        found.append(ItemShare(name, bid, ask, sizes[at], sizes[at] / total if total > 0.0 else 0.0, active))
    return tuple(found)


def whys_of(samples: Array) -> tuple[WhyShare, ...]:
    """Reasons by side, the most frequent first."""
    found = []
    for side in SIDES:
        codes, counts = np.unique(samples["why"][:, side], return_counts=True)
        rows = zip(codes.tolist(), counts.tolist(), strict=True)
        ranked = sorted(rows, key=lambda row: -row[1])
        found += [WhyShare(SIDE_NAMES[side], Reason(code).name, n / len(samples)) for code, n in ranked]
    return tuple(found)
