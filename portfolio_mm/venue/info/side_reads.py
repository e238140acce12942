"""Reads a maker's tools make beside the main ones: what the venue answers about things an account here does not have.

Shapes are those of the recordings, where there are any, and of the best-typed SDK otherwise (HL §1.1).
"""

from typing import Any, Final

from portfolio_mm.venue.clearinghouse import valuation
from portfolio_mm.venue.info.request import NoAnswer, Request, address_of, text, user
from portfolio_mm.venue.listing import SPOT_META
from portfolio_mm.venue.state import VenueState

ZERO: Final = "0.0"
ONE: Final = "1.0"


def portfolio(state: VenueState, request: Request) -> list[list[Any]]:
    """`portfolio`; a stranger's has the one point of now."""
    known = user(state, request)
    return known.worth.rows(valuation.point(state, known))


def is_vip(state: VenueState, request: Request) -> bool | None:
    """`isVip`: null for a stranger."""
    known = state.by_address.get(address_of(request))
    return None if known is None else known.standing.tier.name.startswith("vip")


def legal_check(_state: VenueState, request: Request) -> dict[str, Any]:
    """`legalCheck`: nobody is restricted here."""
    address_of(request)
    return {"acceptedTerms": True, "userAllowed": True, "restrictions": "n"}


def token_details(_state: VenueState, request: Request) -> dict[str, Any]:
    """`tokenDetails`. Supplies are of no consequence here: a token's price is one dollar, or not traded.

    Raises:
        NoAnswer: no such token.
    """
    wanted = text(request, "tokenId")
    token = next((row for row in SPOT_META["tokens"] if row["tokenId"] == wanted), None)
    if token is None:
        msg = f"no token {wanted!r}"
        raise NoAnswer(msg)
    px = ONE if token["index"] == 0 else ZERO
    return {
        "name": token["name"],
        **dict.fromkeys(("maxSupply", "totalSupply", "circulatingSupply"), ZERO),
        "szDecimals": token["szDecimals"],
        "weiDecimals": token["weiDecimals"],
        **dict.fromkeys(("midPx", "markPx", "prevDayPx"), px),
        **dict.fromkeys(("genesis", "deployer", "deployGas", "deployTime")),
        "seededUsdc": ZERO,
        "nonCirculatingUserBalances": [],
        "futureEmissions": ZERO,
    }


def no_rows(_state: VenueState, request: Request) -> list[Any]:
    """What one reads who has none of it."""
    address_of(request)
    return []
