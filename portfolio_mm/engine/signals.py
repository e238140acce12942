"""Signals and what each of them may say now (C17): one factor a signal, 0 switched off, 1 in full.

A term of the quote or of fair value multiplies its contribution with `st.signals.applied[...]` of its signal, and
nothing else decides whether a signal acts.
"""

from typing import Any, Final

import numba as nb

from portfolio_mm.domain.records import record

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

SIGNALS_STATE = record([("applied", "f8", (N_SIGNALS,))])


@nb.njit(cache=True)
def reset(signals: Any) -> None:
    """Every signal may act."""
    signals.applied[:] = 1.0
