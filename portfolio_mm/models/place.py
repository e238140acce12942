"""The place of one own order in its queue, from level sizes and prints (hftbacktest's rule; theory §5).

A new order joins the back. Until a frame later than its acceptance shows its level, what is ahead is NaN. From then on
prints at the price take from the front, and what else the level loses between two frames was cancelled, ahead or
behind by the power model (`cancel_split`). A print that comes after a frame of its block or of a later one was already
missing in it: the frame is worked through again with the print known.
"""

from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.cancel_split import POWER, front_after_depth

PLACE = record(
    [
        ("key", "u8"),
        ("px_ticks", "i8"),
        ("rest_ns", "i8"),
        ("frame_ns", "i8"),
        ("own_lots", "f8"),
        ("ahead_lots", "f8"),
        ("level_lots", "f8"),
        ("traded_lots", "f8"),
        ("old_ahead_lots", "f8"),
        ("old_level_lots", "f8"),
        ("old_traded_lots", "f8"),
    ]
)
"""`key` is the order's cloid (low word; 0: no order), `frame_ns` block time of the newest frame that showed its level
(0: none yet); `level_lots` of others there, `traded_lots` of others since that frame, `old_*` just before it."""


@nb.njit(cache=True)
def leave(place: Any) -> None:
    """No order here."""
    place.key = 0
    place.px_ticks = 0
    place.rest_ns = 0
    place.frame_ns = 0
    place.own_lots = 0.0
    place.ahead_lots = np.nan
    place.level_lots = np.nan
    place.traded_lots = 0.0
    place.old_ahead_lots = np.nan
    place.old_level_lots = np.nan
    place.old_traded_lots = 0.0


@nb.njit(cache=True)
def stand(place: Any, key: int, px_ticks: int, own_lots: float, now_ns: int) -> bool:
    """An order with `own_lots` left rests here at block time `now_ns`; True when it is another one than before."""
    is_new = place.key != key
    if is_new:
        leave(place)
        place.key = key
        place.px_ticks = px_ticks
        place.rest_ns = now_ns
    place.own_lots = own_lots
    return is_new  # type: ignore[no-any-return]


@nb.njit(cache=True)
def see(place: Any, frame_ns: int, others_lots: float, settle_ns: int, exponent: float) -> float:
    """A frame of block time `frame_ns` shows `others_lots` of others at our price.

    Returns:
        Lots cancelled before us since the last one.
    """
    if place.key == 0 or frame_ns < place.frame_ns:
        return 0.0
    if place.frame_ns == 0:
        if frame_ns >= place.rest_ns + settle_ns:
            place.frame_ns = frame_ns
            place.ahead_lots = others_lots
            place.level_lots = others_lots
            place.old_ahead_lots = others_lots
            place.old_level_lots = others_lots
        return 0.0
    if frame_ns == place.frame_ns and others_lots == place.level_lots:
        return 0.0
    place.old_ahead_lots = place.ahead_lots
    place.old_level_lots = place.level_lots
    place.old_traded_lots = place.traded_lots
    place.level_lots = others_lots
    place.traded_lots = 0.0
    place.frame_ns = frame_ns
    place.ahead_lots = _after_frame(place, exponent)
    return place.old_ahead_lots - place.ahead_lots  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _after_frame(place: Any, exponent: float) -> float:
    """Lots ahead once the newest frame is accounted for."""
    level, old = place.level_lots, place.old_level_lots
    return front_after_depth(POWER, exponent, place.old_ahead_lots, old, level, place.old_traded_lots)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def trade(place: Any, trade_ns: int, print_lots: float, is_through: bool, exponent: float) -> float:  # noqa: FBT001 - compiled
    """A print on our side at our price, or `is_through`: beyond it, so nobody is before us any more.

    Returns:
        Lots that the newest frame's cancels shrink by: they were this print.
    """
    if place.frame_ns == 0 or trade_ns < place.rest_ns:
        return 0.0
    if is_through:
        place.ahead_lots = 0.0
        place.old_ahead_lots = 0.0
        return 0.0
    if trade_ns > place.frame_ns:
        taken = min(print_lots, place.ahead_lots)
        place.ahead_lots -= taken
        place.traded_lots += taken + max(0.0, print_lots - taken - place.own_lots)
        return 0.0
    known, old = place.ahead_lots, place.old_ahead_lots
    taken = min(print_lots, old)
    place.old_ahead_lots -= taken
    place.old_traded_lots += taken + max(0.0, print_lots - taken - place.own_lots)
    place.ahead_lots = min(known, _after_frame(place, exponent))
    return (old - known) - (place.old_ahead_lots - place.ahead_lots)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def reach_front(place: Any) -> None:
    """The order was filled in part: nobody is before it."""
    if place.frame_ns > 0:
        place.ahead_lots = 0.0
        place.old_ahead_lots = 0.0
