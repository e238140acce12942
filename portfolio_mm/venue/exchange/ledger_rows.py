"""Parts that rows of `userNonFundingLedgerUpdates` share, of the shapes recorded from the venue."""

from typing import Any

from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import usd_text, wire_text
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.tokens import USDC_TOKEN, Token


def dollars(state: VenueState, token: Token, units: int) -> dict[str, str]:
    """An amount of a token and what it is worth."""
    value = units if token is USDC_TOKEN else state.worth_1e8(token, units)
    return {"token": token.name, "amount": wire_text(units, token.wei_decimals), "usdcValue": usd_text(value)}


def fees(fee_1e8: int, nonce: int | None) -> dict[str, Any]:
    """What it cost."""
    return {"fee": usd_text(fee_1e8), "nativeTokenFee": "0.0", "nonce": nonce, "feeToken": ""}


def write(state: VenueState, users: tuple[User, ...], delta: dict[str, Any]) -> None:
    """The same row for each of the users, for each of them once."""
    for user in {one.number: one for one in users}.values():
        state.write_ledger(user, delta)


def write_spot_transfer(
    state: VenueState, between: tuple[User, User], token: Token, paid: tuple[int, int], nonce: int | None
) -> None:
    """A `spotTransfer` row for both; `paid` is the amount and the fee."""
    way = {"user": between[0].address, "destination": between[1].address}
    write(state, between, {"type": "spotTransfer", **dollars(state, token, paid[0]), **way, **fees(paid[1], nonce)})
