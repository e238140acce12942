"""Agents: keys that trade for a master, its sub-accounts and its vaults (HL §2.9, §5.4).

An agent's signature counts for actions of the trading surface alone. In a user-signed action it stands for the
agent's own, empty account; that is why an agent can neither withdraw nor approve, and what it is told.
"""

from typing import Final

from portfolio_mm.venue.clearinghouse.user import Agent, User
from portfolio_mm.venue.exchange.refusals import VAULT_MAY_NOT, does_not_exist, must_deposit, not_registered
from portfolio_mm.venue.protocol.account_actions import (
    ApproveAgent,
    ClaimRewards,
    CreateSubAccount,
    CreateVault,
    RegisterReferrer,
    SetReferrer,
    SubAccountModify,
    SubAccountSpotTransfer,
    SubAccountTransfer,
    VaultTransfer,
)
from portfolio_mm.venue.protocol.actions import AgentSendAsset, ReserveRequestWeight, UserSignedAction
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.state import AGENT_LIFE_MS, DAY_MS, VenueState

MINUTE_MS: Final = 60_000
MAX_AGENT_MS: Final = 180 * DAY_MS
NAME_MAX: Final = 16
STAMP_DIGITS: Final = 20
NAMED_AGENTS: Final = 3
AGENTS_PER_SUB: Final = 2
ZERO_ADDRESS: Final = "0x" + "0" * 40
UNTIL: Final = " valid_until "
OF_MASTERS = (
    CreateSubAccount
    | SubAccountTransfer
    | SubAccountSpotTransfer
    | SubAccountModify
    | VaultTransfer
    | CreateVault
    | SetReferrer
    | RegisterReferrer
    | ClaimRewards
    | AgentSendAsset
)
"""Actions that nobody does for another account: `vaultAddress` has no place in them."""


def acting_for(state: VenueState, signed: SignedAction) -> User | str:
    """The account an action is for, or the refusal."""
    signer = state.by_address.get(signed.signer)
    if isinstance(signed.action, UserSignedAction):
        return _of_itself(signer, signed)
    master = signer or principal(state, signed.signer)
    if master is None:
        return does_not_exist(signed.signer)
    if isinstance(signed.action, ReserveRequestWeight) and signer is None:
        return must_deposit(signed.signer)
    if signed.vault_address is None:
        return master
    return _for_another(state, master, signed, signed.vault_address.lower())


def account_of(state: VenueState, signed: SignedAction) -> int | None:
    """Number of the account an action is for; None when it will be refused."""
    user = acting_for(state, signed)
    return user.number if isinstance(user, User) else None


def _of_itself(signer: User | None, signed: SignedAction) -> User | str:
    if signer is None or signed.foreign:
        return must_deposit(signed.signer)
    if signed.vault_address is not None:
        return VAULT_MAY_NOT
    if signed.expires_after is not None:
        return "Action does not support expires_after"  # as another local venue words it
    return signer


def _for_another(state: VenueState, master: User, signed: SignedAction, address: str) -> User | str:
    target = state.by_address.get(address)
    if target is None or (target.master is None and target.vault is None):
        return f"Vault not registered: {address}"
    if target.master is not None and target.master is not master:
        return not_registered(address, master.address)
    if target.vault is not None and target.vault.leader != master.address:
        return f"Vault not registered: {address}"  # what a stranger to a vault is told is not known
    return VAULT_MAY_NOT if isinstance(signed.action, OF_MASTERS) else target


def principal(state: VenueState, address: str) -> User | None:
    """The master of an agent that may act: an expired one may until it is pruned (HL §2.9)."""
    master = state.by_agent.get(address)
    return master if master is not None and not _is_over(state, master.agents[address]) else None


def _is_over(state: VenueState, agent: Agent) -> bool:
    return agent.valid_until_ms + state.settings.agent_lag_ms <= state.now_ms


def prune(state: VenueState, before_ms: int) -> None:
    """Forget the agents whose time is over, once a minute."""
    if state.now_ms // MINUTE_MS == before_ms // MINUTE_MS:
        return
    for user in state.users.values():
        for agent in [agent for agent in user.agents.values() if _is_over(state, agent)]:
            state.revoke(user, agent.address)


def approve(state: VenueState, user: User, action: ApproveAgent) -> str | None:
    """Approve, replace or (zero address) revoke an agent."""
    if state.now_ms < user.agents_settle_ms:
        return "User has pending agent removal"
    named = _name_and_end(state, action.agent_name)
    if isinstance(named, str):
        return named
    (name, until), address = named, action.agent_address.lower()
    old = next((agent for agent in user.agents.values() if agent.name == name), None)
    if address == ZERO_ADDRESS:
        if old is not None:
            state.revoke(user, old.address)
            user.agents_settle_ms = state.now_ms + state.settings.agent_removal_ms
        return None
    if address in state.by_agent or address in state.by_address:
        return "Extra agent already used."
    limit = NAMED_AGENTS + AGENTS_PER_SUB * len(user.subs)
    if name is not None and old is None and sum(a.name is not None for a in user.agents.values()) >= limit:
        return f"Too many extra agents for cumulative volume traded. Current limit is {limit}"
    if old is not None:
        state.revoke(user, old.address)
    state.approve(user, Agent(address, name, until))
    return None


def _name_and_end(state: VenueState, text: str | None) -> tuple[str | None, int] | str:
    """The name of an agent and the end of its life, or the refusal; that of a long name is ours."""
    name, until = text or None, state.now_ms + AGENT_LIFE_MS
    if name is not None and UNTIL in name:
        name, _, end = name.partition(UNTIL)
        if (
            not (end.isdecimal() and len(end) <= STAMP_DIGITS)
            or not state.now_ms < int(end) <= state.now_ms + MAX_AGENT_MS
        ):
            return "Agent valid_until already expired."  # said of an end too far away as well
        until = int(end)
    if name is not None and len(name) > NAME_MAX:
        return "Agent name is too long."
    return name or None, until
