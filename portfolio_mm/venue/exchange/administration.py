"""Actions that place and cancel nothing: money, accounts, rights (HL §2.8, §2.9)."""

from typing import NamedTuple

from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import abstraction, agents, builders, referrals, sub_accounts, transfers, vaults
from portfolio_mm.venue.protocol.account_actions import (
    AgentEnableDexAbstraction,
    AgentSetAbstraction,
    ApproveAgent,
    ClaimRewards,
    CreateSubAccount,
    CreateVault,
    RegisterReferrer,
    SetReferrer,
    SubAccountModify,
    SubAccountSpotTransfer,
    SubAccountTransfer,
    UserDexAbstraction,
    VaultTransfer,
)
from portfolio_mm.venue.protocol.actions import (
    Action,
    AgentSendAsset,
    ReserveRequestWeight,
    SendAsset,
    UsdClassTransfer,
    UserSetAbstraction,
)
from portfolio_mm.venue.protocol.builders import ApproveBuilderFee
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend, Withdraw
from portfolio_mm.venue.state import VenueState


class Opened(NamedTuple):
    """A new account: the type of the reply and its address."""

    kind: str
    address: str


def perform(state: VenueState, user: User, action: Action) -> str | Opened | None:
    """Do it: the refusal text, None when done, or what was opened."""
    match action:
        case CreateSubAccount():
            return _opened("createSubAccount", sub_accounts.create(state, user, action.name))
        case CreateVault():
            return _opened("createVault", vaults.create(state, user, action))
        case _:
            return _money(state, user, action)


def _opened(kind: str, account: User | str) -> str | Opened:
    return account if isinstance(account, str) else Opened(kind, account.address)


def _money(state: VenueState, user: User, action: Action) -> str | None:
    refusal: str | None
    match action:
        case UsdClassTransfer() | SendAsset() | AgentSendAsset() | UsdSend() | SpotSend() | Withdraw():
            refusal = transfers.move(state, user, action)
        case SubAccountTransfer():
            refusal = sub_accounts.transfer(state, user, action)
        case SubAccountSpotTransfer():
            refusal = sub_accounts.spot_transfer(state, user, action)
        case VaultTransfer():
            refusal = vaults.transfer(state, user, action)
        case ReserveRequestWeight():
            refusal = transfers.reserve_weight(state, user, action)
        case _:
            refusal = _right(state, user, action)
    return refusal


def _right(state: VenueState, user: User, action: Action) -> str | None:
    """What an account is and who may act for it."""
    refusal: str | None
    match action:
        case UserSetAbstraction() | AgentSetAbstraction():
            refusal = abstraction.set_mode(state, user, action)
        case UserDexAbstraction() | AgentEnableDexAbstraction():
            refusal = abstraction.set_dex_abstraction(state, user, action)
        case ApproveBuilderFee():
            refusal = builders.approve(state, user, action)
        case ApproveAgent():
            refusal = agents.approve(state, user, action)
        case SubAccountModify():
            refusal = sub_accounts.rename(user, action)
        case SetReferrer():
            refusal = referrals.set_referrer(state, user, action)
        case RegisterReferrer():
            refusal = referrals.register(state, user, action)
        case ClaimRewards():
            refusal = referrals.claim(state, user)
        case _:
            msg = f"{type(action).__name__} does not come here"
            raise TypeError(msg)
    return refusal
