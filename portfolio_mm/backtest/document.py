"""The report as plain values: what is printed, plotted and written as JSON."""

from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.backtest.against_truth import Against, against_truth
from portfolio_mm.backtest.calibration import Curve, curves_of
from portfolio_mm.backtest.coverage import Coverage, adverse_of, forecasts_of
from portfolio_mm.backtest.markouts import HorizonMarkout, markouts_of
from portfolio_mm.backtest.predictions import UNSCORED
from portfolio_mm.backtest.result import CoinResult, SessionResult
from portfolio_mm.backtest.shares import ItemShare, WhyShare, items_of, whys_of
from portfolio_mm.backtest.signals import Ablated, Score, ablation_of, scores_of
from portfolio_mm.engine.readings import PnlReading
from portfolio_mm.engine.report import read

Array = np.ndarray[Any, Any]
FORMAT: Final = 1


class CoinReport(msgspec.Struct, frozen=True):
    """One coin. USD and bps as named; PnL in 1e-8 USD; two-sided and quoting time as shares of the session."""

    coin: str
    events: int
    orders: int
    fills: int
    taker_fills: int
    volume_usd: float
    quoting: float
    two_sided: float
    maker_fee_bps: float
    median_spread_bps: float | None
    pnl: dict[str, int]
    scores: tuple[Score, ...]
    items: tuple[ItemShare, ...]
    curves: tuple[Curve, ...]
    coverage: tuple[Coverage, ...]
    truth: tuple[Against, ...]
    ablation: tuple[Ablated, ...]
    markouts: tuple[HorizonMarkout, ...]
    why: tuple[WhyShare, ...]


class SessionReport(msgspec.Struct, frozen=True):
    """One session: the market, or its misspecified twin."""

    title: str
    twin: bool
    played_s: float
    coins: tuple[CoinReport, ...]
    refused: dict[str, int]
    happened_not: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """The whole report: one session, or a market and its twin. `unscored` says which parts predict nothing."""

    format: int
    source: str
    sessions: tuple[SessionReport, ...]
    unscored: dict[str, str]


def report_of(source: str, sessions: tuple[SessionResult, ...]) -> Report:
    """Everything that can be said of some sessions."""
    return Report(FORMAT, source, tuple(_session(one) for one in sessions), UNSCORED)


def _session(result: SessionResult) -> SessionReport:
    twin = bool(result.truth is not None and result.truth["twin"])
    coins = tuple(_coin(one, result) for one in result.coins)
    return SessionReport(result.title, twin, result.played_s, coins, result.refused, result.happened_not)


def _coin(coin: CoinResult, result: SessionResult) -> CoinReport:
    reading, samples = read(coin.state, coin.params), coin.samples
    fills, seconds = coin.fills, max(result.played_s, 1e-9)
    sizes = fills["lots"] / coin.lots_per_coin * fills["px"]
    return CoinReport(
        coin=coin.coin,
        events=coin.events,
        orders=len(coin.orders),
        fills=len(fills),
        taker_fills=int((fills["taker"] == 1).sum()),
        volume_usd=float(sizes.sum()),
        quoting=reading.quoting_s / seconds,
        two_sided=reading.two_sided_s / seconds,
        maker_fee_bps=reading.maker_fee_bps,
        median_spread_bps=_spread(coin),
        pnl=_pnl(reading.pnl),
        scores=scores_of(coin.state),
        items=items_of(samples),
        curves=curves_of(coin),
        coverage=(*forecasts_of(coin), adverse_of(coin)),
        truth=() if result.truth is None else against_truth(coin, result.truth),
        ablation=ablation_of(coin.state),
        markouts=markouts_of(coin),
        why=whys_of(samples),
    )


def _pnl(reading: PnlReading) -> dict[str, int]:
    return {name: int(value) for name, value in reading._asdict().items()}


def _spread(coin: CoinResult) -> float | None:
    """Median of the spread of others, bps."""
    spreads = coin.samples["spread_bps"]
    known = spreads[spreads > 0.0]
    return float(np.median(known)) if len(known) else None
