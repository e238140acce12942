"""What is asked about builder-deployed dexes themselves, of the recorded shapes (HL §1.1)."""

from typing import Any, Final

from portfolio_mm.venue.dexes import PerpDex
from portfolio_mm.venue.info.request import Request, text
from portfolio_mm.venue.listing import NEVER, Dex
from portfolio_mm.venue.protocol.amounts import usd_text, wire_text
from portfolio_mm.venue.state import VenueState

OI_SIZE_CAP: Final = "1000000000.0"
MAX_TRANSFER: Final = "150000000.0"
"""As recorded of a dex; neither binds here."""
RATE_DECIMALS: Final = 10


def perp_dexs(state: VenueState) -> list[dict[str, Any] | None]:
    """`perpDexs`: null for the first dex, and the place of another one is its number."""
    return [None if dex.settings is None else _row(dex.settings) for dex in state.listing.dexes]


def _row(dex: PerpDex) -> dict[str, Any]:
    """One dex. Rows name the coins for which something is set."""
    coins = [(f"{dex.name}:{row.coin}", row) for row in dex.coins]
    multiplied = [[name, decimal(row.funding_multiplier)] for name, row in coins if row.funding_multiplier != 1.0]
    interest = [[name, decimal(row.interest_rate)] for name, row in coins if row.interest_rate is not None]
    return {
        "name": dex.name,
        "fullName": dex.full_name or dex.name.upper(),
        "deployer": dex.deployer,
        "oracleUpdater": None,
        "feeRecipient": dex.deployer,
        "assetToStreamingOiCap": _caps(dex),
        "subDeployers": [],
        "deployerFeeScale": decimal(dex.fee_scale),
        "lastDeployerFeeScaleChangeTime": NEVER,
        "assetToFundingMultiplier": multiplied,
        "assetToFundingInterestRate": interest,
    }


def _caps(dex: PerpDex) -> list[list[str]]:
    """Caps of open interest by coin, sorted by name as recorded."""
    return sorted([f"{dex.name}:{row.coin}", decimal(row.oi_cap_usd)] for row in dex.coins)


def decimal(number: float) -> str:
    """A number as the venue writes decimals.

    >>> decimal(25e6), decimal(0.0968901566)
    ('25000000.0', '0.0968901566')
    """
    return wire_text(round(number * 10**RATE_DECIMALS), RATE_DECIMALS)


def limits(state: VenueState, request: Request) -> dict[str, Any] | None:
    """`perpDexLimits`; null, as the TypeScript SDK types it, for the first dex and for one nobody deployed."""
    dex = state.listing.by_dex.get(text(request, "dex"))
    if dex is None or dex.settings is None:
        return None
    caps = _caps(dex.settings)
    return {
        "totalOiCap": decimal(sum(row.oi_cap_usd for row in dex.settings.coins)),
        "oiSzCapPerPerp": OI_SIZE_CAP,
        "maxTransferNtl": MAX_TRANSFER,
        "coinToOiCap": caps,
    }


def status(state: VenueState, dex: Dex) -> dict[str, str]:
    """`perpDexStatus`."""
    if dex.settings is None:
        return {"totalNetDeposit": usd_text(sum(known.deposited_1e8 for known in state.users.values()))}
    return {"totalNetDeposit": usd_text(state.net_deposits_1e8[dex.name])}
