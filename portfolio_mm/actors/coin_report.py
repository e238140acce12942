"""A coin's state as the message everybody else reads."""

from typing import Any

import numpy.typing as npt

from portfolio_mm.actors.coin_books import Books
from portfolio_mm.actors.messages import CoinReport, Markout, Pnl, Score, SideReport
from portfolio_mm.actors.signals_report import Speechless, signals_report
from portfolio_mm.actors.view_rows import PartHealth
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.engine.readings import SideReading
from portfolio_mm.engine.report import read

QUOTING = "QUOTING"


def report_of(
    instrument: Instrument,
    state: npt.NDArray[Any],
    params: npt.NDArray[Any],
    books: Books,
    *,
    malformed: int,
    speechless: Speechless = Speechless(),  # noqa: B008 - immutable
) -> CoinReport:
    """The report of one coin; `malformed` counts wire messages that never became events."""
    now = read(state, params)
    pnl = now.pnl
    return CoinReport(
        coin=instrument.coin,
        index=instrument.index,
        epoch=now.epoch,
        venue_ms=now.venue_ms,
        bid_px=now.bid_px,
        ask_px=now.ask_px,
        mark_px=now.mark_px,
        fair_px=now.fair_px,
        sigma_bps=now.sigma_bps,
        sigma_raw_bps=now.sigma_raw_bps,
        clip_usd=now.clip_usd,
        maker_fee_bps=now.maker_fee_bps,
        inventory_lots=now.inventory_lots,
        inventory_usd=now.inventory_usd,
        target_usd=now.target_usd,
        limit_usd=now.limit_usd,
        allocation_version=now.allocation_version,
        sides=(_side(now.sides[0]), _side(now.sides[1])),
        markouts=tuple(Markout(*reading) for reading in now.markouts),
        pnl=Pnl(
            spread_1e8=pnl.spread_1e8,
            adverse_1e8=pnl.adverse_1e8,
            inventory_1e8=pnl.inventory_1e8,
            fees_1e8=pnl.fees_1e8,
            funding_1e8=pnl.funding_1e8,
            basis_1e8=pnl.basis_1e8,
        ),
        parts=tuple(PartHealth(*reading) for reading in now.parts),
        feed_age_s=now.feed_age_s,
        events=now.events,
        malformed=malformed + sum(count for _, count in now.refused),
        quotes_sent=now.quotes_sent,
        fills=now.fills,
        volume_usd=now.volume_usd,
        quoting_s=now.quoting_s,
        two_sided_s=now.two_sided_s,
        warm=now.warm,
        strange_lots=books.strange_lots,
        gaps=books.gaps,
        scores=tuple(Score(*reading) for reading in now.scores),
        experiment=signals_report(now, speechless),
    )


def own_mid(instrument: Instrument, state: npt.NDArray[Any]) -> float:
    """Mid of the coin's book without our own orders, USD; 0 while the book is not to be trusted."""
    book = state["book"]
    return instrument.px(int(book["mid2"][0])) / 2.0 if book["ready"][0] else 0.0


def _side(side: SideReading) -> SideReport:
    """One side; a side that quotes gives no reason."""
    quoting = side.reason == QUOTING
    return SideReport(
        px=side.px,
        sz=side.sz,
        items_bps=side.items_bps,
        reason="" if quoting else side.reason,
        reason_text="" if quoting else side.reason_text,
        intensity_per_s=side.intensity_per_s,
        kappa_per_bps=side.kappa_per_bps,
        adverse_bps=side.adverse_bps,
    )
