"""What a coin reports, for those who only need its mark."""

from portfolio_mm.actors.messages import CoinReport, Pnl, SideReport
from portfolio_mm.domain.instrument import Instrument


def report_of(instrument: Instrument, epoch: int, mid_px: float, venue_ms: int) -> CoinReport:
    """A report with a mark and nothing else."""
    side = SideReport((), (), (), "", "", 0.0, 0.0, 0.0)
    return CoinReport(
        coin=instrument.coin,
        index=instrument.index,
        epoch=epoch,
        venue_ms=venue_ms,
        bid_px=mid_px,
        ask_px=mid_px,
        mark_px=mid_px,
        fair_px=mid_px,
        sigma_bps=1.0,
        sigma_raw_bps=1.0,
        clip_usd=40.0,
        maker_fee_bps=1.5,
        inventory_lots=0,
        inventory_usd=0.0,
        target_usd=0.0,
        limit_usd=0.0,
        allocation_version=0,
        sides=(side, side),
        markouts=(),
        pnl=Pnl(),
        parts=(),
        feed_age_s=(),
        events=0,
        malformed=0,
        quotes_sent=0,
        fills=0,
        volume_usd=0.0,
        quoting_s=0.0,
        two_sided_s=0.0,
        warm=True,
    )
