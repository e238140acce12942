"""What backs which positions, by account mode (HL §8.1, §8.6): the pots of money the venue judges one by one.

Standard: the cross positions of each dex share that dex's ledger. Unified and portfolio margin: one balance backs the
cross positions of every dex. In each mode an isolated position stands alone. A dollar is in one pot only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import Instrument, dex_of, usd_1e8
from portfolio_mm.domain.units import USD_1E8

PM_REQUIREMENT_1E8: Final = 20 * USD_1E8
PM_RATIO: Final = 0.95
"""Portfolio margin liquidates when 20 USD and maintenance are more than this share of what the account is worth."""
State = Mapping[str, Any]


class PositionTruth(msgspec.Struct, frozen=True):
    """One open position; `szi` is signed text, money in integer 1e-8 USD."""

    coin: str
    szi: str
    entry_px: float
    notional_1e8: int
    unrealised_1e8: int
    margin_1e8: int
    leverage: int
    is_cross: bool
    liquidation_px: float | None
    max_leverage: int = 0

    @property
    def dex(self) -> str:
        """The dex its coin is listed on, empty for the first."""
        return dex_of(self.coin)


class Pot(msgspec.Struct, frozen=True):
    """Money that backs positions together, as read. Integer 1e-8 USD.

    `coin` is the one coin of an isolated position, empty for cross. `dexes` are those whose cross positions it backs.
    Maintenance is what the venue asks before it liquidates; an isolated position's is that of its coin's first tier.
    """

    name: str
    dexes: tuple[str, ...]
    coin: str
    equity_1e8: int
    margin_1e8: int
    maintenance_1e8: int

    @property
    def free_1e8(self) -> int:
        """What may still be used as initial margin; nothing of an isolated position's."""
        return 0 if self.coin else max(0, self.equity_1e8 - self.margin_1e8)

    def backs(self, coin: str, *, is_cross: bool) -> bool:
        """Whether a position in this coin stands on it."""
        return dex_of(coin) in self.dexes if is_cross and not self.coin else coin == self.coin and not is_cross


def fees_of(reply: State) -> tuple[float, float]:
    """Maker and taker fee on the first dex as charged, bps, from `userFees`: staking and referral in (HL §10.2)."""
    kept = 1.0 - float(reply.get("activeReferralDiscount") or 0.0)
    maker, taker = float(reply["userAddRate"]) * 1e4, float(reply["userCrossRate"]) * 1e4
    return (maker * kept if maker > 0.0 else maker), taker * kept


def fees_on(maker_bps: float, taker_bps: float, instrument: Instrument) -> tuple[float, float]:
    """Maker and taker fee of one coin, bps, from those of the first dex: a dex scales fees, growth mode all (HL §10.4).

    >>> growing = Instrument("xyz:TSLA", 110_000, 0, 3, 10, fee_scale=0.2, rebate_scale=0.1)
    >>> fees_on(1.5, 4.5, growing), fees_on(-0.3, 2.4, growing)
    ((0.30000000000000004, 0.9), (-0.03, 0.48))
    """
    scale = instrument.fee_scale if maker_bps > 0.0 else instrument.rebate_scale
    return maker_bps * scale, taker_bps * instrument.fee_scale


def dexes_of(coins: Sequence[str]) -> tuple[str, ...]:
    """Dexes of some coins, each once, in their order.

    >>> dexes_of(["BTC", "xyz:TSLA", "ETH"])
    ('', 'xyz')
    """
    return tuple(dict.fromkeys(dex_of(coin) for coin in coins))


def positions_of(states: Sequence[State]) -> tuple[PositionTruth, ...]:
    """Open positions of `clearinghouseState` replies."""
    return tuple(_position(row["position"]) for state in states for row in state["assetPositions"])


def cash_of(spot: State) -> tuple[int, int]:
    """USDC total, and what of it is borrowed (portfolio margin); other tokens are not counted as equity."""
    for row in spot["balances"]:
        if row["coin"] == "USDC":
            return usd_1e8(str(row["total"])), usd_1e8(str(row.get("borrowed") or "0"))
    return 0, 0


def pots_of(mode: AccountMode, states: Mapping[str, State], spot: State) -> tuple[Pot, ...]:
    """The pots of an account, cross ones first.

    Args:
        mode: of the account.
        states: `clearinghouseState` by dex.
        spot: `spotClearinghouseState`.
    """
    positions = positions_of(tuple(states.values()))
    alone = tuple(
        Pot(
            f"isolated {one.coin}",
            (),
            one.coin,
            one.margin_1e8,
            one.margin_1e8,
            one.notional_1e8 // (2 * max(1, one.max_leverage)),
        )
        for one in positions
        if not one.is_cross
    )
    if mode is AccountMode.STANDARD:
        return (*(_ledger(dex, state) for dex, state in states.items()), *alone)
    cash, borrowed = cash_of(spot)
    apart = sum(pot.equity_1e8 for pot in alone)
    equity = cash - borrowed + sum(one.unrealised_1e8 for one in positions) - apart
    margin = sum(usd_1e8(state["crossMarginSummary"]["totalMarginUsed"]) for state in states.values())
    needed = maintenance_of(tuple(states.values()))
    if mode is AccountMode.PORTFOLIO_MARGIN and (needed or borrowed):
        needed = round((needed + PM_REQUIREMENT_1E8) / PM_RATIO)
    return (Pot("account", tuple(states), "", equity, margin, needed), *alone)


def maintenance_of(states: Sequence[State]) -> int:
    """Maintenance margin of cross positions, as the venue says it."""
    return sum(usd_1e8(state["crossMaintenanceMarginUsed"]) for state in states)


def _ledger(dex: str, state: State) -> Pot:
    cross = state["crossMarginSummary"]
    return Pot(
        f"dex {dex}" if dex else "perps",
        (dex,),
        "",
        usd_1e8(cross["accountValue"]),
        usd_1e8(cross["totalMarginUsed"]),
        maintenance_of((state,)),
    )


def _position(row: State) -> PositionTruth:
    leverage = row["leverage"]
    liquidation = row.get("liquidationPx")
    return PositionTruth(
        coin=row["coin"],
        szi=str(row["szi"]),
        entry_px=float(row["entryPx"] or 0.0),
        notional_1e8=usd_1e8(row["positionValue"]),
        unrealised_1e8=usd_1e8(row["unrealizedPnl"]),
        margin_1e8=usd_1e8(row["marginUsed"]),
        leverage=int(leverage["value"]),
        is_cross=leverage["type"] == "cross",
        liquidation_px=None if liquidation is None else float(liquidation),
        max_leverage=int(row.get("maxLeverage") or 0),
    )
