"""Portfolio margin: what tokens let an account borrow, and what that costs (HL §8.8).

USDC alone is borrowed, by itself: as much as the initial margin of the positions needs beyond the USDC there is.
Simplified: the borrow oracle is the perp's oracle (no spot market here), supply caps are those per user, and what
others supply and borrow is a constant of `RESERVES`.
"""

from typing import Final

import msgspec

from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import rounded
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.tokens import BY_INDEX, USDC_TOKEN, Token

PM: Final = "portfolioMargin"
RATE_UNIT: Final = 10**8
"""Rates, shares and prices below are integers of 1e-8."""
HOURS_A_YEAR: Final = 8_760
BASE_RATE: Final = 5_000_000
SLOPE: Final = 475_000_000
KINK: Final = 80_000_000
RETAINED: Final = 10
"""Of each hundred of interest, what the protocol keeps."""


class Reserve(msgspec.Struct, frozen=True):
    """Caps of one user and what everybody else has supplied and borrowed, in whole tokens."""

    supply_cap: int
    borrow_cap: int
    supplied: int
    borrowed: int


RESERVES: Final = {
    0: Reserve(250_000_000, 50_000_000, 200_000_000, 120_000_000),
    150: Reserve(1_000_000, 0, 3_000_000, 0),
    197: Reserve(200, 0, 500, 0),
    268: Reserve(5_000_000, 1_000_000, 20_000_000, 2_000_000),
}
"""By token index: USDC, HYPE, UBTC, USDT0. The caps are documented, the amounts of others are ours."""


def ltv_1e8(state: VenueState, token: Token) -> int:
    """Loan to value of a token as collateral; zero for what is none."""
    return round(state.settings.pm_ltv.get(token.name, 0.0) * RATE_UNIT)


def cash_1e8(user: User) -> int:
    """USDC of the account without unrealised profit."""
    return user.spot_1e8 + user.balance_1e8()


def account_value_1e8(state: VenueState, user: User) -> int:
    """Perps, USDC and every token at its oracle price."""
    tokens = sum(state.worth_1e8(BY_INDEX[index], units) for index, units in user.tokens.items())
    return margin.perps_value_1e8(user, state.marks) + user.spot_1e8 + tokens


def _weighted_1e8(state: VenueState, user: User, weights: dict[int, int]) -> int:
    """Token balances up to the supply cap at oracle price times a weight, and no more than may be borrowed."""
    total = 0
    for index, units in user.tokens.items():
        token, reserve = BY_INDEX[index], RESERVES.get(index)
        if reserve is not None:
            counted = min(units, reserve.supply_cap * token.unit)
            total += rounded(state.worth_1e8(token, counted) * weights[index], RATE_UNIT)
    return min(total, RESERVES[USDC_TOKEN.index].borrow_cap * USD_1E8)


def collateral_1e8(state: VenueState, user: User) -> int:
    """What the tokens of an account let it borrow."""
    return _weighted_1e8(state, user, {index: ltv_1e8(state, BY_INDEX[index]) for index in BY_INDEX})


def refresh(state: VenueState, user: User) -> None:
    """Adopt the credit of the tokens as they are priced now."""
    user.credit_1e8 = collateral_1e8(state, user) if user.mode == PM else 0


def refresh_all(state: VenueState) -> None:
    """Adopt the credit of every account."""
    for user in state.users.values():
        refresh(state, user)


def hold_1e8(state: VenueState, user: User) -> int:
    """USDC of a pooled account that positions hold, cross and isolated."""
    return margin.margin_used_1e8(user, state.coins, state.marks) + margin.isolated_value_1e8(user, state.marks)


def borrowed_1e8(state: VenueState, user: User) -> int:
    """USDC borrowed: what positions need beyond the cash."""
    if user.mode != PM:
        return 0
    return max(0, hold_1e8(state, user) - cash_1e8(user))


