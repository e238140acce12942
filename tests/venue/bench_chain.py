"""A venue without sockets: blocks run by hand, actions signed by decree."""

from typing import Any

import msgspec

from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse.accounts import funded_accounts
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.dexes import DexCoin, PerpDex
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.protocol.actions import (
    Action,
    Cancel,
    CancelLeg,
    LimitKind,
    Order,
    OrderKind,
    OrderWire,
    TriggerKind,
)
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.state import VenueState
from tests.venue.still_flow import OF_DEXES, StillFlow

START_MS = 1_795_000_000_000
ASSET = {"BTC": 0, "ETH": 1, "WLFI": 2, "SOL": 4, "xyz:TSLA": 110_000, "xyz:GOLD": 110_001, "flx:COIN": 120_000}
"""The delisted row stands at 3; the dexes are those of `DEXES`."""
DEXES = (
    PerpDex(
        "xyz",
        (
            DexCoin("TSLA", growth_mode=True, max_leverage=10),
            DexCoin("GOLD", margin_mode="noCross", max_leverage=20, oi_cap_usd=5e6, funding_multiplier=0.5),
        ),
        full_name="XYZ",
    ),
    PerpDex("flx", (DexCoin("COIN", interest_rate=0.0),), fee_scale=0.5),
)


def leg(
    coin: str, side: str, px: str, sz: str, tif: Any = "Alo", *, reduce_only: bool = False, cloid: str | None = None
) -> OrderWire:
    return OrderWire(ASSET[coin], side == "B", px, sz, reduce_only, OrderKind(LimitKind(tif)), cloid)


def stop(  # noqa: PLR0917 - a leg reads best in one line
    coin: str, side: str, px: str, sz: str, at: str, tpsl: Any = "sl", *, market: bool = True, reduce_only: bool = True
) -> OrderWire:
    """A trigger order that fires `at` a mark price; a stop unless `tp` is said."""
    kind = OrderKind(trigger=TriggerKind(market, at, tpsl))
    return OrderWire(ASSET[coin], side == "B", px, sz, reduce_only, kind)


class Bench:
    """One venue state with two users, and a clock that moves when a block runs."""

    def __init__(self, **settings: Any) -> None:
        self.flow = StillFlow(OF_DEXES if settings.get("dexes") else ())
        self.settings = msgspec.structs.replace(VenueSettings(), **settings)
        self.accounts = funded_accounts(1, 2)
        self.state = VenueState(self.settings, self.flow, self.accounts, START_MS)
        self.alice, self.bob = self.state.users[1], self.state.users[2]
        self.nonce = START_MS

    def signed(self, action: Action, user: User | None = None, **envelope: Any) -> SignedAction:
        self.nonce = max(self.nonce + 1, self.state.now_ms - 86_400_000)
        given = {"signer": (user or self.alice).address, "nonce": self.nonce, **envelope}
        return SignedAction(
            action, given["signer"], given["nonce"], given.get("vault_address"), given.get("expires_after")
        )

    def block(self, *actions: SignedAction, after_ms: int = 100) -> list[dict[str, Any]]:
        return chain.run_block(self.state, self.state.now_ms + after_ms, list(actions))

    def do(self, action: Action, user: User | None = None, **envelope: Any) -> dict[str, Any]:
        return self.block(self.signed(action, user, **envelope))[0]

    def place(self, *legs: OrderWire, user: User | None = None, grouping: Any = "na") -> list[Any]:
        reply = self.do(Order(legs, grouping), user)
        assert reply["status"] == "ok", reply
        return list(reply["response"]["data"]["statuses"])

    def cancel(self, coin: str, oid: int, user: User | None = None) -> Any:
        return self.do(Cancel((CancelLeg(ASSET[coin], oid),)), user)["response"]["data"]["statuses"][0]

    def mark(self, coin: str, px: float) -> None:
        """Run a block at whose flow the mark and oracle price of a coin are new."""
        self.flow.mark(self.state.listing.by_coin[coin], px)
        self.block()

    def read(self, kind: str, **request: Any) -> Any:
        return reads.answer(self.state, {"type": kind, "user": self.alice.address, **request})

    def updates(self, user: User | None = None) -> list[tuple[int, str]]:
        rows = self.state.outbox.order_updates[(user or self.alice).number]
        return [(row["order"]["oid"], row["status"]) for row in rows]
