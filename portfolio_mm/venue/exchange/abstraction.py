"""Account modes and the ways between them (HL §8.6-§8.8)."""

from typing import Final

from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse import lending
from portfolio_mm.venue.clearinghouse.user import POOLED, User
from portfolio_mm.venue.exchange import sub_accounts
from portfolio_mm.venue.exchange.refusals import BAD_TRANSITION
from portfolio_mm.venue.protocol.account_actions import (
    AgentEnableDexAbstraction,
    AgentSetAbstraction,
    UserDexAbstraction,
)
from portfolio_mm.venue.protocol.actions import UserSetAbstraction
from portfolio_mm.venue.state import VenueState

LETTERS: Final = {"i": "disabled", "u": "unifiedAccount", "p": "portfolioMargin"}
DEX: Final = "dexAbstraction"
PM_VALUE_USD: Final = 10_000
PM_VOLUME_USD: Final = 5_000_000


def set_mode(state: VenueState, user: User, action: UserSetAbstraction | AgentSetAbstraction) -> str | None:
    """Change the account mode, of oneself or of a sub-account. An L1 action may only leave `default`."""
    if isinstance(action, AgentSetAbstraction):
        return BAD_TRANSITION if user.mode != "default" else _switch(state, user, LETTERS[action.abstraction])
    named = _named(user, action.user)
    return named if isinstance(named, str) else _switch(state, named, action.abstraction)


def set_dex_abstraction(
    state: VenueState, user: User, action: UserDexAbstraction | AgentEnableDexAbstraction
) -> str | None:
    """The legacy mode: no longer to be had unless `dex_abstraction` says so, but to be left."""
    agent = isinstance(action, AgentEnableDexAbstraction)
    named = user if isinstance(action, AgentEnableDexAbstraction) else _named(user, action.user)
    if isinstance(named, str):
        return named
    if agent or (isinstance(action, UserDexAbstraction) and action.enabled):
        if named.mode == DEX:
            return None
        leaves = ("default",) if agent else ("default", "disabled")
        if not state.settings.dex_abstraction or named.mode not in leaves:
            return BAD_TRANSITION
        named.mode = DEX
    elif named.mode == DEX:
        named.mode = "disabled"
    return None


def _named(user: User, address: str) -> User | str:
    return user if address.lower() == user.address else sub_accounts.owned(user, address)


def _switch(state: VenueState, user: User, target: str) -> str | None:
    """Go to a mode. From one balance to two, USDC stays in spot; positions would stand without margin there."""
    if target == user.mode:
        return None
    refusal = _bars_portfolio_margin(state, user) if target == "portfolioMargin" else None
    if refusal is not None:
        return refusal
    if user.unified and (target not in POOLED and user.busy):
        return BAD_TRANSITION
    if user.mode == "portfolioMargin" and lending.borrowed_1e8(state, user):
        return BAD_TRANSITION
    if not user.unified and target in POOLED:
        _leave_dexes(state, user)
        user.spot_1e8 += (moved := user.balance_1e8())
        user.raw_1e8 -= moved
    elif user.unified and target not in POOLED:
        user.spot_1e8 += user.raw_1e8
        user.raw_1e8 = 0
    user.mode = target
    lending.refresh(state, user)
    return None


def _leave_dexes(state: VenueState, user: User) -> None:
    """The money of every builder-deployed dex comes to the ledger of all (HL §8.7)."""
    for number, amount in user.dexes_1e8.items():
        user.raw_1e8 += amount
        state.net_deposits_1e8[state.listing.dexes[number].name] -= amount
    user.dexes_1e8.clear()


def _bars_portfolio_margin(state: VenueState, user: User) -> str | None:
    """Why a user may not have portfolio margin (HL §8.8); only the first wording is the venue's."""
    head = user.master or user
    value = lending.account_value_1e8(state, user)
    if value <= PM_VALUE_USD * USD_1E8 and head.family_volume_1e8 <= PM_VOLUME_USD * USD_1E8:
        return f"Portfolio margin requires account value of ${PM_VALUE_USD} or total volume of ${PM_VOLUME_USD}."
    limit = state.settings.pm_max_value_usd
    if value >= limit * USD_1E8:
        return f"Portfolio margin requires account value below ${limit:.0f}."
    if user.busy:
        return BAD_TRANSITION
    return None