def supplied_units(state: VenueState, user: User, token: Token) -> int:
    """Units that earn interest: idle USDC, and all of another token."""
    if user.mode != PM or token.index not in RESERVES:
        return 0
    if token is USDC_TOKEN:
        return max(0, cash_1e8(user) - hold_1e8(state, user))
    return user.tokens.get(token.index, 0)


def free_units(state: VenueState, user: User, token: Token) -> int:
    """Units of a token that may leave: under portfolio margin those no margin rests on."""
    held = user.tokens.get(token.index, 0)
    if user.mode != PM or not held:
        return held
    weighted = rounded(state.worth_1e8(token, held) * ltv_1e8(state, token), RATE_UNIT)
    floor = margin.floor_1e8(user, state.coins, state.marks)
    spare = max(0, margin.equity_1e8(user, state.marks) - floor)
    return held if spare >= weighted else held * spare // weighted


def ratio(state: VenueState, user: User) -> tuple[int, int]:
    """Portfolio margin ratio, requirement over liquidation value (1e-8 USD); liquidatable above 0.95.

    The fixed part of the requirement is a setting: recorded accounts of July 2026 show none, later documents 20 USDC.
    """
    borrowed = borrowed_1e8(state, user)
    fixed = round(state.settings.pm_requirement_usd * USD_1E8)
    requirement = fixed + margin.maintenance_used_1e8(user, state.coins, state.marks) + borrowed
    halves = {index: (RATE_UNIT + ltv_1e8(state, BY_INDEX[index])) // 2 for index in BY_INDEX}
    eligible = {index: weight if ltv_1e8(state, BY_INDEX[index]) else 0 for index, weight in halves.items()}
    return requirement, cash_1e8(user) + borrowed + _weighted_1e8(state, user, eligible)


def totals(state: VenueState, token: Token) -> tuple[int, int]:
    """Units of a token supplied and borrowed by everybody."""
    reserve = RESERVES[token.index]
    supplied = reserve.supplied * token.unit + sum(supplied_units(state, user, token) for user in state.users.values())
    borrowed = reserve.borrowed * token.unit
    if token is USDC_TOKEN:
        borrowed += sum(borrowed_1e8(state, user) for user in state.users.values())
    return supplied, borrowed


def rates_1e8(state: VenueState, token: Token) -> tuple[int, int, int]:
    """Utilisation and yearly rates of borrowing and of supplying."""
    supplied, borrowed = totals(state, token)
    used = rounded(borrowed * RATE_UNIT, supplied) if supplied else 0
    borrow = BASE_RATE + rounded(SLOPE * max(0, used - KINK), RATE_UNIT) if RESERVES[token.index].borrow_cap else 0
    supply = rounded(borrow * used * (100 - RETAINED), RATE_UNIT * 100)
    return used, borrow, supply


def accrue(state: VenueState) -> None:
    """An hour's interest: borrowers pay from their cash, suppliers get theirs."""
    named = [BY_INDEX[index] for index in RESERVES]
    rates = {token.index: rates_1e8(state, token) for token in named}
    for user in state.users.values():
        if user.mode != PM:
            continue
        for token in named:
            _, borrow_rate, supply_rate = rates[token.index]
            owed = borrowed_1e8(state, user) if token is USDC_TOKEN else 0
            paid = rounded(owed * borrow_rate, RATE_UNIT * HOURS_A_YEAR)
            earned = rounded(supplied_units(state, user, token) * supply_rate, RATE_UNIT * HOURS_A_YEAR)
            if paid or earned:
                _book(state, user, token, (paid, earned))


def _book(state: VenueState, user: User, token: Token, interest: tuple[int, int]) -> None:
    paid, earned = interest
    if token is USDC_TOKEN:
        user.spot_1e8 += earned - paid
    else:
        user.tokens[token.index] += earned
    borrow, supply = user.interest.get(token.index, (0, 0))
    user.interest[token.index] = (borrow + paid, supply + earned)
    user.interest_rows.append((state.now_ms, token, paid, earned))
