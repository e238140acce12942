"""The account as the only ledger knows it, put into words for everybody who watches."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from portfolio_mm.actors.gateway.account_view import NEVER_S
from portfolio_mm.actors.gateway.causes import Cause
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.actors.gateway.worst_case import position_limit_usd
from portfolio_mm.actors.messages import CoinReport, View
from portfolio_mm.actors.view_rows import PositionView
from portfolio_mm.domain.order import OrderState
from portfolio_mm.domain.units import BUY, SELL, USD_1E8
from portfolio_mm.hyperliquid.account import MODE_WORDS


class Pulse(NamedTuple):
    """What only the gateway's rhythm knows."""

    user_stream_age_s: float
    peers: tuple[tuple[str, float], ...]
    watchdog_age_s: float
    stopping: bool
    malformed: int


def build(parts: Parts, reports: Mapping[int, CoinReport], pulse: Pulse) -> View:
    """One view, now."""
    now_ns = time.monotonic_ns()
    truth, desk, permits, ledger = parts.money.truth, parts.desk, parts.permits, parts.ledger
    now_ms = parts.clock.now_ms(now_ns)
    orders = [order for order in ledger.orders() if not order.over]
    return View(
        gateway_epoch=parts.epoch,
        run=parts.run,
        account=parts.config.account,
        mono_ns=now_ns,
        venue_ms=now_ms,
        mode=MODE_WORDS[parts.money.mode],
        equity_usd=parts.money.equity_usd,
        start_equity_usd=parts.money.start_equity_usd,
        free_collateral_usd=parts.money.free_usd,
        margin_used_usd=0.0 if truth is None else truth.margin_used_usd,
        maintenance_usd=0.0 if truth is None else truth.maintenance_usd,
        net_transfers_usd=parts.transfers.total_usd,
        run_transfers_usd=parts.transfers.run_usd,
        maker_fee_bps=0.0 if truth is None else truth.maker_fee_bps,
        taker_fee_bps=0.0 if truth is None else truth.taker_fee_bps,
        account_age_s=parts.money.age_s,
        reconciled=parts.guard.reconciled,
        positions=tuple(_position(parts, instrument.index) for instrument in ledger.instruments),
        coins=tuple(reports[index] for index in sorted(reports)),
        risk_state=permits.state(now_ns),
        risk_reasons=permits.reasons(now_ns),
        permit_left_s=permits.left_ns(now_ns) / 1e9,
        limits_version=0 if permits.limits is None else permits.limits.version,
        budget=parts.budgets.view(now_ms, now_ns),
        allocation=parts.allotment.view(),
        latency=parts.latency.market.view(),
        latency_other=parts.latency.other.view(),
        latency_gateway=parts.latency.gateway.view(),
        orders_open=sum(order.oid != 0 for order in orders),
        orders_unknown=sum(order.state is OrderState.UNKNOWN for order in orders),
        placed=desk.placed,
        modified=desk.modified,
        cancelled=desk.cancelled,
        refused=tuple((refusal.name, count) for refusal, count in sorted(desk.refused.items())),
        fills=ledger.fills,
        volume_usd=ledger.traded_usd,
        user_stream_age_s=min(NEVER_S, pulse.user_stream_age_s),
        peers=pulse.peers,
        watchdog_age_s=min(NEVER_S, pulse.watchdog_age_s),
        stopping=pulse.stopping,
        malformed=pulse.malformed,
        pots=parts.money.pots(),
        notices=parts.moods.words(),
        others=tuple((cause.name, count) for cause, count in sorted(parts.others.counts.items())),
        others_text=parts.others.last_text,
        liquidated_age_s=parts.others.age_s(Cause.LIQUIDATION),
        deleveraged_age_s=parts.others.age_s(Cause.DELEVERAGING),
    )


def _position(parts: Parts, coin: int) -> PositionView:
    ledger, instrument = parts.ledger, parts.ledger.instruments[coin]
    position, exposure, mark = ledger.positions[coin], ledger.exposure(coin), parts.market.mark_px[coin]
    limits = parts.permits.limits
    profit = instrument.sz(position.szi_lots) * (mark - position.entry_px) if mark > 0.0 else 0.0
    return PositionView(
        coin=instrument.coin,
        szi_lots=position.szi_lots,
        entry_px=position.entry_px,
        mark_px=mark,
        unrealised_1e8=round(profit * USD_1E8),
        worst_long_lots=max(0, exposure.worst(BUY)),
        worst_short_lots=max(0, exposure.worst(SELL)),
        open_orders=sum(not order.over for order in ledger.orders(coin)),
        max_position_usd=0.0 if limits is None else position_limit_usd(limits, instrument.coin),
    )
