"""The portfolio's last allocation, as events for each coin, until its time to live ends."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from portfolio_mm.actors.gateway.notices import Rows, blank
from portfolio_mm.actors.messages import Allocation, AllocationView
from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.instrument import Instrument


class Allotment:
    """Keeps the newest allocation. A portfolio of an older epoch, or an older version, is refused."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._index: Final = {one.coin: one.index for one in instruments}
        self._ends_ns = 0
        self.allocation: Allocation | None = None

    def take(self, allocation: Allocation, now_ns: int) -> bool:
        """Accept an allocation; False when a newer one is held."""
        held = self.allocation
        if held is not None:
            newer = (allocation.portfolio_epoch, allocation.version) > (held.portfolio_epoch, held.version)
            if not newer:
                return False
        self.allocation = allocation
        self._ends_ns = now_ns + allocation.valid_ns
        return True

    @property
    def version(self) -> int:
        """Version held, 0 before the first."""
        return 0 if self.allocation is None else self.allocation.version

    def view(self) -> AllocationView:
        """What people see of it."""
        held = self.allocation
        if held is None:
            return AllocationView()
        return AllocationView(held.version, held.status, held.binding, held.solve_ms)

    def rows(self, coin: int, now_ns: int, ceiling_usd: float, price_usd: float) -> Rows:
        """SKEW and LEAD events, then the ALLOCATION they belong to; nothing before the first allocation.

        Args:
            coin: index of the coin.
            now_ns: what is left of the time to live counts from here.
            ceiling_usd: inventory the gateway would admit; the coin is not told more.
            price_usd: price of one action: the allocation's, dearer when a budget runs short.
        """
        if self.allocation is None:
            return blank(EventKind.SKEW, 0)
        mine = next((one for one in self.allocation.coins if self._index.get(one.coin) == coin), None)
        if mine is None:
            return blank(EventKind.SKEW, 0)
        order = [self._index.get(one.coin, -1) for one in self.allocation.coins]
        pairs = [(j, value) for j, value in zip(order, mine.skew_row_bps_per_usd, strict=False) if j >= 0]
        skew = blank(EventKind.SKEW, len(pairs))
        skew["coin"] = [j for j, _ in pairs]
        skew["px"] = [value for _, value in pairs]
        skew["seq"] = self.allocation.version
        followed = [(self._index[one.leader], one) for one in mine.leads if one.leader in self._index]
        lead = blank(EventKind.LEAD, len(followed))
        lead["coin"] = [j for j, _ in followed]
        lead["px"] = [one.beta for _, one in followed]
        lead["sz"] = [one.horizon_s for _, one in followed]
        lead["seq"] = self.allocation.version
        last = blank(EventKind.ALLOCATION, coin=coin)
        last["px"], last["px2"] = mine.target_usd, min(mine.limit_usd, ceiling_usd)
        last["sz"], last["sz2"] = price_usd, mine.gamma_per_bps_usd
        last["oid"], last["seq"] = max(0, self._ends_ns - now_ns), self.allocation.version
        return np.concatenate([skew, lead, last])
