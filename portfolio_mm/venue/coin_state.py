"""Prices and totals of one coin of the venue."""

from collections import deque
from typing import Any, Final

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.market import Market
from portfolio_mm.venue.candles import Candles
from portfolio_mm.venue.clearinghouse.premiums import PremiumSamples
from portfolio_mm.venue.clearinghouse.prices import PREMIUM_UNIT, Inputs, MarkModel, impact_ticks
from portfolio_mm.venue.clearinghouse.terms import FIRST_DEX, Terms
from portfolio_mm.venue.flows.flow import CoinContext
from portfolio_mm.venue.settings import PriceSource

KEPT_TRADES: Final = 30
SILENCE_MS: Final = 10_000
"""A deployer silent for so long no longer says what the mark is (HL §7.5)."""
KEPT_ORACLES: Final = 1_300


class CoinState:
    """Prices and totals of one coin. `previous_ticks` is the mark before it last changed.

    A coin is `closed` when nothing of its flow comes in: `delisted` for good, or halted until it is resumed.
    """

    def __init__(  # noqa: PLR0917 - what a coin is made of
        self,
        coin: Instrument,
        market: Market,
        context: CoinContext,
        volume_usd: float,
        now_ms: int,
        terms: Terms = FIRST_DEX,
    ) -> None:
        self.coin = coin
        self.terms = terms
        self.market = market
        self.context = context
        self.dark = False
        """Whether the flow has lost sight of the market, so that nothing of it is published."""
        self.first_px = context.mark_px
        self.volume_usd = volume_usd
        self.volume_base = volume_usd / context.mark_px
        self.last_ticks = self.mark_ticks = self.previous_ticks = coin.ticks(context.mark_px)
        self.oracle_ticks = coin.ticks(context.oracle_px)
        self.documented = False
        self.funding = PremiumSamples(terms.interest_1e10, terms.funding_1e8)
        self.trades: deque[dict[str, Any]] = deque(maxlen=KEPT_TRADES)
        self.oracles: deque[tuple[int, int]] = deque(maxlen=KEPT_ORACLES)
        """Oracle prices (venue ms, ticks) of the last hour: a delisting settles at their mean."""
        self.delisted = self.closed = False
        self.candles = Candles(coin, self.last_ticks, now_ms)
        self.silent_until_ms = 0
        """How long its deployer sets no prices."""
        self._spoken_ms = now_ms
        self.rates: deque[dict[str, Any]] = deque(maxlen=500)
        self._mark: MarkModel | None = None

        self._flow_market = market

    @property
    def halted(self) -> bool:
        """Whether a deployer has halted it."""
        return self.closed and not self.delisted

    def delist(self) -> None:
        """No more trading: an empty book, whatever the flow does."""
        self.delisted = True
        self.halt()

    def halt(self) -> None:
        """No trading: an empty book, until it is resumed."""
        self.closed = True
        self.market = OrderBook()

    def resume(self) -> None:
        """Trading goes on in the book of the flow."""
        self.closed = False
        self.market = self._flow_market

    def take(self, context: CoinContext, now_ms: int, source: PriceSource) -> None:
        """Adopt a new context: the oracle with it, and the mark, the flow's own or the documented one.

        While a deployer is silent the oracle stands still, and so does the mark for ten seconds.
        """
        self.context = context
        if now_ms < self.silent_until_ms:
            self._fall_back(now_ms)
            return
        self._spoken_ms = now_ms
        self.oracle_ticks = self.coin.ticks(context.oracle_px)
        self.documented = source == "documented" or (source == "auto" and context.modelled)
        if not self.documented:
            self._set_mark(self.coin.ticks(context.mark_px))
            return
        bid, ask = (None if level is None else level.px_ticks for level in self.market.bbo())
        perp = None if context.perp_px is None else self.coin.ticks(context.perp_px)
        self._mark = self._mark or MarkModel(now_ms)
        new = self._mark.update(now_ms, Inputs(self.oracle_ticks, bid, ask, self.last_ticks, perp))
        self._set_mark(self.terms.within_step(self.mark_ticks, new))

    def _fall_back(self, now_ms: int) -> None:
        """The mark without a deployer: median of best bid, best ask and last trade (HL §7.5)."""
        bid, ask = self.market.bbo()
        if now_ms - self._spoken_ms >= SILENCE_MS and bid is not None and ask is not None:
            self._set_mark(sorted((bid.px_ticks, ask.px_ticks, self.last_ticks))[1])

    def _set_mark(self, ticks: int) -> None:
        if ticks != self.mark_ticks:
            self.previous_ticks, self.mark_ticks = self.mark_ticks, ticks

    def premium_1e10(self) -> int | None:
        """Premium of the impact prices over the oracle now; None when the book is too thin."""
        impact = impact_ticks(self.market, self.coin.coin)
        return None if impact is None else self.terms.premium(impact, self.oracle_ticks)

    def funding_1e10(self) -> int:
        """Hourly rate as it stands: of the samples, or the flow's own."""
        return self.funding.hourly_1e10 if self.documented else round(self.context.funding_rate * PREMIUM_UNIT)
