"""Words of refusals of orders, each with its status (HL §1.11, §2.3), and who carries them."""

from typing import Any, Final, NamedTuple

from portfolio_mm.venue.clearinghouse.orders import Draft


class Why(NamedTuple):
    """A refusal: the venue's text and the status of the order's record."""

    text: str
    status: str = "rejected"


class Refused(NamedTuple):
    """Why an order was not placed: the text of the reply and the asset it names; `draft` when its record is due."""

    text: str
    asset: int
    status: str = "rejected"
    draft: Draft | None = None

    @property
    def words(self) -> str:
        """The text as a leg of a batch carries it."""
        return f"{self.text} asset={self.asset}"

    def entry(self) -> dict[str, Any]:
        """The leg's entry in `statuses`."""
        return {"error": self.words}


OFF_TICK: Final = Why("Price must be divisible by tick size.", "tickRejected")
BAD_PRICE: Final = "Order has invalid price."
BAD_SIZE: Final = Why("Order has invalid size.")
ZERO_SIZE: Final = Why("Order has zero size.")
UNKNOWN_ASSET: Final = "Unknown asset."
"""Ours."""
TOO_FAR: Final = "Order price cannot be more than {percent}% away from the reference price"
OFF_ORACLE: Final = Why("Price too far from oracle", "oracleRejected")
POST_ONLY: Final = Why("Only post-only orders allowed immediately after a network upgrade")
HALTED: Final = Why("Trading is halted.")
"""Ours: neither text nor status is known."""
REDUCE_ONLY: Final = Why("Reduce only order would increase position.", "reduceOnlyRejected")
TOO_SMALL: Final = Why("Order must have minimum value of $10.", "minTradeNtlRejected")
TOO_MANY: Final = Why("Too many open orders.", "tooManyOpenOrdersRejected")
"""Ours is the text: only the status is known."""
TOO_LARGE: Final = Why("Order value exceeds the maximum order value.")
"""Ours: neither text nor status is known."""
CAP_INCREASE: Final = Why(
    "Order would increase open interest while open interest is capped", "positionIncreaseAtOpenInterestCapRejected"
)
CAP_FLIP: Final = CAP_INCREASE._replace(status="positionFlipAtOpenInterestCapRejected")
CAP_AGGRESSIVE: Final = Why(
    "Order rejected due to price more aggressive than oracle while at open interest cap",
    "tooAggressiveAtOpenInterestCapRejected",
)
TOO_QUICK: Final = Why("Order would increase open interest too quickly", "openInterestIncreaseRejected")
BAD_TRIGGER: Final = Why("Invalid TP/SL price.", "badTriggerPxRejected")
NO_MATCH: Final = Why("Order could not immediately match against any resting orders.", "iocCancelRejected")
NO_LIQUIDITY: Final = Why("No liquidity available for market order.", "marketOrderNoLiquidityRejected")
TRIGGER_COUNT: Final = "Unexpected number of trigger orders"
NOT_REDUCING: Final = "TP/SL orders must be reduce only."
"""Ours: that the venue refuses the batch is documented, its words are not (HL §2.1)."""
FAST_TRIGGER: Final = "Fast cancel is not allowed for trigger orders."
"""Ours (HL §2.4)."""
