"""Instruments of a run, from the venue's universes (HL §1.2, §6.3): the first dex and builder-deployed ones (HIP-3)."""

import asyncio
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import ConfigurationError, MalformedMessage, PreflightError
from portfolio_mm.domain.instrument import Instrument, dex_of
from portfolio_mm.hyperliquid.collateral import dexes_of
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.models.liquidation import Tier, Tiers

FIRST_BUILDER_ASSET: Final = 100_000
ASSETS_PER_DEX: Final = 10_000
GROWTH: Final = 0.1
"""What growth mode leaves of fees and rebates (HL §10.4)."""
USDC_TOKEN: Final = 0


class Universe(msgspec.Struct, frozen=True):
    """One dex: its `meta` reply, its place in `perpDexs` (0: the first), and its deployer's fee scale."""

    meta: Mapping[str, Any]
    number: int = 0
    deployer_scale: float = 0.0

    def asset(self, row: int) -> int:
        """Wire id of a row of its universe, delisted rows counted.

        >>> Universe({}).asset(5), Universe({}, 2).asset(7)
        (5, 120007)
        """
        return row if self.number == 0 else FIRST_BUILDER_ASSET + self.number * ASSETS_PER_DEX + row

    def scales(self, row: Mapping[str, Any]) -> tuple[float, float]:
        """What becomes of positive fees and of rebates on a coin of this dex."""
        growth = GROWTH if row.get("growthMode") == "enabled" else 1.0
        scale = self.deployer_scale
        hip3 = 1.0 if self.number == 0 else 1.0 + scale if scale < 1.0 else 2.0 * scale
        return hip3 * growth, growth


async def load_instruments(info: InfoClient, coins: Sequence[str]) -> tuple[Instrument, ...]:
    """Instruments of the coins, in their order; `index` is the place in `coins`.

    IP weight 20 for each dex, and 20 more when one is not the first.

    Raises:
        ConfigurationError: a coin or dex is unknown (near matches are named), named twice, or none is given.
        PreflightError: a coin is delisted or halted, or its dex has another collateral than USDC.
        MalformedMessage, VenueUnreachable, VenueRefused: as `InfoClient.post`.
    """
    dexes = dexes_of(coins)
    numbers = await _numbers(info, dexes)
    metas = await asyncio.gather(*(info.meta(dex) for dex in dexes))
    universes = {dex: Universe(meta, *numbers.get(dex, (0, 0.0))) for dex, meta in zip(dexes, metas, strict=True)}
    return instruments_from(universes, coins)


async def load_assets(info: InfoClient, dexes: Sequence[str]) -> dict[str, int]:
    """Wire ids of every coin of some dexes, delisted ones too, to cancel with; weight, errors as `load_instruments`."""
    numbers = await _numbers(info, dexes, urgent=True)
    found: dict[str, int] = {}
    for dex in dexes:
        universe = Universe(await info.meta(dex, urgent=True), *numbers.get(dex, (0, 0.0)))
        try:
            found |= {str(row["name"]): universe.asset(place) for place, row in enumerate(universe.meta["universe"])}
        except (KeyError, TypeError) as error:
            msg = f"meta: {error!r} in the venue's universe"
            raise MalformedMessage(msg) from error
    return found


async def _numbers(info: InfoClient, dexes: Sequence[str], *, urgent: bool = False) -> dict[str, tuple[int, float]]:
    """Place in `perpDexs` and fee scale of each builder-deployed dex that is traded."""
    wanted = [dex for dex in dexes if dex]
    if not wanted:
        return {}
    rows = await info.perp_dexs(urgent=urgent)
    try:
        found = {
            str(row["name"]): (number, float(row.get("deployerFeeScale") or 0.0))
            for number, row in enumerate(rows)
            if row is not None
        }
    except (KeyError, TypeError, ValueError) as error:
        msg = f"perpDexs: {error!r}"
        raise MalformedMessage(msg) from error
    for dex in wanted:
        if dex not in found:
            msg = f"the venue has no perp dex {dex!r}; it has {', '.join(found) or 'none besides the first'}"
            raise ConfigurationError(msg)
    return found


