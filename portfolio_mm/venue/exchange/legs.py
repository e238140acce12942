"""Reading one order against the grids of its coin (HL §2.2, §6)."""

from typing import Final

from portfolio_mm.domain.price_grid import tick_step
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.venue.clearinghouse.orders import Draft, Trigger
from portfolio_mm.venue.exchange import wording
from portfolio_mm.venue.exchange.wording import Refused, Why
from portfolio_mm.venue.protocol.actions import OrderWire, cloid
from portfolio_mm.venue.protocol.amounts import PLAIN_DECIMAL, parse_decimal
from portfolio_mm.venue.state import VenueState

MAX_UNITS: Final = (1 << 63) - 1
"""The books count in 64 bits."""


def read(state: VenueState, wire: OrderWire, *, position: bool = False) -> Draft | Refused:
    """The order of a leg, or why there is none; `position` says that it belongs to a position and may have no size.

    What is refused here leaves a record with an oid of its own, but not `Order has invalid price.` (HL §2.2).
    """
    coin = state.listing.by_asset(wire.a)
    if coin is None:
        return Refused(wording.UNKNOWN_ASSET, wire.a)
    texts = [wire.p] if wire.t.trigger is None else [wire.p, wire.t.trigger.trigger_px]
    prices = [_units(text, coin.px_decimals) for text in texts]
    if any(isinstance(px, str) or (px is not None and not 0 < px <= MAX_UNITS) for px in prices):
        return Refused(wording.BAD_PRICE, wire.a)
    floors = [_floor(text, coin.px_decimals) for text in texts]
    trigger = None
    if wire.t.trigger is not None:
        trigger = Trigger(floors[1], wire.t.trigger.is_market, wire.t.trigger.tpsl, position)
    tif = wire.t.limit.tif if wire.t.limit is not None else None
    named = cloid(wire.c) if wire.c is not None else None
    sz_lots = _floor(wire.s, coin.sz_decimals)
    draft = Draft(coin, BUY if wire.b else SELL, floors[0], sz_lots, wire.r, tif, named, trigger)
    why = _size_fault(wire.s, coin.sz_decimals, may_be_zero=position)
    if why is None and (None in prices or off_grid(draft)):
        why = wording.OFF_TICK
    return draft if why is None else Refused(why.text, wire.a, why.status, draft)


def _size_fault(text: str, decimals: int, *, may_be_zero: bool) -> Why | None:
    sz = _units(text, decimals)
    if not isinstance(sz, int) or not 0 <= sz <= MAX_UNITS:
        return wording.BAD_SIZE
    return wording.ZERO_SIZE if sz == 0 and not may_be_zero else None


def _units(text: str, decimals: int) -> int | str | None:
    """Units of a decimal, None when it is finer than the grid, the text itself when it is no number."""
    try:
        return parse_decimal(text, decimals)
    except ValueError:
        return text


def _floor(text: str, decimals: int) -> int:
    """Whole units of a decimal, for the record of a refused order: 0 when it is no number."""
    if not PLAIN_DECIMAL.fullmatch(text):
        return 0
    whole, _, fraction = text.partition(".")
    return max(0, min(MAX_UNITS, int(whole + fraction[:decimals].ljust(decimals, "0"))))


def off_grid(draft: Draft) -> bool:
    """Whether a price has more than five significant figures (HL §6.1)."""
    prices = [draft.px_ticks] if draft.trigger is None else [draft.px_ticks, draft.trigger.px_ticks]
    return any(px % tick_step(px, draft.instrument.px_decimals) for px in prices)


def off_reference(state: VenueState, draft: Draft) -> str | None:
    """The refusal of a price too far from the oracle, which the venue says of a whole batch (HL §2.1, §7.5)."""
    percent = state.settings.reference_band_percent
    reference = state.books[draft.instrument.index].oracle_ticks
    if abs(draft.px_ticks - reference) * 100 <= percent * reference:
        return None
    return wording.TOO_FAR.format(percent=percent)
