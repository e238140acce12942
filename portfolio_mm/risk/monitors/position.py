"""Positions, worst case, against the limits of each coin and of the account.

A coin above its limit may only reduce; so may the account above gross, net or margin. A held position far above its
limit means that the limits themselves did not hold, and kills.
"""

from typing import Final

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import CoinSnapshot, Snapshot
from portfolio_mm.risk.verdict import CoinRestriction, Verdict

SLACK: Final = 1.01
"""The gateway and this monitor mark positions at slightly different moments."""


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """A coin without a limit has the limit zero."""
    of = {limit.coin: limit.max_position_usd for limit in limits.coins}
    held_usd = sum(abs(coin.position_usd) for coin in snapshot.coins)
    state = RiskState.GREEN
    texts: list[str] = []
    restrictions: list[CoinRestriction] = []
    for coin in snapshot.coins:
        limit_usd = of.get(coin.coin, 0.0)
        worst_usd = _worst_usd(coin)
        if not worst_usd <= limit_usd * SLACK:
            restrictions.append(CoinRestriction(coin.coin, RiskState.REDUCE_ONLY))
            texts.append(f"{coin.coin} worst case {worst_usd:.0f} USD is above its limit {limit_usd:.0f} USD")
        if limit_usd > 0 and not abs(coin.position_usd) <= limit_usd * rules.position_kill_multiple:
            state = RiskState.KILLED
            texts.append(f"{coin.coin} position {coin.position_usd:.0f} USD is far above its limit {limit_usd:.0f} USD")
    if not held_usd <= limits.max_gross_usd * rules.position_kill_multiple:
        state = RiskState.KILLED
        texts.append(f"positions {held_usd:.0f} USD are far above the gross limit {limits.max_gross_usd:.0f} USD")
    broken = _account(snapshot, limits)
    if broken:
        state = max(state, RiskState.REDUCE_ONLY)
        texts.extend(broken)
    return Verdict("position", state, tuple(restrictions), "; ".join(texts))


def _worst_usd(coin: CoinSnapshot) -> float:
    return max(coin.worst_long_usd, coin.worst_short_usd)


def _account(snapshot: Snapshot, limits: LimitSet) -> list[str]:
    """Words for every broken limit of the account."""
    # A side that cannot turn its position counts as held: a bound from below, so a hedged book raises no false alarm;
    # the gateway, which knows every order, holds the exact sum.
    long_usd = sum(coin.worst_long_usd or coin.position_usd for coin in snapshot.coins)
    short_usd = sum(coin.worst_short_usd or -coin.position_usd for coin in snapshot.coins)
    net_usd = max(long_usd, short_usd)
    gross_usd = sum(_worst_usd(coin) for coin in snapshot.coins)
    margin_limit_usd = limits.max_margin_fraction * snapshot.equity_usd
    rows = (
        ("gross worst case", gross_usd, limits.max_gross_usd),
        ("net worst case", net_usd, limits.max_net_usd),
        ("initial margin", snapshot.margin_used_usd, margin_limit_usd),
    )
    return [
        f"{name} {value:.0f} USD is above its limit {limit:.0f} USD"
        for name, value, limit in rows
        if not value <= limit * SLACK
    ]
