"""Filter of a hidden Markov chain in continuous time: what is known now from the past only, never smoothed.

Between observations the state probabilities (a row) move by exp(Q t), computed by uniformisation: with L the largest
exit rate, p exp(Q t) = sum_k Poisson(k; L t) p (I + Q/L)^k, all terms positive, so probabilities stay probabilities
and two half steps are one. A silence counts as MOST_JUMPS exits of the quickest state at most: by then a chain whose
states are left at comparable rates has forgotten its start. An observation multiplies them by its likelihoods, scaled
by their sum (log-sum-exp).
Source: theory §12; Rabiner 1989; Grassmann 1977 (uniformisation).
"""

import math
from typing import Any, Final

import numba as nb

MOST_PIECES: Final = 64
MOST_JUMPS: Final = 4.0 * MOST_PIECES
"""Of a piece the series has 24 terms: with four jumps expected they leave 1e-11 out."""


@nb.njit(cache=True)
def propagate(prob: Any, rates: Any, seconds: float, work: Any) -> None:
    """Let `seconds` pass.

    Args:
        prob: probabilities of the states, replaced.
        rates: Q, off-diagonal rates 1/s; the diagonal is not read.
        seconds: not negative.
        work: room, shape (3, states).
    """
    n, fastest = len(prob), 0.0
    for i in range(n):
        out = 0.0
        for j in range(n):
            out += rates[i, j] if j != i else 0.0
        fastest = max(fastest, out)
    if not (seconds > 0.0 and fastest > 0.0):
        return
    jumps = min(fastest * seconds, MOST_JUMPS)
    pieces = min(int(jumps) + 1, MOST_PIECES)
    for _ in range(pieces):
        _piece(prob, rates, fastest, jumps / pieces, work)
    total = 0.0
    for i in range(n):
        total += prob[i]
    for i in range(n):
        prob[i] /= total if total > 0.0 else 1.0


@nb.njit(cache=True)
def _piece(prob: Any, rates: Any, rate_per_s: float, mean_count: float, work: Any) -> None:
    """One stretch with `mean_count` expected jumps of the uniformised chain."""
    n, weight = len(prob), math.exp(-mean_count)
    for i in range(n):
        work[0, i] = prob[i]
        prob[i] *= weight
    for k in range(1, 24):
        weight *= mean_count / k
        for j in range(n):
            work[1, j] = work[0, j]
        for i in range(n):
            for j in range(n):
                if j != i:
                    flow = work[0, i] * rates[i, j] / rate_per_s
                    work[1, j] += flow
                    work[1, i] -= flow
        for j in range(n):
            work[0, j] = work[1, j]
            prob[j] += weight * work[1, j]


@nb.njit(cache=True)
def see(prob: Any, log_like: Any) -> float:
    """Multiply by the likelihoods and normalise; ln P(observation | the past), -inf when no state explains it."""
    top = -math.inf
    for i in range(len(prob)):
        top = max(top, log_like[i])
    if not top > -math.inf:
        return -math.inf
    total = 0.0
    for i in range(len(prob)):
        prob[i] *= math.exp(log_like[i] - top)
        total += prob[i]
    if not total > 0.0:
        return -math.inf
    for i in range(len(prob)):
        prob[i] /= total
    return top + math.log(total)


@nb.njit(cache=True)
def log_likelihoods(z: Any, levels: Any, sd_ratio: float, trust: Any, out: Any) -> None:
    """Log likelihood of independent Gaussian inputs under each state, up to a constant; NaN inputs say nothing.

    Args:
        z: inputs (n,).
        levels: their mean in each state (n, states).
        sd_ratio: sd of every input in every state.
        trust: power of each input's likelihood (n,), below 1 where inputs share what they know.
        out: (states,), set.
    """
    for j in range(len(out)):
        total = 0.0
        for i in range(len(z)):
            if not math.isnan(z[i]):
                off = (z[i] - levels[i, j]) / sd_ratio
                total -= 0.5 * trust[i] * off * off
        out[j] = total
