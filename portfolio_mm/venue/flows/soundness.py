"""What a recording must be before it is played: positive numbers on the coin's grid, books in order and not crossed.

A fault is told with its place: the line of a file of frames, or the row of a Parquet file.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import PERP_MAX_DECIMALS
from portfolio_mm.domain.price_grid import tick_step
from portfolio_mm.matching.queue_tape import TapeKind
from portfolio_mm.venue.flows.rows import COLUMNS

Array = np.ndarray[Any, Any]
REMEDY: Final = "give a recording in the wire layout, as it was written"
GRID: Final = 1e-4
"""How far from the grid, in lots or ticks, a decimal read as a double may lie."""
CHANNEL: Final = {TapeKind.TRADE: "trades", TapeKind.BOOK: "l2Book", TapeKind.BBO: "bbo"}
MAX_MS: Final = 2**53
MS, KIND, PX, SZ, ASK_PX, ASK_SZ, ROW, AT = (
    COLUMNS.index(name) for name in ("ms", "kind", "px", "sz", "ask_px", "ask_sz", "row", "at")
)


class Soundness:
    """Looks through one coin's numbers.

    Args:
        path: the recording, for its complaints.
        coin: its name, for the same.
        values: rows of `COLUMNS`.
        books: [row, side, level, (px, sz, n)]; those no row names are not looked at.
    """

    def __init__(self, path: Path, coin: str, values: Array, books: Array) -> None:
        self._path, self._coin, self._values = path, coin, values
        self._of_book = values[:, KIND] == TapeKind.BOOK
        self._books = books[values[self._of_book, ROW].astype(np.int64)]

    def check_numbers(self) -> None:
        """Raise ConfigurationError for a time, price or size that cannot be, and for books out of order."""
        values = self._values
        trade, best = values[:, KIND] == TapeKind.TRADE, values[:, KIND] == TapeKind.BBO
        self._refuse(~((values[:, MS] >= 0) & (values[:, MS] < MAX_MS)), "time is not in milliseconds since 1970")
        bad = trade & ~(_there(values[:, PX]) & _there(values[:, SZ]))
        for px, sz in ((PX, SZ), (ASK_PX, ASK_SZ)):
            bad |= best & (values[:, px] != 0) & ~(_there(values[:, px]) & _there(values[:, sz]))
        self._refuse(bad, "price or size is not a positive number")
        crossed = best & (values[:, PX] > 0) & (values[:, ASK_PX] > 0) & (values[:, PX] >= values[:, ASK_PX])
        self._refuse(crossed, "best bid is not below the best ask")
        self._check_books()

    def _check_books(self) -> None:
        px, sz = self._books[..., 0], self._books[..., 1]
        shown = px != 0
        self._refuse_books((shown & ~(_there(px) & _there(sz))).any((1, 2)), "price or size is not a positive number")
        missing = ~shown[:, :, :-1] & shown[:, :, 1:]
        both = shown[:, :, :-1] & shown[:, :, 1:]
        turned = both & (np.array([[[-1.0], [1.0]]]) * np.diff(px, axis=2) <= 0)
        self._refuse_books((missing | turned).any((1, 2)), "levels are not in order, best first")
        crossed = shown[:, :, 0].all(1) & (px[:, 0, 0] >= px[:, 1, 0])
        self._refuse_books(crossed, "best bid is not below the best ask")

    def check_grid(self, sz_decimals: int) -> None:
        """Raise ConfigurationError when a price or a size does not lie on the venue's grid (HL §6)."""
        values, px_decimals = self._values, PERP_MAX_DECIMALS - sz_decimals
        prices = np.concatenate([values[:, PX], values[:, ASK_PX], self._books[..., 0].ravel()])
        for px in np.unique(prices[prices > 0]).tolist():
            ticks = round(px * 10.0**px_decimals)
            if abs(px * 10.0**px_decimals - ticks) > GRID * max(1.0, px) or ticks % tick_step(ticks, px_decimals):
                rule = f"of {sz_decimals} size decimals (five significant figures, {px_decimals} decimals)"
                self._refuse_amount(px, (PX, ASK_PX), f"price {px} is not on the grid {rule}")
        sizes = np.unique(np.concatenate([values[:, SZ], values[:, ASK_SZ], self._books[..., 1].ravel()]))
        lots = sizes * 10.0**sz_decimals
        off = sizes[np.abs(lots - np.rint(lots)) >= GRID * np.maximum(1.0, sizes)]
        for sz in off.tolist():
            self._refuse_amount(sz, (SZ, ASK_SZ), f"size {sz} has more than {sz_decimals} decimals")

    def _refuse_amount(self, amount: float, columns: tuple[int, int], text: str) -> None:
        at_level = 0 if PX in columns else 1
        self._refuse((self._values[:, columns] == amount).any(1), text)
        self._refuse_books((self._books[..., at_level] == amount).any((1, 2)), text)

    def _refuse_books(self, bad: Array, text: str) -> None:
        rows = np.zeros(len(self._values), np.bool_)
        rows[self._of_book] = bad
        self._refuse(rows, text)

    def _refuse(self, bad: Array, text: str) -> None:
        """Raise for the first record that is bad, if there is one."""
        if not bad.any():
            return
        found = self._values[bad]
        first = found[found[:, AT].argmin()]
        channel, at = CHANNEL[TapeKind(int(first[KIND]))], int(first[AT])
        place = f"row {at} of {self._coin}/{channel}.parquet" if self._path.is_dir() else f"line {at}"
        msg = f"recording {self._path}, {place}: {self._coin} {channel} {text}; {REMEDY}"
        raise ConfigurationError(msg)


def _there(amounts: Array) -> Array:
    """Which are positive numbers; neither NaN nor infinite."""
    there: Array = (amounts > 0) & np.isfinite(amounts)
    return there
