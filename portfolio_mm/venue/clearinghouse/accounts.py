"""Funded test accounts: the same seed gives the same keys. They are worth nothing anywhere else."""

import hashlib

import msgspec
from eth_account import Account


class KeyPair(msgspec.Struct, frozen=True):
    """An address and the private key behind it; the key never shows in a repr."""

    address: str
    key: str

    def __repr__(self) -> str:
        return f"KeyPair(address={self.address!r})"


class FundedAccount(msgspec.Struct, frozen=True):
    """A user of the venue: its master key and two approved agents, one to trade with and one for the watchdog."""

    address: str
    key: str
    agent: KeyPair
    watchdog: KeyPair

    def __repr__(self) -> str:
        return f"FundedAccount(address={self.address!r})"


AGENT_NAMES = ("trading", "watchdog")
"""Names under which the agents are approved (`extraAgents`)."""


def key_pair(seed: int, number: int, role: str) -> KeyPair:
    """Derive one key."""
    key = "0x" + hashlib.sha256(f"portfolio_mm local venue {seed} {number} {role}".encode()).hexdigest()
    return KeyPair(str(Account.from_key(key).address).lower(), key)


def funded_accounts(seed: int, count: int) -> tuple[FundedAccount, ...]:
    """The accounts of a venue.

    >>> funded_accounts(1, 2) == funded_accounts(1, 2), funded_accounts(1, 1) == funded_accounts(2, 1)
    (True, False)
    """
    found = []
    for number in range(count):
        master = key_pair(seed, number, "master")
        agent, watchdog = (key_pair(seed, number, role) for role in AGENT_NAMES)
        found.append(FundedAccount(master.address, master.key, agent, watchdog))
    return tuple(found)
