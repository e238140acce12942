"""Which wallet of an account holds what, in words with the command that cures it: for an account that cannot trade.

Asked only when trading is refused, because it costs request weight (HL §5.1: about 130, and 2 for each dex).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from portfolio_mm.actors.auto_transfer import free_usdc_1e8
from portfolio_mm.domain.errors import MalformedMessage, PreflightError, VenueError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import MIN_ORDER_USD
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.account import MODE_WORDS, AccountTruth
from portfolio_mm.hyperliquid.rest import InfoClient

LEAST_ORDER_USD: Final = MIN_ORDER_USD * 1.01
DEXES: Final = 20
"""Builder-deployed dexes that are looked at: each costs a read."""
CENT: Final = 0.01


class Elsewhere(NamedTuple):
    """What the account has where it is no collateral for us."""

    tokens: tuple[tuple[str, str], ...] = ()
    dexes: tuple[tuple[str, float], ...] = ()
    subs: tuple[tuple[str, str, float], ...] = ()
    free_usd: float = 0.0
    unread: str = ""


async def check_money(info: InfoClient, truth: AccountTruth) -> None:
    """Refuse an account without tradable equity, and say which wallet holds what.

    Raises:
        PreflightError: equity is zero or less than the least order.
    """
    if truth.equity_usd >= LEAST_ORDER_USD:
        return
    raise PreflightError(words(truth, await elsewhere(info, truth)))


async def elsewhere(info: InfoClient, truth: AccountTruth) -> Elsewhere:
    """Look into every other wallet; what cannot be read is said instead."""
    try:
        spot = await info.spot_state(truth.user)
        tokens = tuple(
            (str(row["coin"]), str(row["total"]))
            for row in spot["balances"]
            if row["coin"] != "USDC" and float(row["total"])
        )
        free_usd = free_usdc_1e8(spot) / USD_1E8
        dexes = await _dexes(info, truth.user)
        rows = await info.post({"type": "subAccounts", "user": truth.user}) or []
        return Elsewhere(tokens, dexes, tuple(_sub(row) for row in rows), free_usd)
    except (VenueError, MalformedMessage) as error:
        return Elsewhere(unread=str(error))
    except (KeyError, TypeError, ValueError) as error:
        return Elsewhere(unread=f"{error!r} in the venue's replies")


async def _dexes(info: InfoClient, user: str) -> tuple[tuple[str, float], ...]:
    """Money on the ledgers of builder-deployed dexes (HIP-3)."""
    listed = await info.post({"type": "perpDexs"}) or []
    found = []
    for row in [row for row in listed if row][:DEXES]:
        name = str(row["name"])
        state = await info.clearinghouse_state(user, name)
        value = float(state["marginSummary"]["accountValue"])
        if abs(value) >= CENT:
            found.append((name, value))
    return tuple(found)


def _sub(row: Mapping[str, Any]) -> tuple[str, str, float]:
    value = float(row["clearinghouseState"]["marginSummary"]["accountValue"])
    value += sum(float(one["total"]) for one in row["spotState"]["balances"] if one["coin"] == "USDC")
    return str(row["name"]), str(row["subAccountUser"]), value


def words(truth: AccountTruth, other: Elsewhere) -> str:
    """What each wallet holds, and what to do."""
    standard = truth.mode is AccountMode.STANDARD
    held = [f"perps {truth.equity_usd:,.2f} USD"]
    if standard:
        held.append(f"spot {truth.idle_spot_usd:,.2f} USD")
    held += [f"spot {amount} {token}" for token, amount in other.tokens]
    held += [f"dex {name} {usd:,.2f} USD" for name, usd in other.dexes]
    held += [f"sub-account {name} ({address}) {usd:,.2f} USD" for name, address, usd in other.subs]
    if other.unread:
        held.append(f"other wallets could not be read ({other.unread})")
    text = f"account {truth.user} ({MODE_WORDS[truth.mode]} mode): {', '.join(held)}"
    cures = list(_cures(truth, other))
    if cures:
        return f"{text}. {' Or '.join(cures)}"
    return f"{text}. At least {LEAST_ORDER_USD:.2f} USD are needed for one order: deposit first"


def _cures(truth: AccountTruth, other: Elsewhere) -> list[str]:
    cures = []
    if truth.mode is AccountMode.STANDARD and truth.idle_spot_usd >= LEAST_ORDER_USD:
        free = other.free_usd or truth.idle_spot_usd
        cures.append(
            "Spot money is no collateral in this mode: transfer it from spot to perps with "
            f"`portfolio-mm account transfer --to perps --usd {free:.2f}`, let the agent do it with "
            "`portfolio-mm start --auto-transfer`, or unify the account with `portfolio-mm account mode unified`"
        )
    cures += [
        f"money on the dex {name} is collateral there alone: `portfolio-mm account transfer --from-dex {name} "
        f"--to perps --usd {usd:.2f}`"
        for name, usd in other.dexes
        if usd >= LEAST_ORDER_USD and truth.mode is AccountMode.STANDARD
    ]
    cures += [
        f"trade for the sub-account {name}: set account.address and account.vault to {address}"
        for name, address, usd in other.subs
        if usd >= LEAST_ORDER_USD
    ]
    if other.tokens and not cures:
        names = ", ".join(token for token, _ in other.tokens)
        cures.append(f"only USDC is counted as collateral here: sell {names} for USDC on the spot market, or deposit")
    return cures
