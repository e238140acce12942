"""The report of a run from the gateway's last view and the venue's word."""

import contextlib
import time
from collections.abc import Iterable
from typing import Final

import msgspec

import portfolio_mm
from portfolio_mm.actors.high_water import load_marks
from portfolio_mm.actors.messages import CoinReport, Pnl, View
from portfolio_mm.actors.preflight import held
from portfolio_mm.actors.run_spec import RunSpec
from portfolio_mm.actors.topology import coin_name
from portfolio_mm.actors.view_rows import LatencyView
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.account import MoneyTruth
from portfolio_mm.portfolio.attribution import PnlParts, added, close_books
from portfolio_mm.portfolio.report import AccountRun, ActionsRun, CoinRun, LatencyRun, MarkoutRow, RunReport
from portfolio_mm.storage.state_store import StateStore

SILENT_S: Final = 2.0
"""A coin reports four times a second."""


class Truth(msgspec.Struct, frozen=True):
    """What the venue itself says at the end."""

    money: MoneyTruth
    orders_left: int


def report_of(spec: RunSpec, view: View, truth: Truth | None, note: str) -> RunReport:
    """The report from the last view and the venue's word."""
    duration_s = time.time_ns() / 1e9 - spec.started_ms / 1000
    marks = {} if truth is None else mark_ticks(spec, truth.money)
    coins = tuple(_coin(spec, coin, marks) for coin in view.coins)
    pnl = added(coin.pnl for coin in coins)
    end_usd = view.equity_usd if truth is None else truth.money.equity_usd
    closing = close_books(
        pnl,
        start_equity_1e8=round(view.start_equity_usd * USD_1E8),
        end_equity_1e8=round(end_usd * USD_1E8),
        transfers_1e8=round(view.run_transfers_usd * USD_1E8),
        numbers=2 + max(view.fills, sum(coin.fills for coin in coins)) + len(coins),
    )
    budget = view.budget
    return RunReport(
        run=spec.run,
        version=portfolio_mm.__version__,
        started_ms=spec.started_ms,
        duration_s=duration_s,
        venue=spec.venue.url,
        coins=coins,
        pnl=pnl,
        closing=closing,
        account=_account(spec, view, end_usd),
        latency=_latency(view.latency),
        latency_other=_latency(view.latency_other),
        latency_gateway=_latency(view.latency_gateway),
        actions=ActionsRun(
            view.placed,
            view.modified,
            view.cancelled,
            view.refused,
            budget.day_used,
            budget.day_cap,
            budget.address_used,
            budget.address_cap,
        ),
        risk_state=view.risk_state.name,
        risk_reasons=view.risk_reasons,
        orders_left_open=None if truth is None else truth.orders_left,
        note=note,
        doubts=missing(spec, view, truth) + doubtful(view.coins),
    )


def mark_ticks(spec: RunSpec, money: MoneyTruth) -> dict[str, int]:
    """The mark price of each open position at the reading of equity, in ticks."""
    return {each.coin: each.mark_ticks for each in held(spec.instruments, money.positions)}


def _coin(spec: RunSpec, coin: CoinReport, marks: dict[str, int]) -> CoinRun:
    grid = spec.instruments[coin.index]
    pnl: Pnl = coin.pnl
    # Equity was read later than the coin's last mark: the difference is basis, not a residual.
    moved_ticks = marks.get(coin.coin, grid.ticks(coin.mark_px)) - grid.ticks(coin.mark_px)
    parts = PnlParts(
        pnl.spread_1e8,
        pnl.adverse_1e8,
        pnl.inventory_1e8,
        pnl.fees_1e8,
        pnl.funding_1e8,
        pnl.basis_1e8 + moved_ticks * coin.inventory_lots * 100,
    )
    bid, ask = coin.sides
    return CoinRun(
        coin=coin.coin,
        quotes_sent=coin.quotes_sent,
        fills=coin.fills,
        volume_usd=coin.volume_usd,
        inventory_lots=coin.inventory_lots,
        inventory_usd=coin.inventory_usd,
        two_sided_fraction=coin.two_sided_s / coin.quoting_s if coin.quoting_s > 0 else 0.0,
        markouts=tuple(
            MarkoutRow(row.horizon_s, row.count, row.mean_bps, row.se_bps, row.blocks) for row in coin.markouts
        ),
        pnl=parts,
        bid_reason=bid.reason_text or bid.reason,
        ask_reason=ask.reason_text or ask.reason,
    )


def _latency(view: LatencyView) -> LatencyRun:
    return LatencyRun(view.count, view.p50_us, view.p99_us, view.max_us)


def _account(spec: RunSpec, view: View, end_usd: float) -> AccountRun:
    with contextlib.closing(StateStore(spec.files.state_db)) as store:
        marks = load_marks(store, spec.venue.account)
    peak_usd = end_usd if marks is None else max(end_usd, marks.peak_earned_usd + view.net_transfers_usd)
    lost_usd = peak_usd - end_usd
    return AccountRun(
        mode=view.mode,
        start_equity_usd=view.start_equity_usd,
        end_equity_usd=end_usd,
        net_transfers_usd=view.run_transfers_usd,
        drawdown_usd=lost_usd,
        drawdown_fraction=lost_usd / peak_usd if peak_usd > 0 else 0.0,
    )


def missing(spec: RunSpec, view: View, truth: Truth | None) -> tuple[str, ...]:
    """Coins whose books are not known, or not complete, in words; without the venue's word the gateway's counts."""
    reports, ages_s = {coin.coin: coin for coin in view.coins}, dict(view.peers)
    if truth is None:
        lots = {position.coin: position.szi_lots for position in view.positions}
    else:
        lots = {each.coin: each.lots for each in held(spec.instruments, truth.money.positions)}
    found = []
    for each in spec.instruments:
        report, silent_s = reports.get(each.coin), ages_s.get(coin_name(each.coin))
        if report is None:
            found.append(f"{each.coin}: its books are not known, the coin did not report")
        elif silent_s is None or silent_s > SILENT_S:
            found.append(f"{each.coin}: the coin was away, its books are those of its last report")
        elif report.inventory_lots != lots.get(each.coin, 0):
            found.append(
                f"{each.coin}: its books hold {report.inventory_lots} lots, the account {lots.get(each.coin, 0)}: "
                "fills are missing"
            )
    return tuple(found)


def doubtful(coins: Iterable[CoinReport]) -> tuple[str, ...]:
    """What a coin's books cannot answer for, in words."""
    found = []
    for coin in coins:
        if coin.strange_lots:
            found.append(
                f"{coin.coin}: {coin.strange_lots} lots were taken over at mark, because no fill explains them"
            )
        if coin.gaps:
            found.append(
                f"{coin.coin}: {coin.gaps} restarts could not read its checkpoint and journal: fills are complete, "
                "markouts and counts are not"
            )
    return tuple(found)


def with_reasons(view: View, before: View) -> View:
    """The view with each side as it was before the end: "no permit" is not why a coin did not quote."""
    sides = {coin.coin: coin.sides for coin in before.coins}
    coins = tuple(msgspec.structs.replace(coin, sides=sides.get(coin.coin, coin.sides)) for coin in view.coins)
    return msgspec.structs.replace(view, coins=coins)
