"""Cloids of the gateway's own orders."""

from typing import Final

from portfolio_mm.actors.gateway.own_order import Key
from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.cloid import Cloid

OWN_LEVEL: Final = cloids.MAX_LEVEL
"""Level in the cloid of the gateway's own orders; its epoch is 0, which no coin ever has."""


class Serial:
    """Numbers of the gateway's own orders in one life."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._last = 0

    def key(self, coin: int, side: int) -> Key:
        """A cloid never used before."""
        self._last += 1
        return cloids.encode(Cloid(self._run, coin, side, OWN_LEVEL, 0, self._last))
