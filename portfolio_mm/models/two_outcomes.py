"""An expected loss from the probability of the bad outcome (C9).

    E[AS | x] = P(x) u + (1 - P(x)) g,    u = mean loss of the adverse ones, g of the others (negative: a gain)

P(x) saturates where a line goes on: in a market that is either calm or toxic it says what both cost, and no more.
Source: a hurdle model (Cragg 1971) with constant means; predecessor §4 "should be".
"""

import numba as nb


@nb.njit(cache=True)
def deviation_bps(
    said_probability: float, label_count: float, adverse_count: float, sum_bps: float, adverse_bps: float
) -> float:
    """E[AS | x] less its average, (P - share) (u - g), bps; 0 while only one of the two outcomes was seen.

    Args:
        said_probability: P(adverse | x).
        label_count: labels.
        adverse_count: those of them that were adverse.
        sum_bps: losses of all labels.
        adverse_bps: losses of the adverse ones.

    >>> deviation_bps(0.75, 10.0, 5.0, 10.0, 20.0), deviation_bps(0.75, 10.0, 10.0, 20.0, 20.0)
    (1.5, 0.0)
    """
    others = label_count - adverse_count
    if not (adverse_count > 1e-9 and others > 1e-9):
        return 0.0
    return (said_probability - adverse_count / label_count) * (
        adverse_bps / adverse_count - (sum_bps - adverse_bps) / others
    )
