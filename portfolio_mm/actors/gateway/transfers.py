"""Money that came or went without trading, counted from one durable moment on, so that no life begins its count anew.

Rows come by the user stream and by REST, repeatedly and in any order. Each is judged once, by the account mode of that
moment, and is on disk before it counts.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final

from portfolio_mm.actors.gateway.account_view import AccountView
from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.money_moves import LedgerRow, effect_1e8, rows_of
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.storage.state_store import Moved, StateStore

LOG: Final = logging.getLogger(__name__)
PAGE: Final = 500
"""Rows of one reply (HL §1.1)."""
LATE_MS: Final = 3_600_000
"""A withdrawal's row was seen to appear minutes after the money left, below rows that are known already."""


class Transfers:
    """Moves of one account's money.

    Args:
        start_ms: block time of the run's first reading of equity; None: the first reading of this life.
        dexes: perp dexes whose money counts in standard mode.
    """

    def __init__(
        self,
        store: StateStore,
        info: InfoClient,
        account: str,
        money: AccountView,
        start_ms: int | None,
        *,
        dexes: tuple[str, ...] = ("",),
    ) -> None:
        self._dexes = dexes
        self._store = store
        self._info = info
        self._account = account.lower()
        self._money = money
        self._start_ms = start_ms
        self._since_ms: int | None = None
        self._moves: dict[tuple[int, str], int] = {}
        self._total_1e8 = 0
        self._run_1e8 = 0
        self.newest_ms = 0

    def begin(self, read_ms: int) -> None:
        """Count from now on, or go on where an earlier life counted; `read_ms` is the block time of a first reading.

        Raises:
            StateError: the disk refuses.
        """
        if self._since_ms is not None:
            return
        self._start_ms = self._start_ms or read_ms
        self._since_ms = self._store.begin_counting(self._account, self._start_ms)
        for move in self._store.moves(self._account):
            self._add(move)

    @property
    def total_usd(self) -> float:
        """Net of all moves since counting began."""
        return self._total_1e8 / USD_1E8

    @property
    def run_usd(self) -> float:
        """Net of the moves since the run's first reading of equity."""
        return self._run_1e8 / USD_1E8

    def count(self, rows: Sequence[LedgerRow], mode: AccountMode) -> None:
        """Take rows, known ones and ones before counting began included; nothing before `begin`.

        Raises:
            StateError: the disk refuses.
        """
        since_ms = self._since_ms
        if since_ms is None:
            return
        new = {(row.time, row.name): row for row in rows if row.time > since_ms}
        moves = [self._judged(row, mode) for key, row in new.items() if key not in self._moves]
        self.keep(moves)

    def keep(self, moves: Sequence[Moved]) -> None:
        """Take moves that are judged; on disk when this returns.

        Raises:
            StateError: the disk refuses.
        """
        if not moves:
            return
        self._store.add_moves(self._account, moves)
        for move in moves:
            self._add(move)
            self._money.transfer(move.usd_1e8, move.time_ms)
            if move.usd_1e8:
                LOG.info("%+.2f USD without trading: %s", move.usd_1e8 / USD_1E8, move.name)

    async def catch_up(self, mode: AccountMode) -> None:
        """Read what the stream may have missed.

        Raises:
            VenueError, MalformedMessage: the ledger could not be read.
            StateError: the disk refuses.
        """
        if self._since_ms is None:
            return
        from_ms = max(self._since_ms, self.newest_ms - LATE_MS)
        while True:
            rows = rows_of(await self._info.ledger_updates(self._account, from_ms))
            self.count(rows, mode)
            if len(rows) < PAGE:
                return
            from_ms = max(from_ms + 1, *(row.time for row in rows))

    def _judged(self, row: LedgerRow, mode: AccountMode) -> Moved:
        try:
            effect = effect_1e8(row, self._account, mode, self._dexes)
        except MalformedMessage:
            effect = None
        if effect is None:  # if it moved money after all, the next reading of equity will not be believed
            said = f"a ledger row that is not understood counts as no transfer: {str(row.delta)[:200]}"
            LOG.warning(said)
            self._store.add_incident(time.time_ns() // 1_000_000, "ledger", said)
        return Moved(row.time, row.name, effect or 0)

    def _add(self, move: Moved) -> None:
        self._moves[move.time_ms, move.name] = move.usd_1e8
        self.newest_ms = max(self.newest_ms, move.time_ms)
        self._total_1e8 += move.usd_1e8
        if self._start_ms is not None and move.time_ms > self._start_ms:
            self._run_1e8 += move.usd_1e8
