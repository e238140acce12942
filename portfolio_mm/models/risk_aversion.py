"""How averse to inventory a coin must be (D4): one rule for the allocation and for a coin on its own.

gamma = max(gamma of the inventory budget, Kelly floor), in 1/(bps USD). The budget is a standard deviation s of
inventory: with clip z the optimal quotes have sigma c_2 = z / (2 k s^2), hence gamma = (z / (2 k s^2))^2 D / sigma^2
(theory §2.3, fact 3). The floor is the risk aversion of a bettor of `fraction` of the Kelly bet with this equity,
1 / (fraction equity) per USD (theory §11): an account may not be less averse than that whatever its budgets allow.
"""

import numba as nb


@nb.njit(cache=True)
def kelly_floor(equity_usd: float, fraction_share: float) -> float:
    """Least gamma of an account, 1/(bps USD); an equity of nothing or less counts as 1 USD.

    >>> round(kelly_floor(100_000.0, 0.5) * 1e4, 12)
    2e-05
    """
    staked_usd = 1.0
    if equity_usd > 1.0:  # not so when it is not a number
        staked_usd = equity_usd
    return 1e-4 / (fraction_share * staked_usd)


@nb.njit(cache=True)
def rule(  # noqa: PLR0917 - flat arguments
    sigma_bps: float, k: float, clip_usd: float, sd_usd: float, liquidity_usd_per_s: float, floor_per_bps_usd: float
) -> float:
    """Gamma, 1/(bps USD), of a coin with this volatility, decay, clip, inventory budget and liquidity D.

    `sd_usd` is at least half a clip: no quotes of whole clips can hold inventory closer.
    """
    sd_usd = max(sd_usd, 0.5 * clip_usd)
    slope = clip_usd / (2.0 * max(k, 1e-9) * sd_usd * sd_usd)
    return max(slope * slope * liquidity_usd_per_s / max(sigma_bps * sigma_bps, 1e-12), floor_per_bps_usd)
