"""Builder-deployed perp dexes (HIP-3): what can be chosen about one, and how its coins are numbered (HL §6.3, §10.4).

A coin belongs to a dex. Its asset id says which one and which row there; nothing else in the venue counts ids.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from portfolio_mm.venue.flows.synthetic.bounds import Positive
from portfolio_mm.venue.flows.synthetic.coin import COINS, SyntheticCoin

MarginMode = Literal["strictIsolated", "noCross"]
FIRST: Final = ""
"""Name of the first dex, the one of the validators."""
FIRST_BUILDER_ASSET: Final = 100_000
ASSETS_PER_DEX: Final = 10_000
MAX_SCALE: Final = 3.0
MAX_SCALE_IN_GROWTH: Final = 10.0
"""Largest fee scale of a dex; the second only when all of its coins are in growth mode (HL §10.4)."""


def asset_id(dex: int, row: int) -> int:
    """Asset id of a row of the universe of the dex with a number (its place in `perpDexs`).

    >>> asset_id(0, 5), asset_id(1, 0), asset_id(2, 7)
    (5, 110000, 120007)
    """
    return row if dex == 0 else FIRST_BUILDER_ASSET + dex * ASSETS_PER_DEX + row


def dex_name(coin: str) -> str:
    """Dex of a coin by its name.

    >>> dex_name("xyz:TSLA"), dex_name("BTC")
    ('xyz', '')
    """
    return coin.partition(":")[0] if ":" in coin else FIRST


class DexCoin(msgspec.Struct, frozen=True):
    """One coin of a dex: how it is listed, and the synthetic market that drives it.

    Attributes:
        coin: its name without that of the dex.
        like: synthetic coin whose market it has, unless `market.synthetic.coins` has a row `dex:COIN`.
        px: price at the start, USD; without it that of `like`.
        sz_decimals: size grid; without it that of `like`.
        max_leverage: largest leverage; one margin tier.
        margin_mode: isolated only in either; in `strictIsolated` margin may not be taken out (HL §8.1).
        growth_mode: a tenth of the fees, of the rebates and of what volume counts for (HL §10.4).
        oi_cap_usd: notional of open interest at which it is capped.
        open_interest_usd: notional of open interest others have.
        funding_multiplier: of the funding rate, set by the deployer (HL §9).
        interest_rate: of eight hours, instead of the usual 0.0001 (HL §9).
    """

    coin: Annotated[str, Meta(pattern="^[A-Z0-9]{1,16}$")]
    like: str = "SOL"
    px: Positive | None = None
    sz_decimals: Annotated[int, Meta(ge=0, le=5)] | None = None
    max_leverage: Annotated[int, Meta(ge=1, le=49)] = 10
    margin_mode: MarginMode = "strictIsolated"
    growth_mode: bool = False
    oi_cap_usd: Positive = 25_000_000.0
    open_interest_usd: Annotated[float, Meta(ge=0, le=1e12)] = 1_000_000.0
    funding_multiplier: Annotated[float, Meta(ge=0, le=10)] = 1.0
    interest_rate: Annotated[float, Meta(ge=-0.01, le=0.01)] | None = None


class PerpDex(msgspec.Struct, frozen=True):
    """A builder-deployed perp dex (HIP-3); its collateral is USDC.

    Attributes:
        name: prefix of its coins (`xyz:TSLA`) and the `dex` of requests.
        coins: its universe, in the order of asset ids.
        full_name: as `perpDexs` shows it; without it the name in capitals.
        deployer: address of who runs it; nobody holds its key here.
        fee_scale: what the deployer takes beside the venue's fee; 1 doubles it (HL §10.4).
    """

    name: Annotated[str, Meta(pattern="^[a-z0-9]{2,6}$")]
    coins: Annotated[tuple[DexCoin, ...], Meta(min_length=1, max_length=60)]
    full_name: str = ""
    deployer: Annotated[str, Meta(pattern="^0x[0-9a-f]{40}$")] = "0x" + "d3" * 20
    fee_scale: Annotated[float, Meta(ge=0, le=MAX_SCALE_IN_GROWTH)] = 1.0

    def names(self) -> list[str]:
        """Wire names of its coins."""
        return [f"{self.name}:{row.coin}" for row in self.coins]

    def complaints(self) -> Iterator[tuple[str, str]]:
        """What bounds of one field cannot say."""
        if self.name == "spot":
            yield "name", "is spot, which transfers read as the spot side; choose another"
        names = [row.coin for row in self.coins]
        for coin in dict.fromkeys(names):
            if names.count(coin) > 1:
                yield "coins", f"names {coin} twice"
        if self.fee_scale > MAX_SCALE and not all(row.growth_mode for row in self.coins):
            yield (
                "fee_scale",
                f"is {self.fee_scale:g}, more than {MAX_SCALE:g} goes with growth mode of every coin only",
            )
        known = {row.coin for row in COINS}
        for row in self.coins:
            if row.like not in known:
                yield "coins", f"of {row.coin} names like {row.like}, must be one of {', '.join(sorted(known))}"


class Place(NamedTuple):
    """Where a coin of a dex stands: number of the dex, its settings, those of the coin."""

    number: int
    dex: PerpDex
    coin: DexCoin


def places(dexes: Sequence[PerpDex]) -> dict[str, Place]:
    """All coins of all dexes by wire name; dexes count from one."""
    return {
        name: Place(number, dex, row)
        for number, dex in enumerate(dexes, 1)
        for name, row in zip(dex.names(), dex.coins, strict=True)
    }


def synthetic_coins(dexes: Sequence[PerpDex], given: Sequence[SyntheticCoin]) -> tuple[SyntheticCoin, ...]:
    """The synthetic markets of all coins of dexes: a row of `given` with that name, or one like another coin's."""
    rows, known = {row.coin: row for row in given}, {row.coin: row for row in COINS}
    return tuple(
        rows.get(name) or _like(name, known[place.coin.like], place.coin) for name, place in places(dexes).items()
    )


def _like(name: str, model: SyntheticCoin, row: DexCoin) -> SyntheticCoin:
    px = model.px if row.px is None else row.px
    decimals = model.sz_decimals if row.sz_decimals is None else row.sz_decimals
    return msgspec.structs.replace(
        model, coin=name, px=px, sz_decimals=decimals, open_interest=row.open_interest_usd / px
    )
