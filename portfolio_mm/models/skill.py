"""Does a prediction beat its naive rival? Skill, its standard error, and the weight it has earned.

A prediction resolved at `now_ns` brings two losses, its own and the rival's (squared errors, log losses: lower is
better, the same unit). With sums forgotten at one half-life:

    skill  = 1 - sum loss / sum naive                          (0: no better; a squared-error skill is R^2)
    se     = sqrt(sum_b (g_b - mu n_b)^2) / sum naive          g_b, n_b: gain and count of block b, mu = gain per score
    weight = max(0, 1 - (Z se / skill)^2) when skill > 0, else 0

Scores of one block share their path, so the blocks, not the scores, are what the error is made of; under MIN_BLOCKS of
them, forgotten as the sums are (after a long silence one block would have no spread at all), the weight stays 0.
Positive-part shrinkage: noise has weight 0 in 95 of 100 cases, an effect of t standard errors 1 - (Z/t)^2. Source:
theory §14 (blocks); James-Stein positive part.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, half_life_factor

Z = 1.645
MIN_BLOCKS = 30

SKILL = record(
    [
        ("scored", "i8"),
        ("blocks", "i4"),
        ("held", "f4"),
        ("block_ns", "i8"),
        ("loss", "f8"),
        ("naive", "f8"),
        ("mass", "f8"),
        ("block_n", "f8"),
        ("block_gain", "f8"),
        ("cluster_nn", "f8"),
        ("cluster_ng", "f8"),
        ("cluster_gg", "f8"),
        ("skill", "f8"),
        ("skill_se", "f8"),
        ("weight", "f8"),
    ]
)
"""`scored` and `blocks` count since the start, `held` is what of the blocks is not forgotten; sums are forgotten;
`block_*` is the running block, `cluster_*` sums over closed blocks of n^2, n g, g^2."""


@nb.njit(cache=True)
def clear_skill(sk: Any) -> None:
    """Nothing scored."""
    sk.scored = 0
    sk.blocks = 0
    sk.held = 0.0
    sk.block_ns = 0
    sk.loss = 0.0
    sk.naive = 0.0
    sk.mass = 0.0
    sk.block_n = 0.0
    sk.block_gain = 0.0
    sk.cluster_nn = 0.0
    sk.cluster_ng = 0.0
    sk.cluster_gg = 0.0
    sk.skill = 0.0
    sk.skill_se = 0.0
    sk.weight = 0.0


@nb.njit(cache=True)
def score(sk: Any, now_ns: int, loss: float, naive: float, block_s: float, half_life_s: float) -> None:  # noqa: PLR0917 - flat arguments
    """Take one resolved prediction.

    Args:
        sk: one SKILL, changed in place.
        now_ns: when it resolved; not before the last one's time.
        loss: of the prediction, finite, not negative.
        naive: of the rival, in the same unit.
        block_s: length of a block, at least the horizon that overlapping labels share.
        half_life_s: of the sums, 0 to forget nothing.
    """
    if not (0.0 <= loss < 1e300 and 0.0 <= naive < 1e300):
        return
    if sk.scored == 0:
        sk.block_ns = now_ns
    elif now_ns - sk.block_ns >= block_s * NS_PER_S:
        _close_block(sk, half_life_factor((now_ns - sk.block_ns) / NS_PER_S, half_life_s))
        sk.block_ns = now_ns
    gain = naive - loss
    sk.scored += 1
    sk.mass += 1.0
    sk.loss += loss
    sk.naive += naive
    sk.block_n += 1.0
    sk.block_gain += gain


@nb.njit(cache=True)
def is_enough(sk: Any) -> bool:
    """As many blocks are held as an error can be made of; half of one may be forgotten since the first of them."""
    return sk.held > MIN_BLOCKS - 0.5  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _close_block(sk: Any, keep: float) -> None:
    """The running block joins the closed ones; everything is forgotten by its length; outputs are made anew."""
    sk.cluster_nn += sk.block_n * sk.block_n
    sk.cluster_ng += sk.block_n * sk.block_gain
    sk.cluster_gg += sk.block_gain * sk.block_gain
    sk.blocks += 1
    sk.held = np.float64(sk.held) + 1.0
    sk.block_n = 0.0
    sk.block_gain = 0.0
    if sk.naive > 0.0 and sk.mass > 0.0:
        per_score = (sk.naive - sk.loss) / sk.mass
        squares = sk.cluster_gg - 2.0 * per_score * sk.cluster_ng + per_score * per_score * sk.cluster_nn
        sk.skill = 1.0 - sk.loss / sk.naive
        sk.skill_se = math.sqrt(max(0.0, squares)) / sk.naive
        ratio = Z * sk.skill_se / sk.skill if sk.skill > 0.0 else 1.0
        sk.weight = max(0.0, 1.0 - ratio * ratio) if is_enough(sk) else 0.0
    sk.held = np.float64(sk.held) * keep
    sk.loss *= keep
    sk.naive *= keep
    sk.mass *= keep
    sk.cluster_nn *= keep
    sk.cluster_ng *= keep
    sk.cluster_gg *= keep


@nb.njit(cache=True)
def rival_weight(sk: Any) -> float:
    """The weight that the rival has earned, by the same rule; for what cannot be silent and falls back on its rival."""
    if not (is_enough(sk) and sk.skill < 0.0):
        return 0.0
    ratio = Z * sk.skill_se / sk.skill
    return max(0.0, 1.0 - ratio * ratio)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def stand_in(sk: Any) -> None:
    """A prior speaks in full until MIN_BLOCKS have judged it; from then on it has the weight it earns, as all do."""
    if not is_enough(sk):
        sk.weight = 1.0
