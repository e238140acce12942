"""One hand-written view, as the gateway would send it."""

from typing import Any

import msgspec

from portfolio_mm.actors.budget_view import BudgetView
from portfolio_mm.actors.messages import (
    AllocationView,
    CoinReport,
    Markout,
    Pnl,
    Score,
    SideReport,
    View,
)
from portfolio_mm.actors.view_rows import LatencyView, PartHealth
from portfolio_mm.domain.limits import RiskState

BID = SideReport((83756.0,), (0.002,), (("static", 2.1), ("fee", 1.5)), "", "", 0.4, 0.5, 0.2)
ASK = SideReport((), (), (), "CANNOT_PAY", "no quote can pay: spread 0.09 bps, fee 1.5 bps", 0.4, 0.5, 0.2)


def coin(name: str = "BTC") -> CoinReport:
    return CoinReport(
        coin=name,
        index=0,
        epoch=1,
        venue_ms=1,
        bid_px=83757.0,
        ask_px=83758.0,
        mark_px=83757.5,
        fair_px=83757.4,
        sigma_bps=0.8,
        sigma_raw_bps=0.9,
        clip_usd=150.0,
        maker_fee_bps=1.5,
        inventory_lots=200,
        inventory_usd=167.5,
        target_usd=0.0,
        limit_usd=2000.0,
        allocation_version=3,
        sides=(BID, ASK),
        markouts=(Markout(5.0, 12, 0.4, 0.3, 9),),
        pnl=Pnl(spread_1e8=12_300_000),
        parts=(PartHealth("fair_value", 100, 0.1, ready=True),),
        feed_age_s=(("bbo", 0.1),),
        events=1000,
        malformed=2,
        quotes_sent=12,
        fills=3,
        volume_usd=450.0,
        quoting_s=100.0,
        two_sided_s=90.0,
        warm=True,
        scores=(Score("fair", "reference", "forecast without it", 0.02, 0.005, 60, 0.83, "better"),),
    )


def view(**changes: Any) -> dict[str, Any]:
    whole = View(
        gateway_epoch=1,
        run=7,
        account="0x14791697260e4c9a71f18484c9f997b308e59325",
        mono_ns=1,
        venue_ms=1,
        mode="standard",
        equity_usd=10_001.5,
        start_equity_usd=10_000.0,
        free_collateral_usd=9_900.0,
        margin_used_usd=100.0,
        maintenance_usd=50.0,
        net_transfers_usd=0.0,
        run_transfers_usd=0.0,
        maker_fee_bps=1.5,
        taker_fee_bps=4.5,
        account_age_s=0.3,
        reconciled=True,
        positions=(),
        coins=(coin(),),
        risk_state=RiskState.GREEN,
        risk_reasons=(),
        permit_left_s=2.8,
        limits_version=1,
        budget=BudgetView(10, 10_000, 5, 0, 40, 1200, 0.0005),
        allocation=AllocationView(3, "clarabel", ("gross limit 6000 USD: one more USD would bring 0.01 USD/h",), 2.5),
        latency=LatencyView(10, 400.0, 700.0, 1800.0, 2500.0),
        latency_other=LatencyView(4, 500.0, 800.0, 1900.0, 2600.0),
        latency_gateway=LatencyView(14, 200.0, 300.0, 900.0, 1500.0),
        orders_open=2,
        orders_unknown=0,
        placed=20,
        modified=3,
        cancelled=4,
        refused=(),
        fills=3,
        volume_usd=450.0,
        user_stream_age_s=0.2,
        peers=(),
        watchdog_age_s=0.2,
        stopping=False,
    )
    plain: dict[str, Any] = msgspec.to_builtins(whole)
    return plain | changes


class Fixed:
    """A source whose view the test sets."""

    def __init__(self, shown: dict[str, Any] | None, age_s: float = 0.1) -> None:
        self.shown = shown
        self.age = age_s

    def view(self) -> dict[str, Any] | None:
        return self.shown

    def age_s(self) -> float:
        return self.age
