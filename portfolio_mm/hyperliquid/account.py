"""What the account really has, by its mode (HL §8.6): the wrong endpoint reads zero, the sum of both counts twice.

Standard: equity is the account value of the dexes that are traded; spot USDC and other dexes are no collateral there.
Unified and portfolio margin: the spot USDC total is the cash, unrealised profit comes on top, and the perp account
value means nothing. Positions on a dex that is not traded here, other than the first, are not read.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import MalformedMessage, PreflightError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import usd_1e8
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.collateral import (
    PositionTruth,
    Pot,
    cash_of,
    fees_of,
    maintenance_of,
    positions_of,
    pots_of,
)
from portfolio_mm.hyperliquid.rest import InfoClient

MODES: Final[dict[str, AccountMode]] = {
    "disabled": AccountMode.STANDARD,
    "default": AccountMode.STANDARD,
    "unifiedAccount": AccountMode.UNIFIED,
    "portfolioMargin": AccountMode.PORTFOLIO_MARGIN,
}

MODE_WORDS: Final = ("standard", "unified", "portfolio margin")
"""For people, by `AccountMode`."""


class AccountTruth(msgspec.Struct, frozen=True):
    """The account at `time_ms` (block time). Money in integer 1e-8 USD, fees in bps (negative is a rebate).

    `user` is the address that holds the account, also when an agent's was asked for. `idle_spot_1e8` is spot USDC that
    backs nothing, `idle_dexes_1e8` what lies in a dex that is not traded here (both in standard mode only). Fees are
    those of the first dex as charged; `collateral.fees_on` makes a coin's of them. `address_*` count requests over the
    account's life.
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
    pots: tuple[Pot, ...] = ()
    idle_dexes_1e8: int = 0

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

    def pot_of(self, dex: str) -> Pot | None:
        """What backs cross positions on a dex, and what new isolated ones take their margin from."""
        return next((pot for pot in self.pots if dex in pot.dexes), None)


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
    """Read everything about an account (IP weight 64, 2 for each further dex, 60 more when the account looks empty).

    An agent's address reads as empty without any error, so an empty account's role is asked and its master read.

    Args:
        info: where to ask.
        user: master or sub-account address; an agent's leads to its master.
        dexes: perp dexes that are traded; the first one is read in any case.

    Raises:
        PreflightError: unknown address, or an account mode this program does not know.
        MalformedMessage, VenueUnreachable, VenueRefused: as `InfoClient.post`.
    """
    address = user.lower()
    perps, spot = await asyncio.gather(_perps(info, address, dexes), info.spot_state(address))
    if _is_empty(tuple(perps.values()), spot):
        owner = await owner_of(info, address)
        if owner != address:
            return await read_account(info, owner, dexes)
    mode, fees, budget = await asyncio.gather(
        info.user_abstraction(address), info.user_fees(address), info.user_rate_limit(address)
    )
    return account_truth(address, Replies(mode, perps, spot, fees, budget, tuple(dexes)))


