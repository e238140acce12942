"""Synthetic flow: a seeded, correlated market of several coins with known truth.

Efficient prices follow `prices`, market orders `orders`, makers and arbitrage `background`; markets are order-level
books in which our orders queue, trade and are picked off like any other. The same seed and the same interaction give
the same market, bit for bit.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from portfolio_mm.domain.instrument import PERP_MAX_DECIMALS, Instrument
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.book_kernels import ACTION
from portfolio_mm.matching.market import Market
from portfolio_mm.venue.flows.context import ContextModel, Known
from portfolio_mm.venue.flows.flow import Block, CoinBlock, CoinContext
from portfolio_mm.venue.flows.listed import instrument, listing
from portfolio_mm.venue.flows.synthetic.basis import Basis
from portfolio_mm.venue.flows.synthetic.chronicle import Chronicle
from portfolio_mm.venue.flows.synthetic.coin import SyntheticCoin
from portfolio_mm.venue.flows.synthetic.fitted import fit
from portfolio_mm.venue.flows.synthetic.kernels.background import N_ACTIONS, N_UNIFORMS, draw_block, draw_first
from portfolio_mm.venue.flows.synthetic.orders import MarketOrders
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths
from portfolio_mm.venue.flows.synthetic.quoters import backgrounds
from portfolio_mm.venue.flows.synthetic.truth import TruthFolder, static_truth
from portfolio_mm.venue.flows.synthetic.twin import misspecify
from portfolio_mm.venue.flows.synthetic.validity import check

Array = np.ndarray[Any, Any]
DRAWN_BLOCKS: Final = 64
MEASURED_EVERY_MS: Final = 60_000


class SyntheticFlow:
    """A `Flow` of `SyntheticParams`; with a folder it writes the truth there.

    Raises:
        ConfigurationError: parameters out of bounds, or the folder cannot be written to.
    """

    def __init__(self, given: SyntheticParams, truth_folder: Path | None = None) -> None:
        check(given)
        self.params = params = misspecify(fit(given))
        self._given = given
        self._instruments = tuple(instrument(row.coin, i, row.sz_decimals) for i, row in enumerate(params.coins))
        self._index = {row.coin: row.index for row in self._instruments}
        self._books = {row.coin: OrderBook() for row in params.coins}
        self._paths = EfficientPaths(params)
        self.orders = MarketOrders(params, self._paths)
        self._chronicle = Chronicle(params, self._paths)
        self._first_ticks = np.array(
            [row.px * 10.0 ** (PERP_MAX_DECIMALS - row.sz_decimals) for row in params.coins], np.float64
        )
        self._backgrounds = backgrounds(params)
        self._rngs = [np.random.default_rng([params.seed, 1, i]) for i in range(len(params.coins))]
        self._uniforms: list[Array] = [rng.random((DRAWN_BLOCKS, N_UNIFORMS)) for rng in self._rngs]
        self._block = 0
        self.actions = 0
        """Background orders and cancels so far."""
        self._open_book()
        self._basis = [Basis(row, i, params, _open_interest(row)) for i, row in enumerate(params.coins)]
        self._contexts = {
            row.coin: ContextModel(row, 0.0, self._first_px(row), self._known(row.index)) for row in self._instruments
        }
        self._folder = None if truth_folder is None else TruthFolder(truth_folder, static_truth(given, params))

    @property
    def start_ms(self) -> int:
        """Venue time of the start."""
        return self.params.start_ms

    def instruments(self) -> tuple[Instrument, ...]:
        """The coins in universe order."""
        return self._instruments

    def markets(self) -> dict[str, Market]:
        """The live book of every coin."""
        return dict(self._books)

    def context(self, coin: str) -> CoinContext:
        """The latest modelled context of a coin; the oracle is the efficient price without its premium."""
        return self._contexts[coin].now

    def day_volume_usd(self, coin: str) -> float:
        """Modelled 24 h notional volume."""
        return listing(coin, 0).day_volume_usd

    def efficient_px(self, coin: str) -> float:
        """The hidden efficient price now, USD: truth, for tests and reports."""
        return self._px_at(self._index[coin], self._block)

    def reference_px(self, coin: str) -> float:
        """The price at the reference venue now, USD: the efficient one of `reference_lead_ms` later."""
        return self._px_at(self._index[coin], self._block + self.params.reference_lead_ms // self.params.block_ms)

    def truth(self) -> dict[str, Any]:
        """What an estimator should find: the static part, what was measured so far, and the last events."""
        return static_truth(self._given, self.params) | {
            "measured": self.orders.measures.report(),
            "events": self._chronicle.events,
        }

    @property
    def over(self) -> bool:
        """Never."""
        return False

    def next_ms(self) -> int:
        """Time of the next block; synthetic flow never ends."""
        return self.params.start_ms + (self._block + 1) * self.params.block_ms

    def advance(self, now_ms: int) -> Block:
        """Apply all blocks up to `now_ms`; see `Flow.advance`."""
        rows: dict[str, CoinBlock] = {}
        venue_ms = now_ms
        while self.next_ms() <= now_ms:
            venue_ms = self.next_ms()
            self._block += 1
            self._draw(venue_ms)
            for row in self._instruments:
                step = self._coin_block(row, venue_ms)
                rows[row.coin] = merge(rows[row.coin], step) if row.coin in rows else step
            self._tell(venue_ms)
        return Block(venue_ms, tuple(rows.values()))

    def _open_book(self) -> None:
        for row in self._instruments:
            actions = np.zeros(N_ACTIONS, ACTION)
            uniforms = self._rngs[row.index].random(N_UNIFORMS)
            n = draw_first(self._backgrounds, row.index, self._first_ticks[row.index], self.start_ms, uniforms, actions)
            book = self._books[row.coin]
            book.push(actions[:n])
            book.advance(self.start_ms)

    def _draw(self, now_ms: int) -> None:
        """Queue the background actions of the current block in every book."""
        fair = self._first_ticks * np.exp(self._paths.at(self._block))
        due = self.orders.due(self._block)
        turn = self._block % DRAWN_BLOCKS
        for row in self._instruments:
            i = row.index
            if turn == 0:
                self._uniforms[i] = self._rngs[i].random((DRAWN_BLOCKS, N_UNIFORMS))
            actions = np.zeros(N_ACTIONS + due.stop - due.start, ACTION)
            book = self._books[row.coin]
            n = draw_block(self._backgrounds, i, book.state, 0, fair[i], now_ms, self._uniforms[i][turn], *due, actions)
            book.push(actions[:n])
            self.actions += n
        if self.params.cascades is not None:
            for coin in due.closing():
                self._basis[coin].close(self.params.cascades.interest_share / self.params.cascades.orders)

    def _coin_block(self, row: Instrument, now_ms: int) -> CoinBlock:
        book, model = self._books[row.coin], self._contexts[row.coin]
        done = book.advance(now_ms)
        if done.prints:
            model.last_ticks = done.prints[-1].px_ticks
        context = model.update(now_ms, book.bbo, lambda: self._known(row.index))
        return CoinBlock(
            row.coin, done.fills, done.prints, done.bbo_changed, done.book_changed, snapshot=False, context=context
        )

    def _known(self, index: int) -> Known:
        basis = self._basis[index].at(self._block)
        external = self._px_at(index, self._block + self.params.reference_lead_ms // self.params.block_ms)
        return Known(self._px_at(index, self._block) / (1.0 + basis.premium), external, basis.open_interest)

    def _first_px(self, row: Instrument) -> float:
        bid, ask = self._books[row.coin].bbo()
        return self._px_at(row.index, 0) if bid is None or ask is None else row.px(bid.px_ticks + ask.px_ticks) / 2.0

    def _px_at(self, index: int, block: int) -> float:
        return self.params.coins[index].px * float(np.exp(self._paths.at(block)[index]))

    def _tell(self, now_ms: int) -> None:
        """Events whose time has come, and once a minute what was measured."""
        told = self._chronicle.tell(self._block)
        if self._folder is None:
            return
        if (now_ms - self.start_ms) % MEASURED_EVERY_MS < self.params.block_ms:
            told.append({"event": "measured", "ms": now_ms, **self.orders.measures.report()})
        if told:
            self._folder.write(told)


def _open_interest(row: SyntheticCoin) -> float:
    return listing(row.coin, row.sz_decimals).open_interest if row.open_interest is None else row.open_interest


def merge(first: CoinBlock, second: CoinBlock) -> CoinBlock:
    """Two consecutive blocks of a coin as one."""
    return CoinBlock(
        coin=first.coin,
        fills=first.fills + second.fills,
        prints=first.prints + second.prints,
        bbo_changed=first.bbo_changed or second.bbo_changed,
        book_changed=first.book_changed or second.book_changed,
        snapshot=first.snapshot or second.snapshot,
        context=second.context or first.context,
    )
