"""Margin of one user (HL §8): equity, initial and maintenance margin, liquidation price. All money 1e-8 USD.

`marks` are mark prices in ticks by coin index. Cross positions share the cross ledger (in unified mode the whole
balance); an isolated one has only what it is worth itself. Initial margin of a cross coin covers the worse of its two
sides: the position with all its buys, or with all its sells, at their limit prices; reduce-only orders reserve
nothing. Of an isolated coin the cross ledger covers what its orders could add to the position.
"""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

from portfolio_mm.domain.instrument import POWERS, Instrument
from portfolio_mm.domain.units import BUY, USD_1E8
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8, Position
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.listing import tiers_of
from portfolio_mm.venue.protocol.amounts import rounded

Marks = Sequence[int]
PX_DECIMALS_SHOWN = 10


def open_positions(user: User, coins: Sequence[Instrument], *, isolated: bool) -> list[tuple[Instrument, Position]]:
    """Open positions of one kind, in the order of the listing."""
    return [(c, user.positions[c.index]) for c in coins if user.szi(c.index) and user.isolates(c) is isolated]


def perps_value_1e8(user: User, marks: Marks) -> int:
    """Raw USD and positions at mark, cross and isolated, of all dexes: the account value of a standard account."""
    worth = sum(p.worth_1e8(marks[i]) for i, p in user.positions.items())
    return user.raw_1e8 + sum(user.dexes_1e8.values()) + worth


def isolated_value_1e8(user: User, marks: Marks) -> int:
    """What the isolated positions are worth together."""
    return sum(p.worth_1e8(marks[i]) for i, p in user.positions.items() if p.isolated)


def equity_1e8(user: User, marks: Marks, dex: int = 0) -> int:
    """What backs the cross positions of a user in a dex: one balance of all in unified mode, with its credit (HL §8.6).

    Of a builder-deployed dex it is cash alone: its positions are isolated here.
    """
    if dex and not user.unified:
        return user.ledger_1e8(dex)
    cross = user.raw_1e8 + sum(p.value_1e8(marks[i]) for i, p in user.positions.items() if not p.isolated)
    return cross + (user.spot_1e8 + user.credit_1e8 if user.unified else 0)


def notional_1e8(user: User, marks: Marks) -> int:
    """Sum of absolute position values, cross and isolated."""
    return sum(abs(p.value_1e8(marks[i])) for i, p in user.positions.items())


def cross_notional_1e8(user: User, coins: Sequence[Instrument], marks: Marks) -> int:
    """Sum of absolute values of the cross positions in some coins."""
    return sum(abs(held.value_1e8(marks[coin.index])) for coin, held in open_positions(user, coins, isolated=False))


def position_margin_1e8(user: User, coin: Instrument, marks: Marks) -> int:
    """Margin a position uses (`marginUsed`): initial margin of a cross one, what an isolated one is worth."""
    held = user.positions.get(coin.index)
    if held is None or not held.szi:
        return 0
    mark = marks[coin.index]
    return held.worth_1e8(mark) if held.isolated else rounded(abs(held.value_1e8(mark)), user.leverage_of(coin))


def margin_used_1e8(user: User, coins: Sequence[Instrument], marks: Marks) -> int:
    """Initial margin of all cross positions: `totalMarginUsed` of the cross summary."""
    return sum(position_margin_1e8(user, coin, marks) for coin, _ in open_positions(user, coins, isolated=False))


def sides_1e8(user: User, without: OwnOrder | None = None) -> defaultdict[int, list[int]]:
    """Notional by coin and side of the resting orders that may open, `without` left out: one walk over all of them."""
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for order in user.open.values():
        if not order.reduce_only and order is not without:
            sums[order.instrument.index][order.side] += order.px_ticks * order.sz_lots * TICK_LOT_1E8
    return sums


def needed_1e8(user: User, coin: Instrument, value_1e8: int, sums: Sequence[int], leverage: int) -> int:
    """Cross equity that a position of a signed value needs with orders of so much on each side."""
    worst = max(abs(value_1e8), abs(value_1e8 + sums[BUY]), abs(value_1e8 - sums[1 - BUY]))
    return rounded(worst - (abs(value_1e8) if user.isolates(coin) else 0), leverage)


def coin_margin_1e8(
    user: User, coin: Instrument, marks: Marks, sums: Sequence[int], leverage: int | None = None
) -> int:
    """Cross equity one coin needs with orders of so much on each side; at another leverage if one is given."""
    held = user.positions.get(coin.index)
    value = held.value_1e8(marks[coin.index]) if held is not None else 0
    return needed_1e8(user, coin, value, sums, leverage or user.leverage_of(coin))


def initial_margin_1e8(user: User, coins: Sequence[Instrument], marks: Marks) -> int:
    """Initial margin of cross positions and of all exposure-increasing orders."""
    sums = sides_1e8(user)
    return sum(coin_margin_1e8(user, coin, marks, sums[coin.index]) for coin in coins)


