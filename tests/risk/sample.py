"""A healthy account with two coins, limits and thresholds: what each test bends in one place."""

from math import inf

from portfolio_mm.domain.limits import CoinLimit, LimitSet
from portfolio_mm.risk.drawdown import Marks, first_marks, next_marks
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import CoinSnapshot, PotSnapshot, Snapshot

NOW_NS = 1_000_000_000_000
NOW_MS = 1_790_000_000_000
SECOND_NS = 1_000_000_000

LIMITS = LimitSet(
    version=3,
    coins=(CoinLimit("BTC", 2_000.0, 500.0), CoinLimit("ETH", 1_000.0, 500.0)),
    max_gross_usd=2_500.0,
    max_net_usd=2_000.0,
    max_margin_fraction=0.5,
    max_loss_usd=500.0,
    max_drawdown_fraction=0.10,
    min_drawdown_usd=100.0,
    max_open_orders=100,
)
RULES = Rules(
    warn_fraction=0.6,
    reduce_fraction=0.85,
    yellow_scale=0.5,
    position_kill_multiple=2.0,
    maintenance_multiple=1.5,
    coin_reduce_s=5.0,
    coin_cancel_s=15.0,
    user_stream_s=20.0,
    account_s=20.0,
    watchdog_s=5.0,
    watchdog_required=True,
    confirm_s=1.0,
    reentry_step_s=2.0,
    actions_warn_left=2_000,
    actions_stop_left=300,
    permit_ttl_s=3.0,
)
HEALTHY_MARKS = first_marks(NOW_MS, 10_000.0, 0.0)


def coin(name: str, position_usd: float = 0.0, feed_age_s: float = 0.1, resting_usd: float = 100.0) -> CoinSnapshot:
    """A coin that holds a position and rests as much on both sides."""
    return CoinSnapshot(
        name, position_usd, max(0.0, position_usd + resting_usd), max(0.0, resting_usd - position_usd), feed_age_s
    )


def account(
    *,
    taken_ns: int = NOW_NS,
    equity_usd: float = 10_000.0,
    margin_used_usd: float = 100.0,
    marks: Marks = HEALTHY_MARKS,
    coins: tuple[CoinSnapshot, ...] = (coin("BTC"), coin("ETH")),
    user_stream_age_s: float = 0.5,
    account_age_s: float = 0.5,
    watchdog_age_s: float = 0.5,
    reconciled: bool = True,
    day_used: int = 100,
    address_used: int = 100,
    user_kill: str = "",
    pots: tuple[PotSnapshot, ...] = (),
    liquidated_age_s: float = inf,
    deleveraged_age_s: float = inf,
) -> Snapshot:
    """A snapshot of a healthy account, but for what is named."""
    return Snapshot(
        taken_ns=taken_ns,
        venue_ms=NOW_MS,
        equity_usd=equity_usd,
        margin_used_usd=margin_used_usd,
        maintenance_usd=margin_used_usd / 4,
        marks=marks,
        account_age_s=account_age_s,
        user_stream_age_s=user_stream_age_s,
        watchdog_age_s=watchdog_age_s,
        reconciled=reconciled,
        coins=coins,
        day_used=day_used,
        day_cap=50_000,
        address_used=address_used,
        address_cap=10_000,
        user_kill=user_kill,
        pots=pots,
        liquidated_age_s=liquidated_age_s,
        deleveraged_age_s=deleveraged_age_s,
    )


def after_loss(loss_usd: float) -> Marks:
    """Marks of an account of 10,000 USD that lost this much today."""
    return next_marks(HEALTHY_MARKS, NOW_MS + 1_000, 10_000.0 - loss_usd, 0.0)


NEVER = inf
