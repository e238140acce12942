"""Shares in a vault: who owns how much of the account it trades with."""

from typing import Final

import msgspec

DAY_MS: Final = 86_400_000
LOCKUP_MS: Final = DAY_MS
"""Deposits of followers stay for a day (the vaults page of the official docs; the protocol's own vault: four)."""


class Share(msgspec.Struct):
    """What one depositor owns: units of the vault, what they cost (1e-8 USD), and since when."""

    units: int = 0
    basis_1e8: int = 0
    entered_ms: int = 0
    locked_until_ms: int = 0


class Vault:
    """A pool led by one user. Units are 1e-8 USD at the first deposit, and worth their part of the equity after."""

    def __init__(self, leader: str, name: str, description: str) -> None:
        self.leader = leader
        self.name = name
        self.description = description
        self.shares: dict[str, Share] = {}

    @property
    def units(self) -> int:
        """All units there are."""
        return sum(share.units for share in self.shares.values())

    def worth_1e8(self, address: str, equity_1e8: int) -> int:
        """What the units of one depositor are worth; rounded down, in favour of those who stay."""
        share = self.shares.get(address)
        return share.units * equity_1e8 // self.units if share is not None and self.units else 0

    def deposit(self, address: str, amount_1e8: int, equity_1e8: int, now_ms: int) -> None:
        """Give units for money, at the value before it came."""
        before = self.units
        share = self.shares.setdefault(address, Share(entered_ms=now_ms))
        share.units += amount_1e8 * before // equity_1e8 if before and equity_1e8 > 0 else amount_1e8
        share.basis_1e8 += amount_1e8
        if address != self.leader:
            share.locked_until_ms = now_ms + LOCKUP_MS

    def withdraw(self, address: str, amount_1e8: int, equity_1e8: int) -> int:
        """Take units back for money; returns the cost of those units."""
        share = self.shares[address]
        spent = min(share.units, -(-amount_1e8 * self.units // equity_1e8))
        basis = share.basis_1e8 * spent // share.units
        share.units -= spent
        share.basis_1e8 -= basis
        if not share.units:
            del self.shares[address]
        return basis
