"""The run report for people: plain text, no claim without its interval."""

from collections.abc import Iterator, Sequence
from typing import Final

from portfolio_mm.portfolio.attribution import PnlParts
from portfolio_mm.portfolio.report import LEAST_BLOCKS, CoinRun, LatencyRun, MarkoutRow, RunReport

PARTS: Final = ("spread", "adverse", "inventory", "fees", "funding", "basis")
E8: Final = 1e8


def summary(report: RunReport) -> str:
    """The report as text of at most 110 columns."""
    return "\n".join([*_head(report), "", *_coins(report), "", *_markouts(report), "", *_money(report), *_tail(report)])


def _head(report: RunReport) -> Iterator[str]:
    account = report.account
    change_usd = account.end_equity_usd - account.start_equity_usd - account.net_transfers_usd
    yield f"run {report.run}: {report.duration_s:.1f} s on {report.venue}, portfolio-mm {report.version}"
    moved = f", {account.net_transfers_usd:+,.2f} USD moved in or out" if account.net_transfers_usd else ""
    yield (
        f"account ({account.mode}): equity {account.end_equity_usd:,.2f} USD, {change_usd:+,.4f} USD in this run, "
        f"drawdown {account.drawdown_usd:,.2f} USD ({account.drawdown_fraction:.2%}){moved}"
    )


def _coins(report: RunReport) -> Iterator[str]:
    rows = [
        (
            coin.coin,
            str(coin.quotes_sent),
            str(coin.fills),
            f"{coin.volume_usd:,.0f}",
            f"{coin.inventory_usd:+,.0f}",
            f"{coin.two_sided_fraction:.0%}",
            f"{coin.pnl.total_1e8 / E8:+,.4f}",
            _silence(coin),
        )
        for coin in report.coins
    ]
    head = ("coin", "quotes", "fills", "volume USD", "inventory USD", "two-sided", "PnL USD", "why not quoting")
    yield from _table(head, rows)


def _silence(coin: CoinRun) -> str:
    sides = (("bid", coin.bid_reason), ("ask", coin.ask_reason))
    return "; ".join(f"{side}: {reason}" for side, reason in sides if reason)


def _markouts(report: RunReport) -> Iterator[str]:
    yield f"markouts in bps, mean +- standard error (fills); insufficient under {LEAST_BLOCKS} independent blocks"
    horizons = sorted({row.horizon_s for coin in report.coins for row in coin.markouts})
    rows = [
        (coin.coin, *(_markout(next((r for r in coin.markouts if r.horizon_s == h), None)) for h in horizons))
        for coin in report.coins
    ]
    yield from _table(("coin", *(f"{h:g} s" for h in horizons)), rows)


def _markout(row: MarkoutRow | None) -> str:
    if row is None or row.count == 0:
        return "none"
    if not row.sufficient:
        return f"insufficient ({row.count})"
    return f"{row.mean_bps:+.2f} +- {row.se_bps:.2f} ({row.count})"


def _money(report: RunReport) -> Iterator[str]:
    yield "PnL in USD: " + ", ".join(f"{name} {_part(report.pnl, name):+,.4f}" for name in PARTS)
    closing = report.closing
    word = "closes" if closing.closes else "DOES NOT CLOSE"
    yield (
        f"books: parts {closing.explained_1e8 / E8:+,.8f}, venue {closing.change_1e8 / E8:+,.8f}, "
        f"gap {closing.gap_1e8 / E8:+,.8f} of {closing.tolerance_1e8 / E8:.8f} USD rounding: {word}"
    )
    yield from (f"books of {doubt}" for doubt in report.doubts)


def _part(pnl: PnlParts, name: str) -> float:
    return float(getattr(pnl, f"{name}_1e8")) / E8


def _tail(report: RunReport) -> Iterator[str]:
    actions = report.actions
    if report.latency.count + report.latency_other.count:
        yield f"tick to wire: {_ms(report.latency)} of what market frames caused"
        yield f"              {_ms(report.latency_other)} of what timers, fills and allocations caused"
        yield f"              {_ms(report.latency_gateway)} of both inside the gateway"
    else:
        yield "tick to wire: nothing was sent"
    refused = ", ".join(f"{name} {count}" for name, count in actions.refused) or "none"
    sent = f"{actions.placed} placed, {actions.modified} modified, {actions.cancelled} cancelled"
    yield f"actions: {sent}; refused: {refused}"
    day = f"{actions.day_used} of {actions.day_cap} a day, " if actions.day_cap else ""
    yield f"budget used: {day}{actions.address_used} of {actions.address_cap} of the address"
    yield "risk: " + "; ".join([report.risk_state, *report.risk_reasons])
    left = "UNKNOWN (the venue could not be read)" if report.orders_left_open is None else str(report.orders_left_open)
    yield f"orders left open at the venue: {left}"
    if report.note:
        yield report.note


def _ms(latency: LatencyRun) -> str:
    return f"p50 {latency.p50_us / 1e3:.2f} ms, p99 {latency.p99_us / 1e3:.2f} ms ({latency.count} sends)"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell, the first left-aligned, the last as it is."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