def instruments_of(meta: Mapping[str, Any], coins: Sequence[str]) -> tuple[Instrument, ...]:
    """Instruments of a `meta` reply of the first dex; raises as `load_instruments`."""
    return instruments_from({"": Universe(meta)}, coins)


def instruments_from(universes: Mapping[str, Universe], coins: Sequence[str]) -> tuple[Instrument, ...]:
    """Instruments of `meta` replies by dex; raises as `load_instruments`.

    The asset id counts the place in the universe *with* delisted rows: they are refused, never filtered out.
    """
    if not coins:
        msg = "no coins: name at least one perpetual, for instance BTC"
        raise ConfigurationError(msg)
    if len(set(coins)) != len(coins):
        msg = f"a coin is named twice in {', '.join(coins)}"
        raise ConfigurationError(msg)
    try:
        rows = {
            dex: {str(row["name"]): (place, row) for place, row in enumerate(universe.meta["universe"])}
            for dex, universe in universes.items()
        }
        return tuple(
            _instrument(coin, index, universes.get(dex_of(coin), Universe({})), rows.get(dex_of(coin), {}))
            for index, coin in enumerate(coins)
        )
    except (KeyError, TypeError, ValueError) as error:
        msg = f"meta: {error!r} in the venue's universe"
        raise MalformedMessage(msg) from error


def tiers_of(meta: Mapping[str, Any]) -> dict[str, Tiers]:
    """Margin tiers by coin (HL §8.2).

    Raises:
        MalformedMessage: the reply lacks a field.
    """
    try:
        tables = {
            int(number): tuple(Tier(float(row["lowerBound"]), int(row["maxLeverage"])) for row in table["marginTiers"])
            for number, table in meta.get("marginTables", ())
        }
        return {
            str(row["name"]): tables.get(int(row.get("marginTableId", 0))) or (Tier(0.0, int(row["maxLeverage"])),)
            for row in meta["universe"]
        }
    except (KeyError, TypeError, ValueError) as error:
        msg = f"meta: {error!r} in the margin tables"
        raise MalformedMessage(msg) from error


def closed_coins(meta: Mapping[str, Any]) -> frozenset[str]:
    """Coins of a `meta` reply that do not trade: delisted, or halted by their deployer (HL §7.5)."""
    return frozenset(str(row.get("name")) for row in meta.get("universe", ()) if row.get("isDelisted"))


def _instrument(
    coin: str, index: int, universe: Universe, rows: Mapping[str, tuple[int, Mapping[str, Any]]]
) -> Instrument:
    found = rows.get(coin)
    if found is None:
        raise ConfigurationError(_unknown(coin, list(rows)))
    place, row = found
    if row.get("isDelisted"):
        text = "halted by its deployer, or delisted" if dex_of(coin) else "delisted"
        msg = f"{coin} is {text} at the venue; take it out of the coins"
        raise PreflightError(msg)
    if int(universe.meta.get("collateralToken", USDC_TOKEN)) != USDC_TOKEN:
        msg = f"{coin}: its dex takes token {universe.meta['collateralToken']} as collateral, only USDC is known here"
        raise PreflightError(msg)
    fee_scale, rebate_scale = universe.scales(row)
    return Instrument(
        coin=coin,
        asset=universe.asset(place),
        index=index,
        sz_decimals=int(row["szDecimals"]),
        max_leverage=int(row["maxLeverage"]),
        margin_table=int(row.get("marginTableId", 0)),
        only_isolated=bool(row.get("onlyIsolated")) or row.get("marginMode") in {"strictIsolated", "noCross"},
        delisted=False,
        fee_scale=fee_scale,
        rebate_scale=rebate_scale,
    )


def _unknown(coin: str, names: list[str]) -> str:
    """Say which coins the user may have meant; names differ in case only rarely, so that match comes first."""
    folded = {name.casefold(): name for name in names}
    same = [folded[coin.casefold()]] if coin.casefold() in folded else []
    near = difflib.get_close_matches(coin.casefold(), list(folded), n=3, cutoff=0.6)
    options = list(dict.fromkeys(same + [folded[name] for name in near]))
    hint = f"did you mean {' or '.join(options)}?" if options else f"the venue lists {len(names)} coins, none is near"
    return f"coin {coin!r} is not listed at the venue; {hint}"
