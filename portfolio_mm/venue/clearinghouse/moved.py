"""What a row of the ledger moved into an account or out of it, so that a profit can be told from a deposit."""

from typing import Any, Final

from portfolio_mm.venue.protocol.amounts import parse_decimal

IN: Final = frozenset({"deposit", "vaultWithdraw", "vaultDistribution", "vaultLeaderCommission", "rewardsClaim"})
OUT: Final = frozenset({"withdraw", "vaultDeposit", "vaultCreate"})
AMOUNTS: Final = ("usdc", "usdcValue", "netWithdrawnUsd", "amount")


def moved_1e8(delta: dict[str, Any], address: str) -> int:
    """Signed 1e-8 USD: positive into the account of `address`; zero for a move between its own parts.

    >>> moved_1e8({"type": "withdraw", "usdc": "4.0", "fee": "1.0"}, "0xa")
    -500000000
    >>> moved_1e8({"type": "internalTransfer", "usdc": "2.0", "user": "0xa", "destination": "0xb", "fee": "0.0"}, "0xb")
    200000000
    """
    kind, amount = delta["type"], next((_units(delta[field]) for field in AMOUNTS if field in delta), 0)
    if delta.get("vault") == address:
        return amount if kind in OUT else -_units(delta.get("requestedUsd", "0.0"))
    if kind in IN:
        return amount
    if kind in OUT:
        return -amount - _units(delta.get("fee", "0.0"))
    source, destination = delta.get("user"), delta.get("destination")
    if source == destination or address not in (source, destination):
        return 0
    return amount if address == destination else -amount - _units(delta.get("fee", "0.0"))


def _units(text: str) -> int:
    return parse_decimal(text, 8) or 0
