"""Words of the venue that several actions share (HL §2.3, §8.7)."""

from typing import Final

DISABLED_UNIFIED: Final = "Action disabled when unified account is active"
INVALID: Final = "Invalid send"
SHORT_FOR_WITHDRAWAL: Final = "Insufficient balance for withdrawal"
SHORT_OF_USDC: Final = "Insufficient balance for token transfer"
SHORT_OF_GAS: Final = "Insufficient USDC balance for token transfer gas"
"""Recorded are its last words; the first are ours."""
BAD_TRANSITION: Final = "Abstraction transition not allowed"
VAULT_MAY_NOT: Final = "Vault may not perform this action."


def must_deposit(address: str) -> str:
    """What whoever has no account is told when an action is about the signer itself."""
    return f"Must deposit before performing actions. User: {address}"


def does_not_exist(address: str) -> str:
    """What a signer nobody knows is told: a wrong signature, an agent expired or revoked."""
    return f"User or API Wallet {address} does not exist."


def not_registered(sub: str, master: str) -> str:
    """What a user is told who acts for a sub-account of somebody else."""
    return f"Sub-account {sub} is not registered to {master}"
