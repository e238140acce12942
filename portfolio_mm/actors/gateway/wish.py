"""A coin's command as plain numbers, and the order that came of it once the guard let it pass."""

from typing import Any, Final, Literal, NamedTuple

import numpy as np

from portfolio_mm.actors.gateway.own_order import Key, OwnOrder
from portfolio_mm.domain.commands import COMMAND, REDUCE_ONLY

Tif = Literal["Alo", "Ioc"]


class Wish(NamedTuple):
    """One COMMAND record (domain/commands.py) as Python numbers, in its field order."""

    kind: int
    coin: int
    side: int
    level: int
    bits: int
    cause: int
    px_ticks: int
    sz_lots: int
    cloid_hi: int
    cloid_lo: int
    target_hi: int
    target_lo: int
    decision: int
    cause_ns: int
    cause_ms: int
    gain_usd: float
    fair_px: float

    @property
    def key(self) -> Key:
        """Cloid of the order this command creates."""
        return (self.cloid_hi, self.cloid_lo)

    @property
    def target(self) -> Key:
        """Cloid of the order this command ends."""
        return (self.target_hi, self.target_lo)

    @property
    def reduce_only(self) -> bool:
        """Whether the coin asks for an order that may only shrink the position."""
        return bool(self.bits & REDUCE_ONLY)


assert COMMAND.names == Wish._fields


def wishes(rows: "np.ndarray[Any, np.dtype[Any]]") -> list[Wish]:
    """Commands of a frame, in order."""
    return [Wish(*row) for row in rows.tolist()]


_SEAL: Final = object()
"""Only this module's `seal` makes `Approved`, and only the guard calls it."""


class Approved:
    """An order that passed the guard. Whatever sends orders takes this type and no other."""

    __slots__ = ("order", "target", "tif")

    def __init__(self, order: OwnOrder, target: OwnOrder | None, tif: Tif, proof: object) -> None:
        """Raises: TypeError when anybody but the guard tries."""
        if proof is not _SEAL:
            msg = "only the guard approves orders"
            raise TypeError(msg)
        self.order: Final = order
        self.target: Final = target
        self.tif: Final = tif


def seal(order: OwnOrder, target: OwnOrder | None = None, tif: Tif = "Alo") -> Approved:
    """For guard.py alone (a test holds this)."""
    return Approved(order, target, tif, _SEAL)
