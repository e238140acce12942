"""Isolated positions: what a fill, an action or a close moves between the cross ledger and theirs (HL §2.7, §8.1).

An isolated position has a ledger of its own (`leverage.rawUsd`). Opening brings notional / leverage of margin into it
and the fee leaves it: the recorded 2 HYPE at 37.829 and 10x have rawUsd -68.126246 = -75.658 + 7.5658 - 0.0340461.
A close gives back its share of what the position is worth at that price. That the share is proportional is our
reading: no source says what a part keeps.
"""

from typing import Final

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8, Position
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import USD_DECIMALS, parse_decimal, rounded
from portfolio_mm.venue.state import VenueState

UNKNOWN: Final = "Unknown asset."
"""The wording is ours."""
NOT_ISOLATED: Final = "Position does not use isolated margin."
NO_CROSS: Final = "Cross margin is not allowed for this asset."
SWITCH: Final = "Cannot switch leverage type with open position."
BAD_LEVERAGE: Final = "Invalid leverage value"
CROSS_SHORT: Final = (
    "Cross position does not have sufficient margin available to decrease leverage. "
    "To decrease leverage, deposit more collateral."
)
ISOLATED_SHORT: Final = (
    "Isolated position does not have sufficient margin available to decrease leverage. "
    "To decrease leverage, add margin to the position."
)
ZERO: Final = "Update to isolated margin cannot be zero."
EMPTY: Final = "Cannot update margin for empty position."
NO_MORE: Final = "Account does not have sufficient margin available for increase."
TOO_LITTLE: Final = "Position does not have sufficient margin for reduction."
KEPT: Final = "Cannot remove isolated margin for this asset. To remove margin, reduce the position."
NOT_STRICT: Final = "Asset not strict isolated"
NTLI_1E8: Final = 100
"""`ntli` counts 1e-6 USDC."""


def moved_1e8(held: Position, lots: int, px_ticks: int, fee_1e8: int, leverage: int) -> int:
    """Margin that a fill of signed lots takes from the cross ledger into an isolated position; negative: gives back.

    >>> held = Position()
    >>> moved_1e8(held, 200, 37_829_0, 3404610, 10) / 1e8
    7.5658
    """
    before = held.szi
    closing = min(abs(lots), abs(before)) if before * lots < 0 else 0
    opened = rounded((abs(lots) - closing) * px_ticks * TICK_LOT_1E8, leverage)
    if not closing:
        return opened
    worth = held.worth_1e8(px_ticks) - rounded(fee_1e8 * closing, abs(lots))
    return opened - (worth if closing == abs(before) else rounded(worth * closing, abs(before)))


def set_leverage(state: VenueState, user: User, asset: int, leverage: int, *, is_cross: bool) -> str | None:
    """`updateLeverage`: the refusal, or None when done.

    Raising is always allowed; lowering only while the margin suffices (of the account, or of the isolated position).
    """
    coin = state.listing.by_asset(asset)
    if coin is None:
        return UNKNOWN
    if not 1 <= leverage <= coin.max_leverage:
        return BAD_LEVERAGE
    if is_cross and coin.only_isolated:
        return NO_CROSS
    if is_cross == user.isolates(coin) and user.szi(coin.index):
        return SWITCH
    if leverage < user.leverage_of(coin):
        refusal = _cannot_lower(state, user, coin, leverage)
        if refusal is not None:
            return refusal
    user.leverage[coin.index] = leverage
    user.isolated.discard(coin.index)
    if not is_cross:
        user.isolated.add(coin.index)
    return None


def _cannot_lower(state: VenueState, user: User, coin: Instrument, leverage: int) -> str | None:
    held, mark = user.position(coin.index), state.marks[coin.index]
    if user.isolates(coin) and held.worth_1e8(mark) < rounded(abs(held.value_1e8(mark)), leverage):
        return ISOLATED_SHORT
    sums, dex = margin.sides_1e8(user), state.books[coin.index].terms.dex
    then = sum(
        margin.coin_margin_1e8(user, one, state.marks, sums[one.index], leverage if one is coin else None)
        for one in state.backed(user, dex)
    )
    return CROSS_SHORT if then > margin.equity_1e8(user, state.marks, dex) else None


def update_margin(state: VenueState, user: User, asset: int, ntli: int) -> str | None:
    """`updateIsolatedMargin`: put `ntli` (1e-6 USDC) into a position, or take it out when negative.

    What may come out leaves the position the larger of its initial margin and a tenth of its notional (HL §8.1).
    """
    coin = state.listing.by_asset(asset)
    if coin is None:
        return UNKNOWN
    if not user.isolates(coin):
        return NOT_ISOLATED
    if ntli == 0:
        return ZERO
    if not user.szi(coin.index):
        return EMPTY
    return _take_out(state, user, coin, -ntli * NTLI_1E8) if ntli < 0 else _put_in(state, user, coin, ntli * NTLI_1E8)


def _put_in(state: VenueState, user: User, coin: Instrument, amount_1e8: int) -> str | None:
    dex = state.books[coin.index].terms.dex
    if amount_1e8 > margin.withdrawable_1e8(user, state.backed(user, dex), state.marks, dex):
        return NO_MORE
    user.position(coin.index).raw_1e8 += amount_1e8
    user.enter(dex, -amount_1e8)
    return None


def _take_out(state: VenueState, user: User, coin: Instrument, amount_1e8: int) -> str | None:
    if state.listing.margin_mode(coin.coin) == "strictIsolated":
        return KEPT
    held, mark = user.position(coin.index), state.marks[coin.index]
    notional = abs(held.value_1e8(mark))
    floor = max(rounded(notional, user.leverage_of(coin)), rounded(notional, 10))
    if held.worth_1e8(mark) - amount_1e8 < floor:
        return TOO_LITTLE
    held.raw_1e8 -= amount_1e8
    user.enter(state.books[coin.index].terms.dex, amount_1e8)
    return None


def top_up(state: VenueState, user: User, asset: int, target: str) -> str | None:
    """`topUpIsolatedOnlyMargin`: bring a position down to a leverage; a lower one than asked for stays as it is."""
    coin = state.listing.by_asset(asset)
    if coin is None:
        return UNKNOWN
    if state.listing.margin_mode(coin.coin) != "strictIsolated":
        return NOT_STRICT
    held, mark = user.position(coin.index), state.marks[coin.index]
    if held.szi == 0:
        return EMPTY
    wanted = _positive_1e8(target)
    if wanted is None:
        return BAD_LEVERAGE
    missing = rounded(abs(held.value_1e8(mark)) * USD_1E8, wanted) - held.worth_1e8(mark)
    return _put_in(state, user, coin, missing) if missing > 0 else None


def _positive_1e8(text: str) -> int | None:
    try:
        units = parse_decimal(text, USD_DECIMALS)
    except ValueError:
        return None
    return units if units is not None and units > 0 else None
