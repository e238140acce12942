"""The Kelly bet of an edge that is only estimated, as USD at risk (D6, theory §11)."""

import math

import numba as nb


@nb.njit(cache=True)
def bet_usd(mean_bps: float, sd_bps: float, n_count: float, equity_usd: float, fraction_share: float) -> float:
    """Bet of `fraction_share` of Kelly, shrunk by what is not known of the edge, USD; 0 when the edge is not positive.

    f* = mean / variance of the return; c = 1 / (1 + se^2 / mean^2), se^2 = variance / n. Returns in bps: 1e4 m / v.

    Args:
        mean_bps: net edge of a closed bet.
        sd_bps: standard deviation of it.
        n_count: bets it was measured on.
        equity_usd: what is staked from.
        fraction_share: of the full bet, at most a half.

    >>> bet_usd(1.0, 10.0, 100.0, 1000.0, 0.25)
    12500.0
    >>> bet_usd(-1.0, 10.0, 100.0, 1000.0, 0.25)
    0.0
    """
    if not (mean_bps > 0.0 and sd_bps > 0.0 and n_count > 0.0 and equity_usd > 0.0):
        return 0.0
    variance = sd_bps * sd_bps
    sure = 1.0 / (1.0 + variance / n_count / (mean_bps * mean_bps))
    full_usd = equity_usd * 1e4 * mean_bps / variance
    return min(0.5, fraction_share) * sure * full_usd if math.isfinite(full_usd) else 0.0
