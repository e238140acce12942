"""The run report: everything a run must answer for, as one record that JSON can hold."""

from typing import Final

import msgspec

from portfolio_mm.portfolio.attribution import Closing, PnlParts

LEAST_BLOCKS: Final = 30
"""Fewer independent blocks support no claim."""


class MarkoutRow(msgspec.Struct, frozen=True):
    """Signed markouts of own maker fills at one horizon, bps: their mean, its standard error, and what it rests on.

    `blocks` bounds the number of independent observations: windows of one horizon that held a fill.
    """

    horizon_s: float
    count: int
    mean_bps: float
    se_bps: float
    blocks: int

    @property
    def sufficient(self) -> bool:
        """Whether the mean may be quoted at all."""
        return self.blocks >= LEAST_BLOCKS


class CoinRun(msgspec.Struct, frozen=True):
    """One coin's run. USD notional; `two_sided_fraction` of the time the coin was up; `reason` why a side is silent."""

    coin: str
    quotes_sent: int
    fills: int
    volume_usd: float
    inventory_lots: int
    inventory_usd: float
    two_sided_fraction: float
    markouts: tuple[MarkoutRow, ...]
    pnl: PnlParts
    bid_reason: str
    ask_reason: str


class AccountRun(msgspec.Struct, frozen=True):
    """The account at the end, USD; drawdown as `risk.drawdown` defines it."""

    mode: str
    start_equity_usd: float
    end_equity_usd: float
    net_transfers_usd: float
    drawdown_usd: float
    drawdown_fraction: float


class LatencyRun(msgspec.Struct, frozen=True):
    """How long commands took to the venue's socket, microseconds."""

    count: int
    p50_us: float
    p99_us: float
    max_us: float


class ActionsRun(msgspec.Struct, frozen=True):
    """What was asked of the venue: commands by kind, refusals by class, and the budgets they were charged to."""

    placed: int
    modified: int
    cancelled: int
    refused: tuple[tuple[str, int], ...]
    day_used: int
    day_cap: int
    address_used: int
    address_cap: int


class RunReport(msgspec.Struct, frozen=True):
    """A whole run. `orders_left_open` is the venue's own count after the last cancel; None when it was not readable.

    `doubts` says of which coins the books are not complete or cannot be answered for, and why.
    `latency` is tick to wire of what market frames caused, `latency_other` of what timers, fills, answers and
    allocations caused, `latency_gateway` the part of both that was spent in the gateway.
    """

    run: int
    version: str
    started_ms: int
    duration_s: float
    venue: str
    coins: tuple[CoinRun, ...]
    pnl: PnlParts
    closing: Closing
    account: AccountRun
    latency: LatencyRun
    latency_other: LatencyRun
    latency_gateway: LatencyRun
    actions: ActionsRun
    risk_state: str
    risk_reasons: tuple[str, ...]
    orders_left_open: int | None
    note: str = ""
    doubts: tuple[str, ...] = ()


def report_json(report: RunReport) -> bytes:
    """The report as indented JSON; derived answers (`sufficient`, `closes`, totals) are written out beside the data."""
    tree = msgspec.to_builtins(report)
    tree["pnl"]["total_1e8"] = report.pnl.total_1e8
    tree["closing"]["closes"] = report.closing.closes
    for row, coin in zip(tree["coins"], report.coins, strict=True):
        row["pnl"]["total_1e8"] = coin.pnl.total_1e8
        for cell, markout in zip(row["markouts"], coin.markouts, strict=True):
            cell["sufficient"] = markout.sufficient
    return msgspec.json.format(msgspec.json.encode(tree), indent=2)
