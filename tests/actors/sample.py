"""A healthy account as the gateway would show it; a test names what is different."""

import time

import msgspec

from portfolio_mm.actors.budget_view import BudgetView
from portfolio_mm.actors.messages import AllocationView, CoinReport, Pnl, SideReport, View
from portfolio_mm.actors.view_rows import LatencyView, PositionView
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import RiskState

BTC = Instrument(coin="BTC", asset=0, index=0, sz_decimals=5, max_leverage=40)
ETH = Instrument(coin="ETH", asset=1, index=1, sz_decimals=4, max_leverage=25)
INSTRUMENTS = (BTC, ETH)
SIDE = SideReport((100.0,), (1.0,), (), "", "", 0.4, 0.5, 0.2)


def report(instrument: Instrument, mark_px: float = 100.0, feed_age_s: float = 0.1) -> CoinReport:
    return CoinReport(
        coin=instrument.coin,
        index=instrument.index,
        epoch=1,
        venue_ms=1_790_000_000_000,
        bid_px=mark_px - 0.1,
        ask_px=mark_px + 0.1,
        mark_px=mark_px,
        fair_px=mark_px,
        sigma_bps=1.0,
        sigma_raw_bps=1.0,
        clip_usd=150.0,
        maker_fee_bps=1.5,
        inventory_lots=0,
        inventory_usd=0.0,
        target_usd=0.0,
        limit_usd=2_000.0,
        allocation_version=1,
        sides=(SIDE, SIDE),
        markouts=(),
        pnl=Pnl(),
        parts=(),
        feed_age_s=(("bbo", feed_age_s), ("l2Book", feed_age_s)),
        events=10,
        malformed=0,
        quotes_sent=2,
        fills=0,
        volume_usd=0.0,
        quoting_s=1.0,
        two_sided_s=1.0,
        warm=True,
    )


def position(instrument: Instrument, mark_px: float = 100.0) -> PositionView:
    return PositionView(
        coin=instrument.coin,
        szi_lots=0,
        entry_px=0.0,
        mark_px=mark_px,
        unrealised_1e8=0,
        worst_long_lots=100,
        worst_short_lots=100,
        open_orders=2,
        max_position_usd=2_000.0,
    )


def view(*, equity_usd: float = 10_000.0, run: int = 7, reconciled: bool = True, transfers_usd: float = 0.0) -> View:
    return View(
        gateway_epoch=1,
        run=run,
        account="0xabc",
        mono_ns=time.monotonic_ns(),
        venue_ms=1_790_000_000_000,
        mode="unified",
        equity_usd=equity_usd,
        start_equity_usd=10_000.0,
        free_collateral_usd=equity_usd,
        margin_used_usd=0.0,
        maintenance_usd=0.0,
        net_transfers_usd=transfers_usd,
        run_transfers_usd=transfers_usd,
        maker_fee_bps=1.5,
        taker_fee_bps=4.5,
        account_age_s=0.1,
        reconciled=reconciled,
        positions=tuple(position(each) for each in INSTRUMENTS),
        coins=tuple(report(each) for each in INSTRUMENTS),
        risk_state=RiskState.GREEN,
        risk_reasons=(),
        permit_left_s=3.0,
        limits_version=1,
        budget=BudgetView(0, 10_000, 0, 50_000, 0, 1_200, 0.0),
        allocation=AllocationView(),
        latency=LatencyView(0, 0.0, 0.0, 0.0, 0.0),
        latency_other=LatencyView(0, 0.0, 0.0, 0.0, 0.0),
        latency_gateway=LatencyView(0, 0.0, 0.0, 0.0, 0.0),
        orders_open=4,
        orders_unknown=0,
        placed=4,
        modified=0,
        cancelled=0,
        refused=(),
        fills=0,
        volume_usd=0.0,
        user_stream_age_s=0.1,
        peers=(),
        watchdog_age_s=0.1,
        stopping=False,
    )


def with_feed_age(whole: View, coin: str, age_s: float) -> View:
    """The same view, in which one coin's feed was heard `age_s` ago."""
    coins = tuple(
        msgspec.structs.replace(each, feed_age_s=(("bbo", age_s), ("l2Book", age_s))) if each.coin == coin else each
        for each in whole.coins
    )
    return msgspec.structs.replace(whole, coins=coins)
