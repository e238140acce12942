"""Recorded flow: a tape of real market data drives queue-model markets.

The block time of the recording is the venue time. What a tape lacks (mark, oracle, funding, open interest) is
modelled and flagged so. While the recorder heard nothing the coins are dark; orders that the market passed meanwhile
fill when it is seen again, as they would have. A looping tape starts again one second after its end with all times
moved on; every second turn is upside down, so no price jumps (`mirror`). Any other tape is over one second after its
end: its coins stay dark, as a feed that ended.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.market import Advance, Market
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_tape import TapeKind
from portfolio_mm.venue.flows import mirror
from portfolio_mm.venue.flows.context import ContextModel
from portfolio_mm.venue.flows.flow import Block, CoinBlock, CoinContext
from portfolio_mm.venue.flows.listed import instrument, listing
from portfolio_mm.venue.flows.recording import Recording, read_recordings

Array = np.ndarray[Any, Any]
LOOP_PAUSE_MS: Final = 1_000
"""From the last block to the next turn, or to the dark after the end."""


class TapeFlow:
    """A `Flow` over a recording.

    Args:
        path: `ws.jsonl.zst` or plain `ws.jsonl`, or the folder of a set in Parquet.
        coins: which coins, in universe order; all when empty.
        loop: start again at the end.
        fills: what is assumed about fills.

    Raises:
        ConfigurationError: see `read_recordings`; or the coins' recordings do not overlap in time; or a coin has no
            price at all; or a price more than doubles, so that the tape cannot loop.
    """

    def __init__(
        self,
        path: Path | str,
        coins: Sequence[str] = (),
        *,
        loop: bool = False,
        fills: FillModel = FillModel(),  # noqa: B008 - a tuple
    ) -> None:
        recorded = read_recordings(Path(path), coins)
        recordings = recorded.coins
        self._instruments = tuple(instrument(rec.coin, i, rec.sz_decimals) for i, rec in enumerate(recordings))
        self._start_ms = max(int(rec.events["ms"][0]) for rec in recordings)
        if self._start_ms >= min(int(rec.events["ms"][-1]) for rec in recordings):
            why = (
                "its coins were not recorded at the same time"
                if len(recordings) > 1
                else "nothing follows its first book"
            )
            msg = f"recording {path}: {why}; choose others with --coins"
            raise ConfigurationError(msg)
        self._turns = {rec.coin: [(_opened(rec.events, self._start_ms), rec.snapshots)] for rec in recordings}
        self._markets = {coin: QueueMarket(*turns[0], fills) for coin, turns in self._turns.items()}
        self.gaps = tuple(gap for gap in recorded.gaps if gap[1] > self._start_ms)
        """Block times of the recording between which nothing was heard."""
        blind = np.array([last + 1 for last, _ in self.gaps], np.int64)
        parts = [turns[0][0]["ms"] for turns in self._turns.values()]
        self._times: list[int] = np.unique(np.concatenate([*parts, blind])).tolist()
        for market in self._markets.values():
            market.advance(self._start_ms)
        if loop:
            for rec, row in zip(recordings, self._instruments, strict=True):
                self._turns[rec.coin].append(self._upside_down(path, rec, row))
        self._loop, self._turn, self._shift_ms, self._dark, self._over = loop, 0, 0, False, False
        self._next = bisect_right(self._times, self._start_ms)
        self._contexts = {
            row.coin: ContextModel(row, self._open_interest(row), self._first_px(path, row), None)
            for row in self._instruments
        }

    @property
    def start_ms(self) -> int:
        """Block time at which every coin has its first book."""
        return self._start_ms

    def instruments(self) -> tuple[Instrument, ...]:
        """The coins in universe order."""
        return self._instruments

    def markets(self) -> dict[str, Market]:
        """The live market of every coin."""
        return dict(self._markets)

    def context(self, coin: str) -> CoinContext:
        """The latest modelled context of a coin."""
        return self._contexts[coin].now

    def day_volume_usd(self, coin: str) -> float:
        """Modelled 24 h notional volume."""
        return listing(coin, 0).day_volume_usd

    @property
    def over(self) -> bool:
        """Whether the tape has ended and does not loop."""
        return self._over

    def next_ms(self) -> int | None:
        """Time of the next recorded block, or of the dark after the last one; None when the tape is over."""
        if self._next < len(self._times):
            return self._times[self._next] + self._shift_ms
        return None if self._over else self._times[-1] + self._shift_ms + LOOP_PAUSE_MS

    def advance(self, now_ms: int) -> Block:
        """Apply all recorded blocks up to `now_ms`; see `Flow.advance`."""
        done: dict[str, list[Advance]] = {}
        venue_ms = now_ms
        while (due := self.next_ms()) is not None and due <= now_ms:
            if self._next == len(self._times):
                if not self._loop:
                    venue_ms, self._over = due, True
                    break
                self._rewind(due)
            self._next = bisect_right(self._times, now_ms - self._shift_ms)
            venue_ms = self._times[self._next - 1] + self._shift_ms
            for coin, market in self._markets.items():
                step = market.advance(venue_ms)
                if step.book_changed:
                    done.setdefault(coin, []).append(step)
        was_dark, self._dark = self._dark, self._is_dark(venue_ms - self._shift_ms)
        told = self._dark != was_dark
        blocks = (self._coin_block(coin, done.get(coin, []), venue_ms, told) for coin in self._markets)
        return Block(venue_ms, tuple(block for block in blocks if block is not None))

    def _is_dark(self, ms: int) -> bool:
        return self._over or any(last < ms < first for last, first in self.gaps)

    def _rewind(self, due_ms: int) -> None:
        self._shift_ms = due_ms - self._start_ms
        self._next = bisect_left(self._times, self._start_ms)
        self._turn = 1 - self._turn
        for coin, market in self._markets.items():
            market.play(*self._turns[coin][self._turn], self._shift_ms)

    def _upside_down(self, path: Path | str, rec: Recording, row: Instrument) -> tuple[Array, Array]:
        events, snapshots = self._turns[rec.coin][0]
        end = QueueMarket(events, snapshots)
        end.advance(int(events["ms"][-1]))
        prices = mirror.prices_of(events, snapshots)
        c = mirror.centre(self._markets[rec.coin].bbo(), end.bbo(), prices, row.px_decimals)
        if c is None:
            msg = f"recording {path}: {rec.coin} more than doubles in it, which cannot loop; play it once"
            raise ConfigurationError(msg)
        return mirror.mirrored(events, snapshots, c, row.px_decimals)

    def _coin_block(self, coin: str, steps: list[Advance], venue_ms: int, told: bool) -> CoinBlock | None:  # noqa: FBT001
        model = self._contexts[coin]
        prints = tuple(row for step in steps for row in step.prints)
        if prints:
            model.last_ticks = prints[-1].px_ticks
        context = None if self._dark else model.update(venue_ms, self._markets[coin].bbo, None)
        if not steps and context is None and not told:
            return None
        return CoinBlock(
            coin=coin,
            fills=tuple(fill for step in steps for fill in step.fills),
            prints=prints,
            bbo_changed=any(step.bbo_changed for step in steps),
            book_changed=bool(steps),
            snapshot=any(step.snapshot for step in steps),
            context=context,
            dark=self._dark,
        )

    def _first_px(self, path: Path | str, row: Instrument) -> float:
        """The first mid; with a side empty the other one stands for it, with both the first price there will be."""
        prices = [level.px_ticks for level in self._markets[row.coin].bbo() if level is not None]
        prices = prices or mirror.first_prices(*self._turns[row.coin][0])
        if not prices:
            msg = f"recording {path}: {row.coin} has neither price nor trade in it; choose others with --coins"
            raise ConfigurationError(msg)
        return row.px(sum(prices)) / len(prices)

    def _open_interest(self, row: Instrument) -> float:
        return listing(row.coin, row.sz_decimals).open_interest


def _opened(events: Array, start_ms: int) -> Array:
    """The events from a time on, and as of that time the last book before it with the best prices since."""
    early = events["ms"] <= start_ms
    last = int(np.flatnonzero(early & (events["kind"] == TapeKind.BOOK))[-1:].sum())
    kept: Array = events[(np.arange(len(events)) >= last) & (~early | (events["kind"] != TapeKind.TRADE))].copy()
    kept["ms"] = np.maximum(kept["ms"], start_ms)
    return kept
