"""What the account really has, by its mode (HL §8.6): the wrong endpoint reads zero, the sum of both counts twice.

Standard: perp equity is the perp account value; spot USDC is no collateral. Unified and portfolio margin: the spot USDC
total is the cash, unrealised profit comes on top, and the perp account value means nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import MalformedMessage, PreflightError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import usd_1e8
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.rest import InfoClient

MODES: Final[dict[str, AccountMode]] = {
    "disabled": AccountMode.STANDARD,
    "default": AccountMode.STANDARD,
    "unifiedAccount": AccountMode.UNIFIED,
    "portfolioMargin": AccountMode.PORTFOLIO_MARGIN,
}

MODE_WORDS: Final = ("standard", "unified", "portfolio margin")
"""For people, by `AccountMode`."""


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


class AccountTruth(msgspec.Struct, frozen=True):
    """The account at `time_ms` (block time). Money in integer 1e-8 USD, fees in bps (negative is a rebate).

    `user` is the address that holds the account, also when an agent's was asked for. `idle_spot_1e8` is spot USDC that
    backs nothing (standard mode only). `address_*` count requests over the account's life.
    """

    user: str
    mode: AccountMode
    equity_1e8: int
    free_1e8: int
    margin_used_1e8: int
    maintenance_1e8: int
    idle_spot_1e8: int
    positions: tuple[PositionTruth, ...]
    maker_fee_bps: float
    taker_fee_bps: float
    volume_usd: float
    address_used: int
    address_cap: int
    address_surplus: int
    time_ms: int

    @property
    def equity_usd(self) -> float:
        """Collateral plus unrealised profit."""
        return self.equity_1e8 / USD_1E8

    @property
    def free_usd(self) -> float:
        """What may still be used as initial margin."""
        return self.free_1e8 / USD_1E8

    @property
    def margin_used_usd(self) -> float:
        """Initial margin in use."""
        return self.margin_used_1e8 / USD_1E8

    @property
    def maintenance_usd(self) -> float:
        """Maintenance margin of cross positions."""
        return self.maintenance_1e8 / USD_1E8

    @property
    def idle_spot_usd(self) -> float:
        """Spot USDC that is no collateral until it is transferred."""
        return self.idle_spot_1e8 / USD_1E8


class MoneyTruth(msgspec.Struct, frozen=True):
    """Equity and positions alone, for one who knows the mode and needs nothing else. Money in integer 1e-8 USD."""

    equity_1e8: int
    positions: tuple[PositionTruth, ...]

    @property
    def equity_usd(self) -> float:
        """Collateral plus unrealised profit."""
        return self.equity_1e8 / USD_1E8


async def owner_of(info: InfoClient, address: str) -> str:
    """The address that holds the account: an agent's master, otherwise the address itself (weight 60).

    Raises:
        PreflightError: the venue has never seen the address.
    """
    role = await info.user_role(address)
    match role:
        case {"role": "agent", "data": {"user": str(user)}}:
            return user.lower()
        case {"role": "missing"}:
            msg = f"the venue does not know {address}: deposit first, or check address and network"
            raise PreflightError(msg)
        case {"role": str()}:
            return address.lower()
    msg = f"userRole of {address}: {role!r}"
    raise MalformedMessage(msg)


async def read_account(info: InfoClient, user: str, dexes: Sequence[str] = ("",)) -> AccountTruth:
    """Read everything about an account (IP weight 64, and 60 more when the account looks empty).

    An agent's address reads as empty without any error, so an empty account's role is asked and its master read.

    Raises:
        PreflightError: unknown address, or an account mode this program does not know.
        MalformedMessage, VenueUnreachable, VenueRefused: as `InfoClient.post`.
    """
    address = user.lower()
    perps, spot = await asyncio.gather(_perps(info, address, dexes), info.spot_state(address))
    if _is_empty(perps, spot):
        owner = await owner_of(info, address)
        if owner != address:
            return await read_account(info, owner, dexes)
    mode, fees, budget = await asyncio.gather(
        info.user_abstraction(address), info.user_fees(address), info.user_rate_limit(address)
    )
    return account_truth(address, Replies(mode, perps, spot, fees, budget))


async def refresh_account(
    info: InfoClient, last: AccountTruth, dexes: Sequence[str] = ("",), *, all_but_fees: bool = False
) -> AccountTruth:
    """Read money and positions again (IP weight 4); fees stay as last read.

    So do mode and address budget, unless `all_but_fees` is asked for (weight 40 more).
    """
    perps, spot = await asyncio.gather(_perps(info, last.user, dexes), info.spot_state(last.user))
    mode = next(name for name, known in MODES.items() if known is last.mode)
    fees = {"userAddRate": last.maker_fee_bps / 1e4, "userCrossRate": last.taker_fee_bps / 1e4}
    known = {
        "cumVlm": last.volume_usd,
        "nRequestsUsed": last.address_used,
        "nRequestsCap": last.address_cap,
        "nRequestsSurplus": last.address_surplus,
    }
    left: Mapping[str, Any] = known
    if all_but_fees:
        mode, left = await asyncio.gather(info.user_abstraction(last.user), info.user_rate_limit(last.user))
    return account_truth(last.user, Replies(mode, perps, spot, fees, left))


async def read_money(info: InfoClient, user: str, mode: AccountMode, dexes: Sequence[str] = ("",)) -> MoneyTruth:
    """Read money and positions of an account whose mode is known (IP weight 4).

    Raises:
        MalformedMessage, VenueUnreachable, VenueRefused: as `InfoClient.post`.
    """
    perps, spot = await asyncio.gather(_perps(info, user, dexes), info.spot_state(user))
    try:
        positions, margin = _held(perps)
        return MoneyTruth(_money(mode, perps, spot, positions, margin)[0], positions)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        msg = f"account {user}: {error!r} in the venue's replies"
        raise MalformedMessage(msg) from error


class Replies(msgspec.Struct, frozen=True):
    """Decoded replies: `userAbstraction`, `clearinghouseState` per dex, spot state, `userFees`, `userRateLimit`."""

    mode: str
    perps: Sequence[Mapping[str, Any]]
    spot: Mapping[str, Any]
    fees: Mapping[str, Any]
    budget: Mapping[str, Any]


def account_truth(user: str, replies: Replies) -> AccountTruth:
    """Put the replies together.

    Raises:
        PreflightError: unknown mode.
        MalformedMessage: a reply lacks a field.
    """
    perps, fees, budget = replies.perps, replies.fees, replies.budget
    known = MODES.get(replies.mode)
    if known is None:
        msg = (
            f"account {user} is in mode {replies.mode!r}, which is not known here; set it to unifiedAccount or disabled"
        )
        raise PreflightError(msg)
    try:
        positions, margin = _held(perps)
        equity, free, idle = _money(known, perps, replies.spot, positions, margin)
        return AccountTruth(
            user=user,
            mode=known,
            equity_1e8=equity,
            free_1e8=max(0, free),
            margin_used_1e8=margin,
            maintenance_1e8=sum(usd_1e8(state["crossMaintenanceMarginUsed"]) for state in perps),
            idle_spot_1e8=idle,
            positions=positions,
            maker_fee_bps=float(fees["userAddRate"]) * 1e4,
            taker_fee_bps=float(fees["userCrossRate"]) * 1e4,
            volume_usd=float(budget["cumVlm"]),
            address_used=int(budget["nRequestsUsed"]),
            address_cap=int(budget["nRequestsCap"]),
            address_surplus=int(budget.get("nRequestsSurplus", 0)),
            time_ms=max(int(state["time"]) for state in perps),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        msg = f"account {user}: {error!r} in the venue's replies"
        raise MalformedMessage(msg) from error


def _held(perps: Sequence[Mapping[str, Any]]) -> tuple[tuple[PositionTruth, ...], int]:
    """Open positions, and the initial margin they use in 1e-8 USD."""
    positions = tuple(_position(row["position"]) for state in perps for row in state["assetPositions"])
    return positions, sum(usd_1e8(state["marginSummary"]["totalMarginUsed"]) for state in perps)


def _money(
    mode: AccountMode,
    perps: Sequence[Mapping[str, Any]],
    spot: Mapping[str, Any],
    positions: Sequence[PositionTruth],
    margin_1e8: int,
) -> tuple[int, int, int]:
    """Equity, free collateral and idle spot USDC, 1e-8 USD, each dollar counted once."""
    cash, borrowed = _usdc(spot)
    if mode is AccountMode.STANDARD:
        equity = sum(usd_1e8(state["marginSummary"]["accountValue"]) for state in perps)
        cross = [state["crossMarginSummary"] for state in perps]
        free = sum(usd_1e8(part["accountValue"]) - usd_1e8(part["totalMarginUsed"]) for part in cross)
        return equity, free, cash
    equity = cash - borrowed + sum(position.unrealised_1e8 for position in positions)
    return equity, equity - margin_1e8, 0


def _usdc(spot: Mapping[str, Any]) -> tuple[int, int]:
    """USDC total, and what of it is borrowed (portfolio margin); other tokens are not counted as equity."""
    for row in spot["balances"]:
        if row["coin"] == "USDC":
            return usd_1e8(str(row["total"])), usd_1e8(str(row.get("borrowed") or "0"))
    return 0, 0


def _position(row: Mapping[str, Any]) -> PositionTruth:
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
    )


async def _perps(info: InfoClient, user: str, dexes: Sequence[str]) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(info.clearinghouse_state(user, dex) for dex in dexes)))


def _is_empty(perps: Sequence[Mapping[str, Any]], spot: Mapping[str, Any]) -> bool:
    """No position, no collateral, no balance: an unfunded account, or an agent's address."""
    values = [float(state.get("marginSummary", {}).get("accountValue", 0.0)) for state in perps]
    held = any(state.get("assetPositions") for state in perps) or any(value != 0.0 for value in values)
    return not held and not spot.get("balances")
