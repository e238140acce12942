"""Sub-accounts: accounts without a key that their master trades for and moves money to (HL §1.17, §2.8, §5.4).

A sub-account has its own money, positions, orders, mode and request budget, and its master's fee tier; orders of two
accounts of one family do trade with each other, for self-trade prevention looks at one account only.
"""

from typing import Final

from portfolio_mm.venue.clearinghouse import purses
from portfolio_mm.venue.clearinghouse.budgets import USD_1E8
from portfolio_mm.venue.clearinghouse.purses import PERPS, SPOT, Purse
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import ledger_rows
from portfolio_mm.venue.exchange.refusals import DISABLED_UNIFIED, INVALID, SHORT_OF_USDC, not_registered
from portfolio_mm.venue.protocol.account_actions import SubAccountModify, SubAccountSpotTransfer, SubAccountTransfer
from portfolio_mm.venue.protocol.amounts import usd_text
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.tokens import BY_WIRE

VOLUME_USD: Final = 100_000
FIRST_SUBS: Final = 10
USD_PER_SUB: Final = 100_000_000
MAX_SUBS: Final = 50
NAME_MAX: Final = 16
BAD_NAME: Final = "Sub-account name is invalid."
USD_1E6: Final = 100
"""Units of 1e-8 USD in one of 1e-6."""


def owned(user: User, address: str) -> User | str:
    """The sub-account of a user, or the venue's refusal."""
    found = next((sub for sub in user.subs if sub.address == address.lower()), None)
    return found or not_registered(address.lower(), user.address)


def create(state: VenueState, user: User, name: str) -> User | str:
    """Open a sub-account, or refuse. The wording about names is ours."""
    volume = user.family_volume_1e8
    if volume < VOLUME_USD * USD_1E8:
        traded = f"{volume / USD_1E8:.2f}".rstrip("0").rstrip(".")
        required = f"Required: ${VOLUME_USD}. Traded: ${traded}."
        return f"Cannot create sub-accounts until enough volume traded. {required}"
    if len(user.subs) >= min(MAX_SUBS, FIRST_SUBS + volume // USD_1E8 // USD_PER_SUB):
        return "Too many sub-accounts"
    if _bad_name(name):
        return BAD_NAME
    return state.open_account(state.new_address(), master=user, name=name)


def _bad_name(name: str) -> bool:
    return not 0 < len(name.encode("utf-16-le")) // 2 <= NAME_MAX  # the venue counts UTF-16 units


def rename(user: User, action: SubAccountModify) -> str | None:
    """Give a sub-account another name."""
    sub = owned(user, action.sub_account_user)
    if isinstance(sub, str):
        return sub
    if _bad_name(action.name):
        return BAD_NAME
    sub.name = action.name
    return None


def transfer(state: VenueState, user: User, action: SubAccountTransfer) -> str | None:
    """Move USDC between the perps of the master and of the sub-account."""
    sub = owned(user, action.sub_account_user)
    if isinstance(sub, str):
        return f"Invalid sub-account transfer from {user.address} to {action.sub_account_user.lower()}"
    if user.unified or sub.unified:
        return DISABLED_UNIFIED
    source, target = (user, sub) if action.is_deposit else (sub, user)
    amount = action.usd * USD_1E6
    if amount == 0:
        return INVALID
    if amount > purses.free(state, Purse(source, PERPS)):
        return SHORT_OF_USDC
    purses.transfer(state, Purse(source, PERPS), Purse(target, PERPS), amount)
    row = {"usdc": usd_text(amount), "user": source.address, "destination": target.address}
    ledger_rows.write(state, (source, target), {"type": "subAccountTransfer", **row})
    return None


def spot_transfer(state: VenueState, user: User, action: SubAccountSpotTransfer) -> str | None:
    """Move a token between the spot balances of the master and of the sub-account."""
    sub, token = owned(user, action.sub_account_user), BY_WIRE.get(action.token)
    if isinstance(sub, str):
        return f"Invalid sub-account transfer from {user.address} to {action.sub_account_user.lower()}"
    amount = token.units(action.amount) if token is not None else None
    if token is None or amount is None:
        return INVALID
    source, target = (user, sub) if action.is_deposit else (sub, user)
    if amount > purses.free(state, Purse(source, SPOT, token)):
        return SHORT_OF_USDC
    purses.transfer(state, Purse(source, SPOT, token), Purse(target, SPOT, token), amount)
    ledger_rows.write_spot_transfer(state, (source, target), token, (amount, 0), None)
    return None
