"""Tokens of a liquidated portfolio-margin account: they go to the vault for what the account owes (HL §8.8).

The venue takes collateral in steps of a fifth or whole and does not say at which price. Here the vault takes what
covers the debt and no more, at the oracle price, first of the first token; what is owed then it pays itself.
"""

from typing import Any

from portfolio_mm.venue.clearinghouse import lending
from portfolio_mm.venue.clearinghouse.purses import SPOT, Purse, add
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import usd_text, wire_text
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.tokens import BY_INDEX


def sell(state: VenueState, user: User, debt_1e8: int) -> None:
    """Give the vault tokens for a debt in USDC; a row of its ledger says what it paid."""
    left = debt_1e8
    for index, units in list(user.tokens.items()):
        token = BY_INDEX[index]
        worth = state.worth_1e8(token, units)
        if left <= 0 or worth <= 0 or not lending.ltv_1e8(state, token):
            continue
        sold = units if worth <= left else min(units, -(-units * left // worth))
        paid = state.worth_1e8(token, sold)
        add(state, Purse(user, SPOT, token), -sold)
        add(state, Purse(state.liquidator, SPOT, token), sold)
        user.spot_1e8 += paid
        state.liquidator.raw_1e8 -= paid
        left -= paid
        row = {"coin": token.name, "szi": wire_text(sold, token.wei_decimals)}
        delta: dict[str, Any] = {
            "type": "liquidation",
            "liquidatedNtlPos": usd_text(paid),
            "accountValue": usd_text(-paid),
        }
        delta |= {"leverageType": "Cross", "liquidatedPositions": [row], "user": user.address}
        state.write_ledger(state.liquidator, delta)
    lending.refresh(state, user)
