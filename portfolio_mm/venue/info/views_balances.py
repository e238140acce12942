"""Balances, loans and what portfolio margin makes of them (HL §1.8, §1.18, §8.8)."""

from typing import Any

from portfolio_mm.venue.clearinghouse import lending, margin
from portfolio_mm.venue.clearinghouse.lending import PM, RATE_UNIT, RESERVES
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import rounded, usd_text, wire_text
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.tokens import BY_INDEX, USDC_TOKEN, Token

RATIO_DECIMALS = 9


def spot_state(state: VenueState, user: User) -> dict[str, Any]:
    """`spotClearinghouseState`: in unified mode the whole balance and the perps' hold on it."""
    total = lending.cash_1e8(user) if user.unified else user.spot_1e8
    used = lending.hold_1e8(state, user) if user.unified else 0
    usdc = {"coin": "USDC", "token": 0, "total": usd_text(total), "hold": usd_text(used), "entryNtl": "0.0"}
    pm = user.mode == PM
    shown: dict[str, Any] = {"portfolioMarginEnabled": True} if pm else {}
    rows = [usdc] if total or used or pm else []
    listed = [token for token in BY_INDEX.values() if token is not USDC_TOKEN and _listed(state, user, token)]
    shown["balances"] = [_loans(state, user, row) for row in [*rows, *(_row(user, token) for token in listed)]]
    isolated = margin.isolated_value_1e8(user, state.marks)
    above = max(0, total - isolated - margin.maintenance_used_1e8(user, state.coins, state.marks))
    after = [[0, usd_text(above)]]
    if pm:
        required, value = lending.ratio(state, user)
        shown["portfolioMarginRatio"] = share_text(required, value)
        cap = RESERVES[0].borrow_cap * USDC_TOKEN.unit
        shown["tokenToPortfolioBorrowRatio"] = [[0, share_text(lending.borrowed_1e8(state, user), cap)]]
        shown["tokenToPortfolioSupplyRatio"] = [_supply_share(user, token) for token in listed if _held(user, token)]
        after += [[token.index, _text(lending.free_units(state, user, token), token)] for token in listed]
    if user.unified:
        shown["tokenToAvailableAfterMaintenance"] = after
    return shown


def share_text(part: int, whole: int) -> str:
    """A quotient as the venue prints ratios.

    >>> share_text(2_310_479_200, 89_408_996_004)
    '0.025841686'
    """
    return wire_text(rounded(part * 10**RATIO_DECIMALS, whole) if whole > 0 else 0, RATIO_DECIMALS)


def _held(user: User, token: Token) -> int:
    return user.tokens.get(token.index, 0)


def _listed(state: VenueState, user: User, token: Token) -> bool:
    """Portfolio margin shows every collateral token, held or not."""
    return bool(_held(user, token)) or (user.mode == PM and lending.ltv_1e8(state, token) > 0)


def _text(units: int, token: Token) -> str:
    return wire_text(units, token.wei_decimals)


def _row(user: User, token: Token) -> dict[str, Any]:
    entry = usd_text(user.token_basis_1e8.get(token.index, 0))
    total = _text(_held(user, token), token)
    return {"coin": token.name, "token": token.index, "total": total, "hold": "0.0", "entryNtl": entry}


def _loans(state: VenueState, user: User, row: dict[str, Any]) -> dict[str, Any]:
    """A balance with its loan to value, what is borrowed and what is supplied of it; zeros are left out."""
    if user.mode != PM:
        return row
    token = BY_INDEX[row["token"]]
    row["ltv"] = wire_text(lending.ltv_1e8(state, token), 8)
    borrowed = lending.borrowed_1e8(state, user) if token is USDC_TOKEN else 0
    if borrowed:
        row["borrowed"] = usd_text(borrowed)
    supplied = lending.supplied_units(state, user, token)
    if supplied:
        row["supplied"] = _text(supplied, token)
    return row


def _supply_share(user: User, token: Token) -> list[Any]:
    reserve = RESERVES.get(token.index)
    return [token.index, share_text(_held(user, token), reserve.supply_cap * token.unit if reserve else 0)]


def borrow_lend_user(state: VenueState, user: User) -> dict[str, Any]:
    """`borrowLendUserState`; the basis is the value less the interest so far."""
    rows = []
    for index in RESERVES:
        token = BY_INDEX[index]
        borrowed = lending.borrowed_1e8(state, user) if token is USDC_TOKEN else 0
        supplied = lending.supplied_units(state, user, token)
        paid, earned = user.interest.get(index, (0, 0))
        if borrowed or supplied:
            sides = {"borrow": (borrowed, paid), "supply": (supplied, earned)}
            rows.append([index, {side: _loan(token, *loan) for side, loan in sides.items()}])
    owed = lending.borrowed_1e8(state, user)
    factor = wire_text(rounded(user.credit_1e8 * RATE_UNIT, owed), 8) if owed else None
    healthy = owed <= user.credit_1e8
    return {"tokenToState": rows, "health": "healthy" if healthy else "unhealthy", "healthFactor": factor}


def _loan(token: Token, value: int, interest: int) -> dict[str, str]:
    return {"basis": _text(max(0, value - interest), token), "value": _text(value, token)}


def borrow_lend_reserve(state: VenueState, index: int) -> dict[str, str] | None:
    """`borrowLendReserveState`; None for a token nobody lends."""
    if index not in RESERVES:
        return None
    token = BY_INDEX[index]
    supplied, borrowed = lending.totals(state, token)
    used, borrow_rate, supply_rate = lending.rates_1e8(state, token)
    return {
        "borrowYearlyRate": wire_text(borrow_rate, 8),
        "supplyYearlyRate": wire_text(supply_rate, 8),
        "balance": _text(supplied - borrowed, token),
        "utilization": wire_text(used, 8),
        "oraclePx": usd_text(state.worth_1e8(token, token.unit)),
        "ltv": wire_text(lending.ltv_1e8(state, token), 8),
        "totalSupplied": _text(supplied, token),
        "totalBorrowed": _text(borrowed, token),
    }


def all_reserves(state: VenueState) -> list[list[Any]]:
    """`allBorrowLendReserveStates`."""
    return [[index, borrow_lend_reserve(state, index)] for index in RESERVES]


def interest_rows(user: User, first_ms: int, last_ms: int) -> list[dict[str, Any]]:
    """`userBorrowLendInterest`."""
    return [
        {"time": at_ms, "token": token.name, "borrow": _text(paid, token), "supply": _text(earned, token)}
        for at_ms, token, paid, earned in user.interest_rows
        if first_ms <= at_ms <= last_ms
    ]
