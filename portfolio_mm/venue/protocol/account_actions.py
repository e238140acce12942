"""Actions of a family of accounts: sub-accounts, vaults, referrals, agents and modes (HL §2.8, §2.9).

The shapes of `claimRewards`, `createVault`, `registerReferrer` and `subAccountModify` are those of
`nktkas/hyperliquid` (MIT).
"""

from typing import Literal

import msgspec

from portfolio_mm.venue.protocol.fields import Address, ChainId, Network, Whole64


class CreateSubAccount(msgspec.Struct, frozen=True, tag_field="type", tag="createSubAccount"):
    """A new account without a key, owned by the user."""

    name: str


class SubAccountTransfer(msgspec.Struct, frozen=True, tag_field="type", tag="subAccountTransfer", rename="camel"):
    """Move 1e-6 USDC between the perps of a master and of its sub-account."""

    sub_account_user: Address
    is_deposit: bool
    usd: Whole64


class SubAccountSpotTransfer(
    msgspec.Struct, frozen=True, tag_field="type", tag="subAccountSpotTransfer", rename="camel"
):
    """Move a token between the spot balances of a master and of its sub-account."""

    sub_account_user: Address
    is_deposit: bool
    token: str
    amount: str


class SubAccountModify(msgspec.Struct, frozen=True, tag_field="type", tag="subAccountModify", rename="camel"):
    """Another name for a sub-account."""

    sub_account_user: Address
    name: str


class VaultTransfer(msgspec.Struct, frozen=True, tag_field="type", tag="vaultTransfer", rename="camel"):
    """Put 1e-6 USDC into a vault, or take them out."""

    vault_address: Address
    is_deposit: bool
    usd: Whole64


class CreateVault(msgspec.Struct, frozen=True, tag_field="type", tag="createVault", rename="camel"):
    """A new vault that the user leads, with a first deposit in 1e-6 USDC."""

    name: str
    description: str
    initial_usd: Whole64
    nonce: Whole64


class SetReferrer(msgspec.Struct, frozen=True, tag_field="type", tag="setReferrer"):
    """Say whose code brought the user; once."""

    code: str


class RegisterReferrer(msgspec.Struct, frozen=True, tag_field="type", tag="registerReferrer"):
    """Create a referral code of one's own."""

    code: str


class ClaimRewards(msgspec.Struct, frozen=True, tag_field="type", tag="claimRewards"):
    """Take what one earned as a builder."""


class AgentEnableDexAbstraction(msgspec.Struct, frozen=True, tag_field="type", tag="agentEnableDexAbstraction"):
    """Legacy account mode, by an agent."""


class UserDexAbstraction(msgspec.Struct, frozen=True, tag_field="type", tag="userDexAbstraction", rename="camel"):
    """Legacy account mode, by the user."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    user: Address
    enabled: bool
    nonce: Whole64


class ApproveAgent(msgspec.Struct, frozen=True, tag_field="type", tag="approveAgent", rename="camel"):
    """Let another key trade; signed by the user. The zero address revokes."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    agent_address: Address
    nonce: Whole64
    agent_name: str | None = None


class AgentSetAbstraction(msgspec.Struct, frozen=True, tag_field="type", tag="agentSetAbstraction"):
    """Account mode, by an agent: `i` disabled, `u` unified, `p` portfolio margin."""

    abstraction: Literal["i", "u", "p"]


AccountL1Action = (
    CreateSubAccount
    | SubAccountTransfer
    | SubAccountSpotTransfer
    | SubAccountModify
    | VaultTransfer
    | CreateVault
    | SetReferrer
    | RegisterReferrer
    | ClaimRewards
    | AgentEnableDexAbstraction
    | AgentSetAbstraction
)
