"""Signals and what each of them may say now (C17): one factor a signal, 0 switched off, 1 in full.

A term of the quote or of fair value multiplies its contribution with `st.signals.applied[...]` of its signal, and
nothing else decides whether a signal acts. Who sets the factor, and by what: ablation.py. Safety (the cascade) and cash
flows (funding) are not signals and are never switched off.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.marginal import MARGINAL, clear_marginal

SIGNALS: Final = (
    "book",
    "flow",
    "reference",
    "leaders",
    "toxicity",
    "jump",
    "vol_of_vol",
    "particle",
    "hawkes",
    "queue",
    "impact",
    "regime",
)
N_SIGNALS: Final = len(SIGNALS)
BOOK, FLOW, REFERENCE, LEADERS, TOXICITY, JUMP = range(6)
VOL_OF_VOL, PARTICLE, HAWKES, QUEUE, IMPACT, REGIME = range(6, 12)
OPEN: Final = 16
"""Decision intervals that may wait for their markouts."""

SIGNALS_STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("running", "i4"),
        ("applied", "f8", (N_SIGNALS,)),
        ("number", "i8"),
        ("next_ns", "i8"),
        ("off_mask", "i8"),
        ("banned_mask", "i8"),
        ("propensity", "f8"),
        ("fill_tail", "i8"),
        ("head", "i8"),
        ("tail", "i8"),
        ("open_number", "i8", (OPEN,)),
        ("open_off_mask", "i8", (OPEN,)),
        ("open_banned_mask", "i8", (OPEN,)),
        ("open_reward_usd", "f8", (OPEN,)),
        ("open_fills", "i4", (OPEN,)),
        ("open_labels", "i4", (OPEN,)),
        ("closed_now", "i8"),
        ("lost", "i8"),
        ("outside", "i8"),
        ("in_block", "i8"),
        ("value", MARGINAL, (N_SIGNALS,)),
        ("bans", "i8", (N_SIGNALS,)),
        ("anew_mask", "i8"),
        ("scored_mask", "i8"),
        ("shadow_blocks", "i8", (N_SIGNALS,)),
        ("shadow_skill", "f8", (N_SIGNALS,)),
        ("shadow_se", "f8", (N_SIGNALS,)),
        ("shadow_weight", "f8", (N_SIGNALS,)),
    ]
)
"""Masks have bit i for SIGNALS[i]: `off_mask` off in the running interval, by the draw or because of the ban,
`banned_mask` switched off by the verdict, `anew_mask` whose skill must be scored anew, `scored_mask` who has a skill.
`number` is the running interval, `running` 1 while it counts, `propensity` the probability of its mask; `head`..`tail`
the intervals in the `open_*` ring; `closed_now` those before `head` that this event closed, `lost` how many were closed
without all their markouts, `outside` fills in none that is open; `bans` how often a signal was switched off; `shadow_*`
what its prediction is worth, as its estimator scores it."""


@nb.njit(cache=True)
def reset(signals: Any) -> None:
    """Every signal may act, nothing is known of any; expects zeroed bytes."""
    signals.applied[:] = 1.0
    signals.propensity = 1.0
    signals.shadow_skill[:] = np.nan
    signals.shadow_se[:] = np.nan
    signals.shadow_weight[:] = np.nan
    for s in range(N_SIGNALS):
        clear_marginal(signals.value[s])
