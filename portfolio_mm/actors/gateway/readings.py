"""When a reading of the account is believed: when it continues what fills, funding, marks and transfers led to.

Equity and the ledger of transfers are two replies of two moments. A deposit that is in one and not yet in the other
would look like profit and then like loss, and the high-water mark never forgets. So a reading that would make equity
jump waits: the ledger is read, then the account again, until they agree. While it waits the old reading ages, and an
old reading ends permits: trading stops, nothing is latched. What is never explained is believed in the end.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from portfolio_mm.actors.gateway.account_view import AccountView
from portfolio_mm.actors.gateway.transfers import Transfers
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.storage.state_store import Moved

LOG: Final = logging.getLogger(__name__)
DOUBT_S: Final = 1.0
FRESH_DOUBT_S: Final = 10.0
"""Two replies that missed each other agree within a second or two; each look costs IP weight 24."""
BELIEVED_S: Final = 600.0
"""A withdrawal's row was seen four minutes after the money had left."""


class Readings:
    """The way of a reading into the account's view.

    `meet` reads the fills it may know of before us, `adopt` takes over its positions at the same instant.
    """

    def __init__(
        self,
        money: AccountView,
        transfers: Transfers,
        meet: Callable[[AccountTruth], Awaitable[None]],
        adopt: Callable[[AccountTruth], None],
    ) -> None:
        self._meet = meet
        self._money = money
        self._transfers = transfers
        self._adopt = adopt
        self._turn = asyncio.Lock()
        self._doubt_s: float | None = None

    @property
    def in_doubt(self) -> bool:
        """Whether the last reading was not believed."""
        return self._doubt_s is not None

    def pause_s(self, quiet_s: float) -> float:
        """How long to wait for the next reading: soon after a first doubt, else `quiet_s`."""
        fresh = self._doubt_s is not None and time.monotonic() - self._doubt_s < FRESH_DOUBT_S
        return min(DOUBT_S, quiet_s) if fresh else quiet_s

    async def take(self, truth: AccountTruth, *, look: bool = False) -> bool:
        """Take a reading over, unless a younger one was taken; False: not yet.

        Args:
            truth: the reading.
            look: read the ledger even when nothing asks for it.

        Raises:
            VenueError, MalformedMessage: the ledger or fills could not be read; the reading was not taken.
            StateError: the disk refuses.
        """
        async with self._turn:
            first = self._money.truth is None
            if first:
                self._transfers.begin(truth.time_ms)
            await self._meet(truth)
            if first or look or self._jumps(truth):
                await self._transfers.catch_up(truth.mode)
            known = self._money.truth
            if known is not None and truth.time_ms < known.time_ms:
                return True  # a younger one was taken meanwhile
            if not self._fits(truth):
                return False
            self._adopt(truth)
            self._money.read(truth)
            self._doubt_s = None
            return True

    def _fits(self, truth: AccountTruth) -> bool:
        known = self._money.truth
        if known is None:  # nothing to compare with: what is later than the reading may be in it or not
            return self._transfers.newest_ms <= truth.time_ms
        if truth.mode is not known.mode:  # changes what is counted, not what was earned
            step_1e8 = round(self._money.step_usd(truth) * USD_1E8)
            self._transfers.keep([Moved(truth.time_ms, f"{known.mode.name} to {truth.mode.name}", step_1e8)])
            return True
        return not self._jumps(truth) or self._worn_out(truth)

    def _jumps(self, truth: AccountTruth) -> bool:
        money = self._money
        return money.truth is not None and not abs(money.step_usd(truth)) <= money.slack_usd

    def _worn_out(self, truth: AccountTruth) -> bool:
        now_s, step_usd = time.monotonic(), self._money.step_usd(truth)
        if self._doubt_s is None:
            self._doubt_s = now_s
            LOG.warning("equity moved by %+.2f USD that no fill, mark or transfer explains: reading again", step_usd)
        if now_s - self._doubt_s < BELIEVED_S:
            return False
        LOG.error("equity moved by %+.2f USD, unexplained for %.0f s: believed", step_usd, BELIEVED_S)
        return True
