"""Hourly funding of the venue from samples of the premium: rate, expectation, clock and what it does to quotes.

The rate of an hour is an eighth of F = P + clamp(I - P, -c, c), P the mean of the hour's 720 samples, I = 0.01 %,
c = 0.05 %, at most 4 % either way (HL §9, theory §9). Premiums and rates are in bps of price; positive: longs pay.
"""

import math

import numba as nb

from portfolio_mm.models.decay import NS_PER_S

HOUR_S = 3600.0
SAMPLES = 720
"""Of an hour, one each 5 s."""
PAYMENTS = 8.0
INTEREST_BPS = 1.0
CLAMP_BPS = 5.0
CAP_BPS = 400.0


@nb.njit(cache=True)
def hourly_bps(premium_bps: float) -> float:
    """Rate of an hour with this mean premium, bps.

    >>> [round(hourly_bps(p), 6) for p in (-20.0, 0.0, 3.0, 7.0, 100.0)]
    [-1.875, 0.125, 0.125, 0.25, 11.875]
    """
    eight_h_bps = premium_bps + max(-CLAMP_BPS, min(CLAMP_BPS, INTEREST_BPS - premium_bps))
    return max(-CAP_BPS, min(CAP_BPS, eight_h_bps / PAYMENTS))


@nb.njit(cache=True)
def _cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@nb.njit(cache=True)
def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


@nb.njit(cache=True)
def expected_hourly_bps(mean_bps: float, sd_bps: float) -> float:
    """Expected rate of an hour whose mean premium will be normal with this mean and sd, bps.

    The clamp is not linear, so E[F(P)] is not F(E[P]) (theory §9): of X = I - P, normal, the clamp is taken in closed
    form. The cap of 4 % is applied to the result.

    >>> round(8.0 * expected_hourly_bps(6.0, 2.0), 5), round(8.0 * expected_hourly_bps(6.0, 0.0), 5)
    (1.79788, 1.0)
    """
    if not sd_bps > 1e-9:
        return hourly_bps(mean_bps)  # type: ignore[no-any-return]
    m = INTEREST_BPS - mean_bps
    low_z, high_z = (-CLAMP_BPS - m) / sd_bps, (CLAMP_BPS - m) / sd_bps
    clamp = -CLAMP_BPS * _cdf(low_z) + CLAMP_BPS * (1.0 - _cdf(high_z))
    clamp += m * (_cdf(high_z) - _cdf(low_z)) + sd_bps * (_density(low_z) - _density(high_z))
    return max(-CAP_BPS, min(CAP_BPS, (mean_bps + clamp) / PAYMENTS))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def mean_so_far_bps(published_bps: float, own_mean_bps: float) -> float:
    """Mean premium of the hour so far: what the published rate implies, or within its dead band our own mean.

    The venue publishes F of the mean so far. Outside the dead band [I - c, I + c] that can be inverted; inside it the
    published rate is I / 8 whatever the premium, and says only that the mean lies there.

    >>> mean_so_far_bps(11.875, 3.0), mean_so_far_bps(-1.875, 3.0), mean_so_far_bps(0.125, 3.0)
    (100.0, -20.0, 3.0)
    """
    eight_h_bps = PAYMENTS * published_bps
    if eight_h_bps > INTEREST_BPS + 1e-6:
        return eight_h_bps + CLAMP_BPS
    if eight_h_bps < INTEREST_BPS - 1e-6:
        return eight_h_bps - CLAMP_BPS
    return max(INTEREST_BPS - CLAMP_BPS, min(INTEREST_BPS + CLAMP_BPS, own_mean_bps))


@nb.njit(cache=True)
def final_premium(  # noqa: PLR0917 - flat arguments
    seen_count: int, mean_bps: float, now_bps: float, level_bps: float, keep: float, sd_bps: float
) -> tuple[float, float]:
    """Mean premium of the whole hour, expected and its sd, bps, when samples are AR(1) around a level.

    Args:
        seen_count: samples of the hour so far, of 720.
        mean_bps: their mean.
        now_bps: the newest.
        level_bps: where the premium returns to.
        keep: share of a deviation that is left one sample later, in [0, 1).
        sd_bps: stationary sd of the premium.

    >>> mean, sd = final_premium(240, 5.0, 8.0, 1.0, 0.99, 0.0)
    >>> round(mean, 4), sd
    (3.2881, 0.0)
    """
    left = SAMPLES - seen_count
    if left <= 0:
        return mean_bps, 0.0
    faded = keep**left
    still = keep * (1.0 - faded) / (1.0 - keep)
    total = seen_count * mean_bps + left * level_bps + (now_bps - level_bps) * still
    spread = left - 2.0 * still + keep * keep * (1.0 - faded * faded) / (1.0 - keep * keep)
    variance = sd_bps * sd_bps * (1.0 - keep * keep) / ((1.0 - keep) * (1.0 - keep)) * max(0.0, spread)
    return total / SAMPLES, math.sqrt(variance) / SAMPLES


@nb.njit(cache=True)
def seconds_to_stamp(now_ns: int) -> float:
    """Seconds until the next full hour of venue time, when funding is paid; 3600 at a full hour.

    >>> seconds_to_stamp((12 * 3600 + 59 * 60) * 10**9), seconds_to_stamp(3600 * 10**9)
    (60.0, 3600.0)
    """
    hour_ns = 3600 * 1_000_000_000
    return (hour_ns - now_ns % hour_ns) / NS_PER_S


@nb.njit(cache=True)
def shift_bps(carry_bps: float, seconds: float, relaxation_per_s: float) -> float:
    """Fall of the reservation price because `carry_bps` is paid on inventory in so many seconds: c e^(-lambda s).

    What is bought now will be sold again at rate lambda = sigma sqrt(gamma D), so a payment far ahead weighs little.
    It is the same whatever the inventory is: it is about one more unit of it (theory §9, LQ proxy of the exact
    solution; a short that receives funding is not pushed to reduce).
    """
    return carry_bps * math.exp(-min(700.0, max(0.0, relaxation_per_s) * seconds))
