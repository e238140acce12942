"""Which prediction stands behind which signal: its skill goes on while the signal is switched off (shadow scoring).

One line per signal that predicts something its estimator scores (models/skill.py). Signals without a line have only the
experiment to speak for them (ablation.py).
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.engine.signals import (
    BOOK,
    FLOW,
    HAWKES,
    IMPACT,
    JUMP,
    LEADERS,
    PARTICLE,
    QUEUE,
    REFERENCE,
    REGIME,
    TOXICITY,
    VOL_OF_VOL,
)
from portfolio_mm.estimators import toxicity
from portfolio_mm.models.skill import clear_skill


@nb.njit(cache=True)
def note(signals: Any, signal: int, sk: Any) -> None:
    """What the prediction behind `signal` is worth now; after a ban it is scored anew, once."""
    bit = 1 << signal
    if signals.anew_mask & bit != 0:
        clear_skill(sk)
        signals.anew_mask &= ~bit
    signals.scored_mask |= bit
    known = sk.blocks > 0
    signals.shadow_blocks[signal] = sk.blocks
    signals.shadow_skill[signal] = sk.skill if known else np.nan
    signals.shadow_se[signal] = sk.skill_se if known else np.nan
    signals.shadow_weight[signal] = sk.weight


@nb.njit(cache=True)
def hear(st: Any) -> None:
    """Every signal with a scored prediction, one line each."""
    for group in (BOOK, FLOW, REFERENCE, LEADERS):  # the groups of fair value's regression, by the same numbers
        note(st.signals, group, st.fair.skill[group])
    note(st.signals, TOXICITY, st.toxicity.skill[toxicity.ADVERSE])
    note(st.signals, JUMP, st.jumps.skill)
    note(st.signals, VOL_OF_VOL, st.vov.skill)
    note(st.signals, IMPACT, st.impact.skill)
    note(st.signals, PARTICLE, st.particles.skill)
    note(st.signals, REGIME, st.regimes.skill)
    note(st.signals, HAWKES, st.hawkes.skill)
    note(st.signals, QUEUE, st.queue.skill)
