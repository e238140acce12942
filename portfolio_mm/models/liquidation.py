"""How far an account is from liquidation: maintenance margin by tiers, and the adverse move that uses the margin up.

Source: HL §8.2, §8.3. Positions that share collateral are judged together: equity against the sum of maintenance. Both
are piecewise linear in the price, and equity falls faster than maintenance can (its rate is at most a half), so there
is one crossing; the walk over the tiers finds it exactly, in the tier of the notional *at that price*.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple


class Tier(NamedTuple):
    """From this notional (USD) on this much leverage is allowed; maintenance is half the initial margin there."""

    lower_usd: float
    max_leverage: int


Tiers = tuple[Tier, ...]


class Leg(NamedTuple):
    """One position: signed notional at mark, USD, and the margin tiers of its coin, the lowest first."""

    notional_usd: float
    tiers: Tiers

    def at(self, move: float) -> float:
        """Notional after an adverse move (fraction of the price); a long is worth nothing at 1, and stays so."""
        sign = 1.0 if self.notional_usd > 0.0 else -1.0
        return abs(self.notional_usd) * max(0.0, 1.0 - sign * move)

    def lost(self, move: float) -> float:
        """Money lost by an adverse move, USD."""
        return abs(self.notional_usd) * (min(1.0, move) if self.notional_usd > 0.0 else move)


def maintenance_usd(notional_usd: float, tiers: Tiers) -> float:
    """Maintenance margin of an unsigned notional: each part at the rate of its tier (HL §8.2, deductions written out).

    >>> btc = (Tier(0.0, 40), Tier(150e6, 20))
    >>> maintenance_usd(377_667.0, btc), maintenance_usd(200e6, btc)
    (4720.8375, 3125000.0)
    """
    needed = 0.0
    for number, tier in enumerate(tiers):
        above = tiers[number + 1].lower_usd if number + 1 < len(tiers) else inf
        needed += max(0.0, min(notional_usd, above) - tier.lower_usd) / (2 * tier.max_leverage)
    return needed


def adverse_move(equity_usd: float, legs: Sequence[Leg], others_usd: float = 0.0) -> float:
    """Fraction by which every leg's price must move against it at once until equity meets maintenance.

    Args:
        equity_usd: what backs the legs, with their unrealised profit.
        legs: positions that move.
        others_usd: maintenance of positions that share the equity and stand still.

    Returns:
        0 when it is there already, infinity when no move can bring it there.

    >>> round(adverse_move(10_000.0, [Leg(100_000.0, (Tier(0.0, 40),))]), 6)  # (E - M) / n / (1 - 1/80), HL §8.3
    0.088608
    """

    def spare(move: float) -> float:
        needed = others_usd + sum(maintenance_usd(leg.at(move), leg.tiers) for leg in legs)
        return equity_usd - sum(leg.lost(move) for leg in legs) - needed

    now = spare(0.0)
    if now <= 0.0:
        return 0.0
    straight = _within_tiers(now, legs)
    if straight is not None:
        return straight
    knots = sorted({knot for leg in legs for knot in _knots(leg)})
    low, high = 0, len(knots)  # the first knot at which nothing is spare
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if spare(knots[middle]) <= 0.0 else (middle + 1, high)
    start = knots[low - 1] if low else 0.0
    end = knots[low] if low < len(knots) else start + 1.0
    left, right = spare(start), spare(end)
    return inf if right >= left else start + (end - start) * left / (left - right)


def _within_tiers(spare_usd: float, legs: Sequence[Leg]) -> float | None:
    """The move when no leg leaves the tier it is in on the way, as nearly always; None when one would."""
    fall, bounds = 0.0, []
    for leg in legs:
        size, sign = abs(leg.notional_usd), 1.0 if leg.notional_usd > 0.0 else -1.0
        lower, upper, leverage = 0.0, inf, leg.tiers[0].max_leverage
        for tier in leg.tiers[1:]:
            if tier.lower_usd > size:
                upper = tier.lower_usd
                break
            lower, leverage = tier.lower_usd, tier.max_leverage
        fall += size * (1.0 - sign / (2 * leverage))
        bounds.append((1.0 - lower / size if sign > 0.0 else upper / size - 1.0) if size > 0.0 else inf)
    move = spare_usd / fall if fall > 0.0 else inf
    return move if move <= min(bounds, default=inf) and fall > 0.0 else None


def _knots(leg: Leg) -> list[float]:
    """Moves at which a leg's loss or maintenance changes its slope."""
    size = abs(leg.notional_usd)
    if size == 0.0:
        return []
    if leg.notional_usd > 0.0:
        return [1.0, *(1.0 - tier.lower_usd / size for tier in leg.tiers if 0.0 < tier.lower_usd < size)]
    return [tier.lower_usd / size - 1.0 for tier in leg.tiers if tier.lower_usd > size]
