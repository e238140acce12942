"""How often sweeps reach each depth of a grid: what was counted there, with a fitted exponential as the prior.

Who reaches the next depth has passed this one, so the rate is that of the first depth times the share that went on,
again and again (a survival curve; Kaplan and Meier 1958). The first rate is a Gamma posterior, each share a Beta one,
whose priors say what the fit says and weigh `prior_count` sweeps:

    rate_0 = (n_0 + c) / (T + c / fitted_0),   share_j = (n_{j+1} + c e^(-k step)) / (n_j + c)

So a time in which nothing came counts as much as what came, and where nothing was counted the fit goes on from the last
depth that was reached: a fit of how far market orders would go says too much of deep places where size runs out.
"""

import numba as nb


@nb.njit(cache=True)
def first_rate(fitted_per_s: float, count: float, seconds: float, prior_count: float) -> float:
    """Rate after `count` events in `seconds`, when the prior is `prior_count` events at `fitted_per_s`.

    >>> first_rate(0.1, 0.0, 0.0, 4.0), first_rate(0.1, 0.0, 120.0, 4.0), round(first_rate(0.1, 1e4, 1e4, 4.0), 3)
    (0.1, 0.025, 0.996)
    """
    return fitted_per_s * (count + prior_count) / (fitted_per_s * seconds + prior_count)


@nb.njit(cache=True)
def went_on(fitted_share: float, near_count: float, counted_share: float, prior_count: float) -> float:
    """Share of those who reached a depth that reached the next one: `counted_share` of `near_count` did, in [0, 1].

    >>> went_on(0.5, 0.0, 0.0, 4.0), went_on(0.5, 4.0, 0.0, 4.0), went_on(0.5, 12.0, 1.0, 4.0)
    (0.5, 0.25, 0.875)
    """
    return (near_count * counted_share + prior_count * fitted_share) / (near_count + prior_count)
