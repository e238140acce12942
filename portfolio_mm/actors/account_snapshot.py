"""From the gateway's view to what the monitors read."""

from collections.abc import Mapping
from typing import Final

from portfolio_mm.actors.messages import CoinReport, View
from portfolio_mm.actors.view_rows import PositionView
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.risk.drawdown import Marks
from portfolio_mm.risk.snapshot import CoinSnapshot, PotSnapshot, Snapshot

NEVER_S: Final = float("inf")
UNKNOWN_USD: Final = float("nan")
"""A position without a mark is of unknown size, not of none: the snapshot is not known, and no permit follows."""
QUOTE_FEEDS: Final = frozenset({"bbo", "l2Book", "BBO", "BOOK", "book"})


def snapshot_of(view: View, marks: Marks, instruments: Mapping[str, Instrument], user_kill: str) -> Snapshot:
    """The account as one snapshot; a coin that never reported has a feed that was never heard."""
    reports = {report.coin: report for report in view.coins}
    return Snapshot(
        taken_ns=view.mono_ns,
        venue_ms=view.venue_ms,
        equity_usd=view.equity_usd,
        margin_used_usd=view.margin_used_usd,
        maintenance_usd=view.maintenance_usd,
        marks=marks,
        account_age_s=view.account_age_s,
        user_stream_age_s=view.user_stream_age_s,
        watchdog_age_s=view.watchdog_age_s,
        reconciled=view.reconciled,
        coins=tuple(
            _coin(position, reports.get(position.coin), instruments[position.coin])
            for position in view.positions
            if position.coin in instruments
        ),
        day_used=view.budget.day_used,
        day_cap=view.budget.day_cap,
        address_used=view.budget.address_used,
        address_cap=view.budget.address_cap,
        user_kill=user_kill,
        pots=tuple(
            PotSnapshot(pot.name, pot.coins, pot.equity_usd, pot.maintenance_usd, pot.all_move) for pot in view.pots
        ),
        liquidated_age_s=view.liquidated_age_s,
        deleveraged_age_s=view.deleveraged_age_s,
    )


def _coin(position: PositionView, report: CoinReport | None, instrument: Instrument) -> CoinSnapshot:
    def usd(lots: int) -> float:
        if not lots:
            return 0.0
        return instrument.sz(lots) * position.mark_px if position.mark_px > 0.0 else UNKNOWN_USD

    return CoinSnapshot(
        coin=position.coin,
        position_usd=usd(position.szi_lots),
        worst_long_usd=max(0.0, usd(position.worst_long_lots)),
        worst_short_usd=max(0.0, usd(abs(position.worst_short_lots))),
        feed_age_s=_feed_age_s(report),
    )


def _feed_age_s(report: CoinReport | None) -> float:
    """Age of the newest quote a coin heard: the younger of its best-bid-offer and its book."""
    ages = [age_s for name, age_s in report.feed_age_s if name in QUOTE_FEEDS] if report is not None else []
    return min(ages, default=NEVER_S)
