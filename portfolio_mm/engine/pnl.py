"""Where money came from, in integer 1e-8 USD without residual (features D7, E; theory §8).

A tick times a lot is 1e-6 USD, so a price in ticks counts 100 and a half-tick mid 50 units of 1e-8 USD per lot: every
item is exact. Along the path of mids:

    spread     per fill   sign (mid - px) size
    inventory  per move   position (mid' - mid)
    adverse    per fill   sign (mid_h - mid_fill) size, moved out of inventory when the markout at h resolves
    fees       per fill   minus the fee (rebates positive)
    funding    per payment
    basis      now        position (mark - mid), minus what it was when positions were taken over

Their sum is cash + position * mark, exactly, where cash is minus what fills cost, fees, funding, and minus the value at
mark of positions found at the start (they are taken over at mark, so nothing earned before counts here).
"""

from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

HEARS = ("FILL", "POSITION", "FUNDING", "BBO", "BOOK", "CONTEXT", "TIMER")
PX_1E8 = 100
"""1e-8 USD in one tick of one lot."""
MID_1E8 = 50
"""1e-8 USD in one half-tick of one lot."""

PNL = record(
    [
        ("lots", "i8"),
        ("mid2", "i8"),
        ("mark2", "i8"),
        ("cash_1e8", "i8"),
        ("spread_1e8", "i8"),
        ("adverse_1e8", "i8"),
        ("inventory_1e8", "i8"),
        ("fees_1e8", "i8"),
        ("funding_1e8", "i8"),
        ("taken_over_1e8", "i8"),
    ]
)
"""`mid2` is bid plus ask ticks, `mark2` twice the mark (0 unknown: the mid serves); `taken_over_1e8` the basis of
positions when they were taken over."""


@nb.njit(cache=True)
def follow_mid(pnl: Any, mid2: int) -> None:
    """The mid moved: inventory earns or loses. The first mid only sets the path's start."""
    if mid2 <= 0:
        return
    if pnl.mid2 > 0:
        pnl.inventory_1e8 += pnl.lots * (mid2 - pnl.mid2) * MID_1E8
    elif pnl.lots != 0:
        pnl.cash_1e8 -= pnl.lots * mid2 * MID_1E8
    pnl.mid2 = mid2


@nb.njit(cache=True)
def on_fill(pnl: Any, sign: int, lots: int, px_ticks: int, fee_1e8: int) -> None:
    """Own fill; `sign` +1 bought, -1 sold; `fee_1e8` positive when paid. Before any mid, its own price is the mid."""
    if pnl.mid2 == 0:
        follow_mid(pnl, 2 * px_ticks)
    pnl.spread_1e8 += sign * lots * (pnl.mid2 * MID_1E8 - px_ticks * PX_1E8)
    pnl.cash_1e8 -= sign * lots * px_ticks * PX_1E8 + fee_1e8
    pnl.fees_1e8 -= fee_1e8
    pnl.lots += sign * lots


@nb.njit(cache=True)
def on_adverse(pnl: Any, sign: int, lots: int, mid2_fill: int, mid2_due: int) -> None:
    """A markout at the learned horizon resolved: its share of the mid's move was adverse selection, not inventory."""
    move_1e8 = sign * lots * (mid2_due - mid2_fill) * MID_1E8
    pnl.adverse_1e8 += move_1e8
    pnl.inventory_1e8 -= move_1e8


@nb.njit(cache=True)
def on_funding(pnl: Any, payment_1e8: int) -> None:
    """Funding, positive when received."""
    pnl.funding_1e8 += payment_1e8
    pnl.cash_1e8 += payment_1e8


@nb.njit(cache=True)
def mark2_of(pnl: Any) -> int:
    """Twice the mark in ticks; the mid when no mark is known."""
    return pnl.mark2 if pnl.mark2 > 0 else pnl.mid2  # type: ignore[no-any-return]


@nb.njit(cache=True)
def take_over(pnl: Any, lots: int) -> None:
    """The venue says the position is `lots`: the difference is taken over at mark (at the first mid if none yet)."""
    change = lots - pnl.lots
    if change == 0:
        return
    if pnl.mid2 > 0:
        mark2 = mark2_of(pnl)
        pnl.cash_1e8 -= change * mark2 * MID_1E8
        pnl.taken_over_1e8 += change * (mark2 - pnl.mid2) * MID_1E8
    pnl.lots = lots


@nb.njit(cache=True)
def basis_1e8(pnl: Any) -> int:
    """Mark minus mid on the position now, less what was taken over."""
    return pnl.lots * (mark2_of(pnl) - pnl.mid2) * MID_1E8 - pnl.taken_over_1e8  # type: ignore[no-any-return]


@nb.njit(cache=True)
def parts_1e8(pnl: Any) -> int:
    """Sum of all items."""
    gained = pnl.spread_1e8 + pnl.adverse_1e8 + pnl.inventory_1e8
    return gained + pnl.fees_1e8 + pnl.funding_1e8 + basis_1e8(pnl)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def equity_1e8(pnl: Any) -> int:
    """Cash plus position at mark: what the items must sum to."""
    return pnl.cash_1e8 + pnl.lots * mark2_of(pnl) * MID_1E8  # type: ignore[no-any-return]
