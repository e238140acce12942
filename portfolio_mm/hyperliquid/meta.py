"""Instruments of a run, from the venue's universe (HL §1.2, §6.3)."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from portfolio_mm.domain.errors import ConfigurationError, MalformedMessage, PreflightError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.rest import InfoClient


async def load_instruments(info: InfoClient, coins: Sequence[str]) -> tuple[Instrument, ...]:
    """Instruments of the coins, in their order; `index` is the place in `coins`.

    Raises:
        ConfigurationError: a coin is unknown (near matches are named), named twice, or none is given.
        PreflightError: a coin is delisted.
        MalformedMessage, VenueUnreachable, VenueRefused: as `InfoClient.post`.
    """
    reply = await info.post({"type": "meta"})
    return instruments_of(reply, coins)


def instruments_of(meta: Mapping[str, Any], coins: Sequence[str]) -> tuple[Instrument, ...]:
    """Instruments of a `meta` reply; raises as `load_instruments`.

    The asset id is the place in the universe *with* delisted rows: they are refused, never filtered out.
    """
    if not coins:
        msg = "no coins: name at least one perpetual, for instance BTC"
        raise ConfigurationError(msg)
    if len(set(coins)) != len(coins):
        msg = f"a coin is named twice in {', '.join(coins)}"
        raise ConfigurationError(msg)
    try:
        rows = {str(row["name"]): (asset, row) for asset, row in enumerate(meta["universe"])}
        return tuple(_instrument(coin, index, rows) for index, coin in enumerate(coins))
    except (KeyError, TypeError, ValueError) as error:
        msg = f"meta: {error!r} in the venue's universe"
        raise MalformedMessage(msg) from error


def _instrument(coin: str, index: int, rows: Mapping[str, tuple[int, Mapping[str, Any]]]) -> Instrument:
    found = rows.get(coin)
    if found is None:
        raise ConfigurationError(_unknown(coin, list(rows)))
    asset, row = found
    if row.get("isDelisted"):
        msg = f"{coin} is delisted at the venue; take it out of the coins"
        raise PreflightError(msg)
    return Instrument(
        coin=coin,
        asset=asset,
        index=index,
        sz_decimals=int(row["szDecimals"]),
        max_leverage=int(row["maxLeverage"]),
        margin_table=int(row.get("marginTableId", 0)),
        only_isolated=bool(row.get("onlyIsolated")) or row.get("marginMode") in {"strictIsolated", "noCross"},
        delisted=False,
    )


def _unknown(coin: str, names: list[str]) -> str:
    """Say which coins the user may have meant; names differ in case only rarely, so that match comes first."""
    folded = {name.casefold(): name for name in names}
    same = [folded[coin.casefold()]] if coin.casefold() in folded else []
    near = difflib.get_close_matches(coin.casefold(), list(folded), n=3, cutoff=0.6)
    options = list(dict.fromkeys(same + [folded[name] for name in near]))
    hint = f"did you mean {' or '.join(options)}?" if options else f"the venue lists {len(names)} coins, none is near"
    return f"coin {coin!r} is not listed at the venue; {hint}"
