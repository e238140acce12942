"""Referral codes and rewards (HL §2.9, §10.2): who names a code has the discount, builders claim what they earned.

Whose code is named earns nothing here.
"""

from typing import Final

from portfolio_mm.venue.clearinghouse.budgets import USD_1E8
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.account_actions import RegisterReferrer, SetReferrer
from portfolio_mm.venue.protocol.amounts import usd_text
from portfolio_mm.venue.state import VenueState

CODE_VOLUME_USD: Final = 10_000


def owner(state: VenueState, code: str) -> User | None:
    """Who created a code."""
    return next((user for user in state.users.values() if user.referral_code == code), None)


def set_referrer(state: VenueState, user: User, action: SetReferrer) -> str | None:
    """Name the code that brought the user. The wording about one's own code is ours."""
    referrer = owner(state, action.code)
    if referrer is None and action.code not in state.settings.referral_codes:
        return "Referral code not registered"
    if user.referred_by is not None:
        return "Referrer already set"
    if referrer is user:
        return "Cannot refer oneself"
    user.standing.referred = True
    user.referred_by, user.referred_ms = action.code, state.now_ms
    return None


def register(state: VenueState, user: User, action: RegisterReferrer) -> str | None:
    """Create a code of one's own; all three wordings are ours."""
    if user.family_volume_1e8 < CODE_VOLUME_USD * USD_1E8:
        return f"Cannot create referral code until enough volume traded. Required: ${CODE_VOLUME_USD}."
    if user.referral_code is not None:
        return "Referral code already created"
    if not action.code or owner(state, action.code) is not None or action.code in state.settings.referral_codes:
        return "Referral code already registered"
    user.referral_code = action.code
    return None


def claim(state: VenueState, user: User) -> str | None:
    """Pay out what builder fees earned, into spot. The wording is ours, and so is the side: neither is recorded."""
    amount = user.builder_rewards_1e8
    if not amount:
        return "No rewards to claim"
    user.builder_rewards_1e8, user.claimed_rewards_1e8 = 0, user.claimed_rewards_1e8 + amount
    user.spot_1e8 += amount
    state.write_ledger(user, {"type": "rewardsClaim", "amount": usd_text(amount), "token": "USDC"})
    return None
