"""Silence: a coin whose feed is silent stops alone; an account that cannot be seen stops everything."""

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import CoinRestriction, Verdict


def assess(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:  # noqa: ARG001 all monitors alike
    """Ages grow with the age of the snapshot itself, so that silence of the gateway counts too."""
    late_s = snapshot.late_s(now_ns)
    restrictions: list[CoinRestriction] = []
    texts: list[str] = []
    for coin in snapshot.coins:
        age_s = coin.feed_age_s + late_s
        if not age_s <= rules.coin_cancel_s:
            restrictions.append(CoinRestriction(coin.coin, RiskState.CANCEL_ONLY))
            texts.append(f"{coin.coin} feed silent for {age_s:.1f} s (cancel at {rules.coin_cancel_s:g} s)")
        elif age_s > rules.coin_reduce_s:
            restrictions.append(CoinRestriction(coin.coin, RiskState.REDUCE_ONLY))
            texts.append(f"{coin.coin} feed silent for {age_s:.1f} s (reduce at {rules.coin_reduce_s:g} s)")
    account = _account(snapshot, rules, late_s)
    state = RiskState.CANCEL_ONLY if account else RiskState.GREEN
    return Verdict("staleness", state, tuple(restrictions), "; ".join([*account, *texts]))


def _account(snapshot: Snapshot, rules: Rules, late_s: float) -> list[str]:
    """Words for everything about the account that is too old."""
    rows = (
        ("user stream silent", snapshot.user_stream_age_s + late_s, rules.user_stream_s),
        ("account reading old", snapshot.account_age_s + late_s, rules.account_s),
    )
    texts = [f"{name} for {age_s:.1f} s (limit {limit_s:g} s)" for name, age_s, limit_s in rows if not age_s <= limit_s]
    if not snapshot.reconciled:
        texts.append("orders and positions are not reconciled with the venue")
    return texts