def maintenance_1e8(coin: Instrument, value_1e8: int) -> int:
    """Maintenance margin of a position value: tiers with deductions (HL §8.2).

    >>> from portfolio_mm.domain.instrument import Instrument
    >>> btc = Instrument("BTC", 0, 0, 5, 40, 56)
    >>> maintenance_1e8(btc, 377_667 * 10**8), maintenance_1e8(btc, 200_000_000 * 10**8)
    (472083750000, 312500000000000)
    """
    size, needed, reached = abs(value_1e8), 0, tiers_of(coin)
    for number, (bound, leverage) in enumerate(reached):
        above = reached[number + 1][0] * USD_1E8 if number + 1 < len(reached) else size
        needed += rounded(max(0, min(size, above) - bound * USD_1E8), 2 * leverage)
    return needed


def maintenance_used_1e8(user: User, coins: Sequence[Instrument], marks: Marks) -> int:
    """Maintenance margin of all cross positions: `crossMaintenanceMarginUsed`."""
    cross = open_positions(user, coins, isolated=False)
    return sum(maintenance_1e8(coin, held.value_1e8(marks[coin.index])) for coin, held in cross)


def tier_limit_1e8(coin: Instrument, leverage: int) -> int | None:
    """Largest position value that may be opened at a leverage; None when the last tier still allows it (HL §8.2).

    >>> from portfolio_mm.domain.instrument import Instrument
    >>> btc = Instrument("BTC", 0, 0, 5, 40, 56)
    >>> tier_limit_1e8(btc, 40) == 150_000_000 * 10**8, tier_limit_1e8(btc, 20)
    (True, None)
    """
    return next((bound * USD_1E8 for bound, most in tiers_of(coin) if most < leverage), None)


def floor_1e8(user: User, coins: Sequence[Instrument], marks: Marks) -> int:
    """What must stay when money leaves: the larger of initial margin and a tenth of the cross positions."""
    return max(initial_margin_1e8(user, coins, marks), rounded(cross_notional_1e8(user, coins, marks), 10))


def withdrawable_1e8(user: User, coins: Sequence[Instrument], marks: Marks, dex: int = 0) -> int:
    """Account value above the floor; what was borrowed cannot leave. `coins` are those the same money backs."""
    return max(0, equity_1e8(user, marks, dex) - user.credit_1e8 - floor_1e8(user, coins, marks))


def available_1e8(user: User, coins: Sequence[Instrument], marks: Marks, dex: int = 0) -> int:
    """Equity not used as initial margin by positions (`availableToTrade`). `coins` are those the same money backs."""
    return max(0, equity_1e8(user, marks, dex) - margin_used_1e8(user, coins, marks))


def liquidation_px_1e10(user: User, coin: Instrument, coins: Sequence[Instrument], marks: Marks) -> int | None:
    """Liquidation price, 1e-10 USD, when only this coin moves (HL §8.3); None when no positive price liquidates."""
    held = user.positions.get(coin.index)
    if held is None or not held.szi:
        return None
    value = held.value_1e8(marks[coin.index])
    if held.isolated:
        equity, others = held.worth_1e8(marks[coin.index]), 0
    else:
        equity = equity_1e8(user, marks)
        others = maintenance_used_1e8(user, coins, marks) - maintenance_1e8(coin, value)
    return solve_liquidation_1e10(coin, held.szi, equity - value - others)


def solve_liquidation_1e10(coin: Instrument, szi: int, rest_1e8: int) -> int | None:
    """The price at which `rest_1e8` and the position are just worth the position's maintenance, 1e-10 USD.

    `price - side * margin_available / size / (1 - l * side)` of HL §8.3, solved with l and the deduction of the tier
    in which the notional lies *at that price*.

    >>> from portfolio_mm.domain.instrument import Instrument
    >>> btc = Instrument("BTC", 0, 0, 5, 40, 56)
    >>> solve_liquidation_1e10(btc, 10**5, (10_000 - 100_000) * 10**8) / 1e10
    91139.2405063291
    """
    tiers = tiers_of(coin)
    side, deduction, rate_below = (1 if szi > 0 else -1), Fraction(0), Fraction(0)
    for number, (bound, leverage) in enumerate(tiers):
        rate = Fraction(1, 2 * leverage)
        deduction += bound * USD_1E8 * (rate - rate_below) if number else 0
        rate_below = rate
        notional = (rest_1e8 + deduction) / (rate - side)
        above = tiers[number + 1][0] * USD_1E8 if number + 1 < len(tiers) else None
        if notional > 0 and notional >= bound * USD_1E8 and (above is None or notional < above):
            ticks = notional / (abs(szi) * TICK_LOT_1E8)
            return round(ticks * POWERS[PX_DECIMALS_SHOWN] / POWERS[coin.px_decimals])
    return None
