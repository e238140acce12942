"""What a user sees of an account in each mode (HL §1.7, §1.8, §1.13-§1.17, §8.6)."""

from typing import Any

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import SIDES
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.listing import Dex
from portfolio_mm.venue.protocol.amounts import micro_text, rounded, usd_text, wire_text
from portfolio_mm.venue.state import VenueState

RATIO_DECIMALS = 10


def clearinghouse_state(state: VenueState, user: User, dex: Dex | None = None) -> dict[str, Any]:
    """`clearinghouseState` of a dex, the first one unless another is meant.

    In unified mode the account value here is not the account's: it is what positions hold as margin, as measured on
    the real venue (25.93 shown where the equity was 977.58); equity must come from spot and unrealised PnL.
    """
    dex = dex or state.listing.dexes[0]
    coins, marks = dex.coins, state.marks
    free = 0 if user.unified else margin.withdrawable_1e8(user, coins, marks, dex.number)
    return {
        "marginSummary": _summary(state, user, dex, isolated=True),
        "crossMarginSummary": _summary(state, user, dex, isolated=False),
        "crossMaintenanceMarginUsed": micro_text(margin.maintenance_used_1e8(user, coins, marks)),
        "withdrawable": usd_text(free),
        "assetPositions": [
            {"type": "oneWay", "position": _position(state, user, coin)} for coin in coins if user.szi(coin.index)
        ],
        "time": state.now_ms,
    }


def _summary(state: VenueState, user: User, dex: Dex, *, isolated: bool) -> dict[str, Any]:
    """Margin of the cross positions, with the `isolated` ones or without: accountValue = totalRawUsd + positions."""
    marks = state.marks
    here = [(user.positions[c.index], marks[c.index]) for c in dex.coins if c.index in user.positions]
    held = [(position, mark) for position, mark in here if isolated or not position.isolated]
    value = sum(position.value_1e8(mark) for position, mark in held)
    used = margin.margin_used_1e8(user, dex.coins, marks)
    account = used if user.unified else margin.equity_1e8(user, marks, dex.number)
    if isolated:
        apart = sum(position.worth_1e8(mark) for position, mark in here if position.isolated)
        used, account = used + apart, account + apart
    return {
        "accountValue": usd_text(account),
        "totalNtlPos": micro_text(sum(abs(position.value_1e8(mark)) for position, mark in held)),
        "totalRawUsd": usd_text(account - value),
        "totalMarginUsed": micro_text(used),
    }


def _leverage(user: User, coin: Instrument) -> dict[str, Any]:
    """A coin's leverage, with the ledger of an isolated position."""
    if not user.isolates(coin):
        return {"type": "cross", "value": user.leverage_of(coin)}
    held = user.positions.get(coin.index)
    return {
        "type": "isolated",
        "value": user.leverage_of(coin),
        "rawUsd": micro_text(held.raw_1e8 if held is not None else 0),
    }


def _position(state: VenueState, user: User, coin: Instrument) -> dict[str, Any]:
    held, mark = user.positions[coin.index], state.marks[coin.index]
    leverage = user.leverage_of(coin)
    profit = held.unrealized_1e8(mark)
    entry = rounded(abs(held.cost_1e8), abs(held.szi) * 100)
    liquidation = margin.liquidation_px_1e10(user, coin, state.coins, state.marks)
    paid = abs(held.cost_1e8)
    return {
        "coin": coin.coin,
        "szi": wire_text(held.szi, coin.sz_decimals),
        "leverage": _leverage(user, coin),
        "entryPx": wire_text(entry, coin.px_decimals),
        "positionValue": micro_text(abs(held.value_1e8(mark))),
        "unrealizedPnl": micro_text(profit),
        "returnOnEquity": wire_text(
            rounded(profit * leverage * 10**RATIO_DECIMALS, paid) if paid else 0, RATIO_DECIMALS
        ),
        "liquidationPx": None if liquidation is None else wire_text(liquidation, RATIO_DECIMALS),
        "marginUsed": micro_text(margin.position_margin_1e8(user, coin, state.marks)),
        "maxLeverage": coin.max_leverage,
        "cumFunding": {
            "allTime": micro_text(held.funding_all_1e8),
            "sinceOpen": micro_text(held.funding_open_1e8),
            "sinceChange": micro_text(held.funding_change_1e8),
        },
    }


def by_dex(state: VenueState, user: User) -> list[list[Any]]:
    """`clearinghouseState` of every dex, with its name."""
    return [[dex.name, clearinghouse_state(state, user, dex)] for dex in state.listing.dexes]


def live(user: User, dex: Dex) -> list[OwnOrder]:
    """Live orders in the coins of a dex, newest first."""
    here = {coin.index for coin in dex.coins}
    return [order for order in reversed(user.live()) if order.instrument.index in here]


def active_asset_data(state: VenueState, user: User, coin: Instrument) -> dict[str, Any]:
    """`activeAssetData`: what may be traded on each side, in USDC before leverage and in coins."""
    mark, leverage = state.marks[coin.index], user.leverage_of(coin)
    dex = state.books[coin.index].terms.dex
    free = margin.available_1e8(user, state.backed(user, dex), state.marks, dex)
    held = user.szi(coin.index)
    released = margin.position_margin_1e8(user, coin, state.marks) + rounded(abs(held) * mark * 100, leverage)
    usd = [free + (released if held * sign < 0 else 0) for sign in (1, -1)]
    return {
        "user": user.address,
        "coin": coin.coin,
        "leverage": _leverage(user, coin),
        "maxTradeSzs": [wire_text(usd[side] * leverage // (mark * 100), coin.sz_decimals) for side in SIDES],
        "availableToTrade": [micro_text(usd[side]) for side in SIDES],
        "markPx": wire_text(mark, coin.px_decimals),
    }


def rate_limit(user: User) -> dict[str, Any]:
    """`userRateLimit`."""
    budget = user.requests
    return {
        "cumVlm": micro_text(user.volume_1e8),
        "nRequestsUsed": max(0, budget.used - budget.reserved),
        "nRequestsCap": budget.cap(user.volume_1e8),
        "nRequestsSurplus": max(0, budget.reserved - budget.used),
    }
