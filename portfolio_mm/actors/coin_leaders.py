"""The coins another one may follow: their best prices as LEADER events."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.frame_key import FrameKey
from portfolio_mm.domain.events import EVENT, LAST, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.settings.plan import Plan


def leaders_of(plan: Plan, instruments: Sequence[Instrument]) -> tuple[str, ...]:
    """Coins the others may follow: those named that the run trades, else its first."""
    traded = tuple(each.coin for each in instruments)
    return tuple(coin for coin in plan.portfolio.leaders if coin in traded) or traded[:1]


def leader_streams(plan: Plan, instruments: Sequence[Instrument], coin: str) -> tuple[FrameKey, ...]:
    """What a coin hears of its leaders."""
    return tuple(FrameKey("bbo", leader) for leader in leaders_of(plan, instruments) if leader != coin)


def as_leaders(rows: npt.NDArray[Any], count: int, coin: int) -> int:
    """Turn the BBO of another coin into a LEADER event, in place; how many rows are left.

    A frame is about one coin. A book of another coin that has only one side, or is crossed, says nothing.
    """
    if count == 0 or rows["coin"][0] == coin:
        return count
    bid, ask = float(rows["bid_px"][0, 0]), float(rows["ask_px"][0, 0])
    if rows["kind"][0] != EventKind.BBO or not 0.0 < bid < ask:
        return 0
    leader, venue_ms, recv_ns = rows["coin"][0], rows["venue_ms"][0], rows["recv_ns"][0]
    rows[:1] = np.zeros(1, EVENT)
    rows["kind"][0], rows["coin"][0], rows["bits"][0] = EventKind.LEADER, leader, LAST
    rows["venue_ms"][0], rows["recv_ns"][0], rows["px"][0] = venue_ms, recv_ns, 0.5 * (bid + ask)
    return 1
