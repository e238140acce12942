"""Orders that are over, remembered so that late rows about them surprise nobody."""

from collections import OrderedDict
from typing import Final

from portfolio_mm.actors.gateway.own_order import Key

KEPT: Final = 20_000


class Past:
    """Cloids and oids of finished orders, oldest forgotten first."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Key, int] = OrderedDict()
        self._oids: set[int] = set()

    def add(self, key: Key, oid: int) -> None:
        """Remember one finished order; `oid` 0 when it never had one."""
        self._keys[key] = oid
        if oid:
            self._oids.add(oid)
        if len(self._keys) > KEPT:
            _, oldest = self._keys.popitem(last=False)
            self._oids.discard(oldest)

    def finished(self, key: Key, oid: int) -> bool:
        """Whether this order once lived and ended; one that was given up as lost and shows up after all did not."""
        return (oid != 0 and oid in self._oids) or self._keys.get(key, 0) != 0

    def __contains__(self, key: Key) -> bool:
        return key in self._keys
