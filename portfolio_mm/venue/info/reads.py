"""`POST /info`: one function per request type, and what each weighs (HL §1, §5.1).

`webData2` is no longer among them: the venue retired it in August 2026.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from portfolio_mm.venue.candles import INTERVALS
from portfolio_mm.venue.clearinghouse.funding import predicted
from portfolio_mm.venue.exchange import bands, builders, priority
from portfolio_mm.venue.info import (
    side_reads,
    views_account,
    views_balances,
    views_dexes,
    views_family,
    views_fees,
    views_market,
)
from portfolio_mm.venue.info.aggregation import aggregated
from portfolio_mm.venue.info.request import ADDRESS, MAX_ROWS, MAX_TIMED_ROWS, BadRequest, NoAnswer, Request
from portfolio_mm.venue.info.request import address_of as _address
from portfolio_mm.venue.info.request import between as _between
from portfolio_mm.venue.info.request import coin as _coin
from portfolio_mm.venue.info.request import dex as _dex
from portfolio_mm.venue.info.request import flag as _flag
from portfolio_mm.venue.info.request import newest as _newest
from portfolio_mm.venue.info.request import text as _text
from portfolio_mm.venue.info.request import user as _user
from portfolio_mm.venue.info.request import whole as _whole
from portfolio_mm.venue.listing import SPOT_META, table
from portfolio_mm.venue.state import VenueState

LIGHT: Final = frozenset(
    {"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus"}
)
PER_ROW: Final = frozenset(
    {
        "recentTrades",
        "historicalOrders",
        "userFills",
        "userFillsByTime",
        "twapHistory",
        "userTwapSliceFills",
        "userTwapSliceFillsByTime",
        "fundingHistory",
        "userFunding",
        "userNonFundingLedgerUpdates",
    }
)
AFTER_UPGRADE: Final = "postOnly"
"""`specialStatuses` of the window after an upgrade; the word is ours: none was ever recorded (HL §1.19)."""
ROWS_PER_WEIGHT: Final = 20
CANDLES_PER_WEIGHT: Final = 60
SIG_FIGS: Final = (2, 3, 4, 5)
MANTISSAS: Final = (1, 2, 5)
MAX_SIG_FIGS: Final = 5
CLOID: Final = re.compile(r"(0x)?[0-9a-fA-F]{1,32}")


def weight(kind: str) -> int:
    """IP weight before the rows are known."""
    if kind in LIGHT:
        return 2
    return 60 if kind == "userRole" else 20


def row_weight(kind: str, reply: Any) -> int:
    """IP weight of the rows of a reply."""
    if kind == "candleSnapshot":
        return len(reply) // CANDLES_PER_WEIGHT
    return len(reply) // ROWS_PER_WEIGHT if kind in PER_ROW else 0


def answer(state: VenueState, request: Request) -> Any:
    """The reply to one request.

    Raises:
        BadRequest: unknown type, or a field is missing or of the wrong kind.
        NoAnswer: no such coin or dex, or a book parameter out of range.
    """
    kind = request.get("type")
    if not isinstance(kind, str) or kind not in READS:
        msg = f"unknown request type {kind!r}"
        raise BadRequest(msg)
    if kind != "perpDexLimits":
        _dex(state, request)
    return READS[kind](state, request)


def _book(state: VenueState, request: Request) -> Any:
    figures, mantissa = (None if request.get(f) is None else _whole(request, f, None) for f in ("nSigFigs", "mantissa"))
    coin = _coin(state, request)
    if figures is None and mantissa is None:
        return views_market.book(state, coin)
    if figures not in SIG_FIGS or mantissa not in (None, *MANTISSAS) or (mantissa and figures != MAX_SIG_FIGS):
        msg = f"nSigFigs {figures!r} with mantissa {mantissa!r}"
        raise NoAnswer(msg)
    return views_market.coarse_book(state, coin, figures, mantissa or 1)


def _order_status(state: VenueState, request: Request) -> Any:
    oid = request.get("oid")
    wanted = oid if isinstance(oid, str) else _whole(request, "oid", None)
    if isinstance(wanted, str) and not CLOID.fullmatch(wanted):
        msg = f"oid {wanted!r} is no cloid"
        raise BadRequest(msg)
    order = _user(state, request).find_record(wanted)
    if order is not None and state.now_ms - order.placed_ms < state.settings.read_lag_ms:
        order = None
    return {"status": "unknownOid"} if order is None else {"status": "order", "order": order.status_row()}


def _fills(state: VenueState, request: Request) -> Any:
    fills = _user(state, request).fills
    return aggregated(fills) if _flag(request, "aggregateByTime") else fills


def _candles(state: VenueState, request: Request) -> Any:
    wanted = request.get("req")
    if not isinstance(wanted, dict) or _text(wanted, "interval") not in INTERVALS:
        msg = f"no candles of {wanted!r}"
        raise BadRequest(msg)
    first, last = _whole(wanted, "startTime", None), _whole(wanted, "endTime", 1 << 62)
    return _coin(state, wanted).candles.rows(wanted["interval"], first, last, state.now_ms)


def _asset_data(state: VenueState, request: Request) -> Any:
    return views_account.active_asset_data(state, _user(state, request), _coin(state, request).coin)


def _vault_details(state: VenueState, request: Request) -> Any:
    vault, user = _text(request, "vaultAddress"), request.get("user")
    if not ADDRESS.fullmatch(vault) or not (user is None or (isinstance(user, str) and ADDRESS.fullmatch(user))):
        msg = f"no address: {vault!r}, {user!r}"
        raise BadRequest(msg)
    return views_family.vault_details(state, vault.lower(), user.lower() if user is not None else None)


def _dex_abstraction(state: VenueState, request: Request) -> bool | None:
    """Legacy: null for an account that never chose a mode."""
    mode = _user(state, request).mode
    return None if mode == "default" else mode == "dexAbstraction"


def _interest(state: VenueState, request: Request) -> list[Any]:
    first, last = _whole(request, "startTime", None), _whole(request, "endTime", 1 << 62)
    return views_balances.interest_rows(_user(state, request), first, last)[:MAX_TIMED_ROWS]


def _slices_between(state: VenueState, request: Request) -> Any:
    fills = {id(row["fill"]): row for row in _user(state, request).twap_fills}
    wanted = _between([row["fill"] for row in fills.values()], request, MAX_ROWS)
    return [fills[id(fill)] for fill in wanted]


def _spot_contexts() -> list[Any]:
    return [views_market.spot_context(pair["name"]) for pair in SPOT_META["universe"]]


READS: Final[dict[str, Callable[[VenueState, Request], Any]]] = {
    "meta": lambda s, r: s.listing.meta(_dex(s, r)),
    "metaAndAssetCtxs": lambda s, r: [s.listing.meta(_dex(s, r)), views_market.contexts(s, _dex(s, r))],
    "allPerpMetas": lambda s, _: [s.listing.meta(dex) for dex in s.listing.dexes],
    "spotMeta": lambda _s, _: SPOT_META,
    "spotMetaAndAssetCtxs": lambda _s, _: [SPOT_META, _spot_contexts()],
    "perpDexs": lambda s, _: views_dexes.perp_dexs(s),
    "marginTable": lambda _s, r: table(_whole(r, "id", None)),
    "exchangeStatus": lambda s, _: {"time": s.now_ms, "specialStatuses": AFTER_UPGRADE if s.post_only else None},
    "perpsAtOpenInterestCap": lambda s, r: bands.capped_coins(s, _dex(s, r)),
    "maxMarketOrderNtls": lambda _s, _: bands.largest_market_orders(),
    "allMids": lambda s, r: views_market.all_mids(s, _dex(s, r)),
    "l2Book": _book,
    "recentTrades": lambda s, r: _newest(_coin(s, r).trades),
    "fundingHistory": lambda s, r: _between(_coin(s, r).rates, r, MAX_TIMED_ROWS),
    "predictedFundings": lambda s, _: predicted(s),
    "clearinghouseState": lambda s, r: views_account.clearinghouse_state(s, _user(s, r), _dex(s, r)),
    "spotClearinghouseState": lambda s, r: views_balances.spot_state(s, _user(s, r)),
    "openOrders": lambda s, r: [order.open_row() for order in views_account.live(_user(s, r), _dex(s, r))],
    "frontendOpenOrders": lambda s, r: [order.full_row() for order in views_account.live(_user(s, r), _dex(s, r))],
    "orderStatus": _order_status,
    "historicalOrders": lambda s, r: [order.status_row() for order in _newest(_user(s, r).records.values())],
    "maxBuilderFee": lambda s, r: builders.max_fee(_user(s, r), _text(r, "builder")),
    "approvedBuilders": lambda s, r: builders.approved(_user(s, r)),
    "delegatorSummary": lambda s, r: priority.delegator_summary(_user(s, r)),
    "twapHistory": lambda s, r: _newest(_user(s, r).twap_history),
    "userTwapSliceFills": lambda s, r: _newest(_user(s, r).twap_fills),
    "userTwapSliceFillsByTime": _slices_between,
    "userFills": lambda s, r: _newest(_fills(s, r)),
    "userFillsByTime": lambda s, r: _between(_fills(s, r), r, MAX_ROWS),
    "userFunding": lambda s, r: _between(_user(s, r).fundings, r, MAX_TIMED_ROWS, since=0),
    "userNonFundingLedgerUpdates": lambda s, r: _between(_user(s, r).ledger, r, MAX_TIMED_ROWS, since=0),
    "userRateLimit": lambda s, r: views_account.rate_limit(_user(s, r)),
    "userFees": lambda s, r: views_fees.fees(s, _user(s, r)),
    "userRole": lambda s, r: views_family.role(s, _address(r)),
    "extraAgents": lambda s, r: views_family.extra_agents(_user(s, r)),
    "userAbstraction": lambda s, r: _user(s, r).mode,
    "activeAssetData": _asset_data,
    "subAccounts": lambda s, r: views_family.sub_accounts(s, _user(s, r)),
    "subAccounts2": lambda s, r: views_family.sub_accounts_2(s, _user(s, r)),
    "vaultDetails": _vault_details,
    "preTransferCheck": lambda s, r: views_family.pre_transfer(s, _address(r)),
    "userVaultEquities": lambda s, r: views_family.vault_equities(s, _user(s, r)),
    "referral": lambda s, r: views_family.referral(s, _user(s, r)),
    "userDexAbstraction": _dex_abstraction,
    "borrowLendUserState": lambda s, r: views_balances.borrow_lend_user(s, _user(s, r)),
    "borrowLendReserveState": lambda s, r: views_balances.borrow_lend_reserve(s, _whole(r, "token", None)),
    "allBorrowLendReserveStates": lambda s, _: views_balances.all_reserves(s),
    "userBorrowLendInterest": _interest,
    "candleSnapshot": _candles,
    "perpDexLimits": views_dexes.limits,
    "perpDexStatus": lambda s, r: views_dexes.status(s, _dex(s, r)),
    "portfolio": side_reads.portfolio,
    "liquidatable": lambda _s, _: [],
    "isVip": side_reads.is_vip,
    "legalCheck": side_reads.legal_check,
    "tokenDetails": side_reads.token_details,
    "delegations": side_reads.no_rows,
    "delegatorHistory": side_reads.no_rows,
    "delegatorRewards": side_reads.no_rows,
}
"""Every request type served."""
