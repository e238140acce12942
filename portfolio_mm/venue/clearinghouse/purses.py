"""Where money lies: a purse is one token on one side of one account: spot, or a perp dex by name (HL §2.8, §8.6)."""

from typing import Final, NamedTuple

from portfolio_mm.venue.clearinghouse import lending, margin
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import rounded
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.tokens import USDC_TOKEN, Token

PERPS: Final = ""
SPOT: Final = "spot"
"""Name of the spot side; `PERPS` is the first dex."""


class Purse(NamedTuple):
    """One side of one account for one token; perps hold the collateral token alone."""

    user: User
    dex: str
    token: Token = USDC_TOKEN


def free(state: VenueState, purse: Purse) -> int:
    """Smallest units that may leave the purse."""
    user, dex, token = purse
    if token is not USDC_TOKEN:
        return lending.free_units(state, user, token)
    if dex == SPOT and not user.unified:
        return user.spot_1e8
    number = 0 if dex == SPOT else state.listing.by_dex[dex].number
    return margin.withdrawable_1e8(user, state.backed(user, number), state.marks, number)


def add(state: VenueState, purse: Purse, units: int) -> None:
    """Put units in; negative ones are taken out. What comes in counts as bought at the oracle price (`entryNtl`)."""
    user, dex, token = purse
    if token is USDC_TOKEN:
        if user.unified or dex == SPOT:
            user.spot_1e8 += units
        else:
            user.enter(state.listing.by_dex[dex].number, units)
            state.net_deposits_1e8[dex] += units
        return
    before = user.tokens.get(token.index, 0)
    basis = user.token_basis_1e8.get(token.index, 0)
    change = state.worth_1e8(token, units) if units > 0 else rounded(basis * units, before)
    user.tokens[token.index] = before + units
    user.token_basis_1e8[token.index] = basis + change
    lending.refresh(state, user)


def transfer(state: VenueState, source: Purse, target: Purse, units: int) -> None:
    """Move units that are known to be free."""
    add(state, source, -units)
    add(state, target, units)
