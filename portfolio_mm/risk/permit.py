"""From state to permit: the lease without which the gateway sends nothing. Fail closed: unknown means none.

A permit whose `ttl_ns` is 0 is no permit; it still says why.
"""

import msgspec

from portfolio_mm.domain.limits import CoinLimit, LimitSet, Permit, RiskState
from portfolio_mm.risk.aggregate import Outlook, Standing
from portfolio_mm.risk.kill_switch import Latch
from portfolio_mm.risk.rules import Rules


def decide(
    *, epoch: int, latch: Latch, outlook: Outlook | None, standing: Standing, limits: LimitSet, rules: Rules
) -> Permit:
    """The permit for what is known now.

    Args:
        epoch: of the risk actor; lower ones are refused by the gateway.
        latch: the kill switch as it is on disk.
        outlook: of a fresh, complete snapshot; None when there is none.
        standing: the state in force, never milder than the outlook's.
        limits: the full limit set; a yellow state publishes a tighter one under its own version.
        rules: thresholds.
    """
    if latch.killed:
        return Permit(epoch, RiskState.KILLED, 0, published(limits, 1.0), (f"killed: {latch.reason}",))
    if outlook is None:
        reason = "the state of the account is not known yet, or is too old"
        return Permit(epoch, RiskState.CANCEL_ONLY, 0, published(limits, 1.0), (reason,))
    state = max(standing.state, outlook.state)
    reasons = outlook.reasons
    if state == RiskState.KILLED:  # asked for, not yet confirmed by a second reading: stop, do not latch
        state = RiskState.CANCEL_ONLY
    if state > outlook.state and state != RiskState.GREEN:
        reasons = (*reasons, f"returning to normal in steps, now {state.name}")
    granted = state < RiskState.CANCEL_ONLY
    return Permit(
        epoch=epoch,
        state=state,
        ttl_ns=round(rules.permit_ttl_s * 1e9) if granted else 0,
        limits=published(limits, rules.yellow_scale if state == RiskState.YELLOW else 1.0),
        reasons=reasons,
        reduce_only_coins=outlook.reduce_only,
        cancel_only_coins=outlook.cancel_only,
    )


def published(limits: LimitSet, scale: float) -> LimitSet:
    """The limit set as everyone else reads it: even versions are the full set, odd ones the yellow set made from it.

    Only what positions may grow to is scaled; the size of one order and the kill levels are not.
    """
    if scale >= 1.0:
        return msgspec.structs.replace(limits, version=2 * limits.version)
    return msgspec.structs.replace(
        limits,
        version=2 * limits.version + 1,
        coins=tuple(CoinLimit(c.coin, c.max_position_usd * scale, c.max_order_usd) for c in limits.coins),
        max_gross_usd=limits.max_gross_usd * scale,
        max_net_usd=limits.max_net_usd * scale,
    )