async def refresh_account(
    info: InfoClient, last: AccountTruth, dexes: Sequence[str] = ("",), *, all_but_fees: bool = False
) -> AccountTruth:
    """Read money and positions again (IP weight 4, 2 for each further dex); fees stay as last read.

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
    return account_truth(last.user, Replies(mode, perps, spot, fees, left, tuple(dexes)))


async def read_money(info: InfoClient, user: str, mode: AccountMode, dexes: Sequence[str] = ("",)) -> MoneyTruth:
    """Read money and positions of an account whose mode is known (IP weight 4, 2 for each further dex).

    Raises:
        MalformedMessage, VenueUnreachable, VenueRefused: as `InfoClient.post`.
    """
    perps, spot = await asyncio.gather(_perps(info, user, dexes), info.spot_state(user))
    try:
        counted = _counted(mode, perps, dexes)
        return MoneyTruth(_equity(mode, counted, spot), positions_of(tuple(counted.values())))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        msg = f"account {user}: {error!r} in the venue's replies"
        raise MalformedMessage(msg) from error


class Replies(msgspec.Struct, frozen=True):
    """Decoded replies: `userAbstraction`, `clearinghouseState` by dex, spot state, `userFees`, `userRateLimit`.

    `traded` are the dexes whose money counts in standard mode.
    """

    mode: str
    perps: Mapping[str, Mapping[str, Any]]
    spot: Mapping[str, Any]
    fees: Mapping[str, Any]
    budget: Mapping[str, Any]
    traded: tuple[str, ...] = ("",)


def account_truth(user: str, replies: Replies) -> AccountTruth:
    """Put the replies together.

    Raises:
        PreflightError: unknown mode.
        MalformedMessage: a reply lacks a field.
    """
    budget = replies.budget
    mode = MODES.get(replies.mode)
    if mode is None:
        msg = (
            f"account {user} is in mode {replies.mode!r}, which is not known here; set it to unifiedAccount or disabled"
        )
        raise PreflightError(msg)
    try:
        counted = _counted(mode, replies.perps, replies.traded)
        states = tuple(counted.values())
        pots, standard = pots_of(mode, counted, replies.spot), mode is AccountMode.STANDARD
        equity, margin = _equity(mode, counted, replies.spot), _margin(states)
        free = sum(pot.free_1e8 for pot in pots) if standard else equity - margin
        maker_bps, taker_bps = fees_of(replies.fees)
        return AccountTruth(
            user=user,
            mode=mode,
            equity_1e8=equity,
            free_1e8=max(0, free),
            margin_used_1e8=margin,
            maintenance_1e8=maintenance_of(states),
            idle_spot_1e8=cash_of(replies.spot)[0] if standard else 0,
            positions=positions_of(states),
            maker_fee_bps=maker_bps,
            taker_fee_bps=taker_bps,
            volume_usd=float(budget["cumVlm"]),
            address_used=int(budget["nRequestsUsed"]),
            address_cap=int(budget["nRequestsCap"]),
            address_surplus=int(budget.get("nRequestsSurplus", 0)),
            time_ms=max(int(state["time"]) for state in replies.perps.values()),
            pots=pots,
            idle_dexes_1e8=sum(_value(state) for dex, state in replies.perps.items() if dex not in counted),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        msg = f"account {user}: {error!r} in the venue's replies"
        raise MalformedMessage(msg) from error


def _counted(
    mode: AccountMode, perps: Mapping[str, Mapping[str, Any]], traded: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """States whose money counts: of the dexes traded in standard mode, else of all that were read."""
    return {dex: state for dex, state in perps.items() if mode is not AccountMode.STANDARD or dex in traded}


def _equity(mode: AccountMode, perps: Mapping[str, Mapping[str, Any]], spot: Mapping[str, Any]) -> int:
    """Equity in 1e-8 USD, each dollar counted once."""
    if mode is AccountMode.STANDARD:
        return sum(_value(state) for state in perps.values())
    cash, borrowed = cash_of(spot)
    return cash - borrowed + sum(position.unrealised_1e8 for position in positions_of(tuple(perps.values())))


def _value(state: Mapping[str, Any]) -> int:
    return usd_1e8(state["marginSummary"]["accountValue"])


def _margin(states: Sequence[Mapping[str, Any]]) -> int:
    """Initial margin that positions use, 1e-8 USD."""
    return sum(usd_1e8(state["marginSummary"]["totalMarginUsed"]) for state in states)


async def _perps(info: InfoClient, user: str, dexes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`clearinghouseState` of the first dex and of those asked for."""
    wanted = tuple(dict.fromkeys(("", *dexes)))
    states = await asyncio.gather(*(info.clearinghouse_state(user, dex) for dex in wanted))
    return dict(zip(wanted, states, strict=True))


def _is_empty(perps: Sequence[Mapping[str, Any]], spot: Mapping[str, Any]) -> bool:
    """No position, no collateral, no balance: an unfunded account, or an agent's address."""
    values = [float(state.get("marginSummary", {}).get("accountValue", 0.0)) for state in perps]
    held = any(state.get("assetPositions") for state in perps) or any(value != 0.0 for value in values)
    return not held and not spot.get("balances")
