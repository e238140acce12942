"""From coins to an allocation: fills the programme's numbers, keeps the last good answer, explains the limits."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from portfolio_mm.portfolio.allocation import BINDS, THOUSAND, Programme, Solution, Terms
from portfolio_mm.portfolio.capacity import (
    SECONDS_PER_HOUR,
    coin_liquidities,
    gammas_per_bps_usd,
    glft_curve,
    kelly_gamma_per_usd,
    skew_rows,
    worth_usd_per_h,
)
from portfolio_mm.portfolio.inputs import AccountInput, AllocationResult, AllocationRules, CoinInput, CoinShare

Array = NDArray[np.float64]

COLD_CLIPS: Final = 3.0
"""Limit, in clips, of a coin whose estimates are still the prior: enough to learn, too little to hurt."""
BPS: Final = 1e-4


class Found(msgspec.Struct, frozen=True):
    """Targets and limits in USD, shape (n,), and how they came about."""

    targets_usd: Array
    limits_usd: Array
    status: str
    binding: tuple[str, ...]
    solve_ms: float


class Allocator:
    """Allocates for a fixed set of coins; the order of coins never changes."""

    def __init__(self, n: int, rules: AllocationRules) -> None:
        """Args: number of coins; rules."""
        self._rules = rules
        self._programme = Programme(n, glft_curve())
        self._last: Found | None = None

    def allocate(
        self, coins: tuple[CoinInput, ...], account: AccountInput, covariance_bps2_per_s: Array
    ) -> AllocationResult:
        """Targets, limits, margins, gammas and skew rows for all coins.

        Args:
            coins: in the order of the covariance.
            account: equity and shared limits.
            covariance_bps2_per_s: positive definite, shape (n, n).
        """
        found = self._found(coins, account, covariance_bps2_per_s)
        equity_usd = max(1.0, account.equity_usd)  # in this order, an equity that is not a number counts as 1
        floor = kelly_gamma_per_usd(equity_usd, self._rules.kelly_fraction)
        sigma_bps = np.sqrt(np.diag(covariance_bps2_per_s))
        gammas = gammas_per_bps_usd(coins, found.limits_usd, sigma_bps, floor, self._rules)
        rows = skew_rows(covariance_bps2_per_s, coin_liquidities(coins), gammas)
        shares = tuple(
            CoinShare(
                coin=coin.coin,
                target_usd=float(found.targets_usd[i]),
                limit_usd=float(found.limits_usd[i]),
                gamma_per_bps_usd=float(gammas[i]),
                skew_row_bps_per_usd=tuple(map(float, rows[i])),
            )
            for i, coin in enumerate(coins)
        )
        return AllocationResult(shares, found.status, found.binding, found.solve_ms)

    def _found(self, coins: tuple[CoinInput, ...], account: AccountInput, covariance: Array) -> Found:
        """Targets and limits: solved, or the last good ones cut to the limits of now, or none."""
        caps_usd = np.array([coin_cap_usd(coin) for coin in coins])
        none = np.zeros(len(coins))
        if not account.equity_usd > 0.0:
            words = f"equity is {account.equity_usd:.2f} USD: nothing can be allocated"
            return Found(none, none, "nothing", (words,), 0.0)
        terms = self._terms(coins, account, covariance, caps_usd)
        solved = self._programme.solve(terms, self._rules.deadline_s)
        if isinstance(solved, Solution):
            words_of = binding_words(coins, account, terms, solved)
            targets_usd, limits_usd = solved.target * THOUSAND, solved.limit * THOUSAND
            self._last = Found(targets_usd, limits_usd, solved.solver, words_of, solved.solve_ms)
            return self._last
        if self._last is None:
            return Found(none, none, f"nothing ({solved})", ("no allocation yet",), 0.0)
        limits_usd = np.minimum(self._last.limits_usd, caps_usd)
        total_usd = float(np.sum(limits_usd))
        limits_usd *= min(1.0, account.max_gross_usd / total_usd) if total_usd > 0 else 1.0
        targets_usd = np.clip(self._last.targets_usd, -limits_usd, limits_usd)
        return Found(targets_usd, limits_usd, f"last good ({solved})", ("the last good allocation holds",), 0.0)

    def _terms(self, coins: tuple[CoinInput, ...], account: AccountInput, covariance: Array, caps_usd: Array) -> Terms:
        """Numbers of the programme in kUSD and USD per hour."""
        rules, none = self._rules, np.zeros(len(coins))
        gamma = kelly_gamma_per_usd(account.equity_usd, rules.kelly_fraction)
        # USD of risk cost per hour for q in kUSD: gamma/2 q' Sigma q, Sigma in bps^2/s
        risk = 0.5 * gamma * BPS**2 * SECONDS_PER_HOUR * THOUSAND**2
        clip = np.array([coin.clip_usd for coin in coins]) / THOUSAND
        margin_rate = np.array([1.0 / coin.leverage for coin in coins])
        maintenance = np.array([0.5 / coin.max_leverage for coin in coins])
        return Terms(
            drift=np.array([c.drift_bps_per_s for c in coins]) * BPS * SECONDS_PER_HOUR * THOUSAND,
            worth=worth_usd_per_h(coins),
            inverse_scale=1.0 / clip,
            factor=np.sqrt(risk) * np.linalg.cholesky(covariance).T,
            limit_risk=np.sqrt(risk) * rules.std_fraction * np.sqrt(np.diag(covariance)),
            cost=np.full(len(coins), rules.turnover_cost_bps * BPS * THOUSAND),
            previous=none if self._last is None else self._last.targets_usd / THOUSAND,
            margin_rate=margin_rate,
            stress_rate=rules.stress_fraction + rules.maintenance_headroom * maintenance,
            cap=caps_usd / THOUSAND,
            gross=account.max_gross_usd / THOUSAND,
            net=account.max_net_usd / THOUSAND,
            margin=max(0.0, account.max_margin_fraction * account.equity_usd / THOUSAND - float(margin_rate @ clip)),
            stress=account.equity_usd / THOUSAND,
        )


def coin_cap_usd(coin: CoinInput) -> float:
    """The most one coin may be given: its hard limit, or a few clips while its estimates are only the prior."""
    return coin.limit_usd if coin.warm else min(coin.limit_usd, COLD_CLIPS * coin.clip_usd)


def binding_words(
    coins: tuple[CoinInput, ...], account: AccountInput, terms: Terms, solution: Solution
) -> tuple[str, ...]:
    """Which limits hold back the edge, with what one more USD of each would bring in an hour."""
    least = BINDS * max(1.0, float(np.max(terms.worth * terms.inverse_scale)))
    shared = {
        "gross": ("gross limit", account.max_gross_usd),
        "net": ("net limit", account.max_net_usd),
        "margin": ("initial margin", account.max_margin_fraction * account.equity_usd),
        "stress": ("equity under stress", account.equity_usd),
    }
    words = [
        f"{name} {usd:.0f} USD: one more USD would bring {solution.duals[key] / THOUSAND:.2g} USD/h"
        for key, (name, usd) in shared.items()
        if solution.duals[key] > least
    ]
    for coin, dual, limit, cap in zip(coins, solution.cap_duals, solution.limit, terms.cap, strict=True):
        if dual > least:
            why = "its limit" if coin.warm else "the limit of a coin still learning,"
            bring = f"one more USD would bring {dual / THOUSAND:.2g} USD/h"
            words.append(f"{coin.coin} is at {why} {cap * THOUSAND:.0f} USD: {bring}")
        elif limit * THOUSAND < coin.clip_usd:
            words.append(f"{coin.coin} gets {limit * THOUSAND:.0f} USD, under one clip of {coin.clip_usd:.0f} USD")
    return tuple(words)
