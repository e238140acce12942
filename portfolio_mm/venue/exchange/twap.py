"""TWAP: equal slices every 30 s of the venue's clock, each an IOC order within 3 % of the mark price (HL §2.9).

A slice that could not trade is made up for by later ones, up to three times their size. Where the venue does not say
how, it is said here: the first slice is due at once and the last at the end; a slice that is refused ends the TWAP.
"""

import hashlib
from typing import Any, Final

from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, SIGN, USD_1E8
from portfolio_mm.venue.clearinghouse.orders import Draft
from portfolio_mm.venue.clearinghouse.twaps import Twap, TwapPlan
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import legs, placement, wording
from portfolio_mm.venue.exchange.wording import Refused
from portfolio_mm.venue.protocol.actions import LimitKind, OrderKind, OrderWire
from portfolio_mm.venue.protocol.twaps import TwapOrder, TwapWire
from portfolio_mm.venue.state import VenueState

MIN_MINUTES: Final = 5
MIN_VALUE_1E8: Final = 100 * USD_1E8
SLIPPAGE_PERCENT: Final = 3
CATCH_UP: Final = 3
VARIES_PERCENT: Final = 20
GONE: Final = "TWAP was never placed, already canceled, or filled."
TOO_SMALL: Final = "Order must have minimum value of $100."
"""Ours: the bound is documented, the words are not."""


def start(state: VenueState, user: User, action: TwapOrder) -> dict[str, Any]:
    """Begin a TWAP: the `status` of the reply."""
    plan = _plan(state, action)
    if isinstance(plan, str):
        return {"error": plan}
    if plan.reduce_only and user.szi(plan.instrument.index) * SIGN[plan.side] >= 0:
        return {"error": f"{wording.REDUCE_ONLY.text} asset={plan.instrument.asset}"}
    twap = Twap(plan, state.new_twap_id(), user.address, state.now_ms)
    user.twaps[twap.number] = twap
    _tell(state, user, twap, "activated")
    return {"running": {"twapId": twap.number}}


def _plan(state: VenueState, action: TwapOrder) -> TwapPlan | str:
    """What is asked for, or why not. Prices and size are read as those of orders."""
    wire, details = action.twap, action.details
    if not MIN_MINUTES <= wire.m <= state.settings.twap_max_minutes:
        return f"Invalid TWAP duration: {wire.m} min(s)"
    start, stop = (details.t, details.s) if details is not None else (None, None)
    first, last = (_read(state, wire, text) for text in ("1" if start is None else start.p, stop or "1"))
    if isinstance(first, Refused) or isinstance(last, Refused):
        return next(draft.words for draft in (first, last) if isinstance(draft, Refused))
    coin = first.instrument
    if first.sz_lots * state.marks[coin.index] * 100 < MIN_VALUE_1E8:
        return f"{TOO_SMALL} asset={wire.a}"
    plan = TwapPlan(coin, first.side, first.sz_lots, wire.r, wire.m, wire.t)
    if start is not None:
        plan = plan._replace(start_ticks=first.px_ticks, above=start.a)
    return plan if stop is None else plan._replace(stop_ticks=last.px_ticks)


def _read(state: VenueState, wire: TwapWire, px: str) -> Draft | Refused:
    return legs.read(state, OrderWire(wire.a, wire.b, px, wire.s, wire.r, OrderKind(LimitKind("Ioc"))))


def cancel(state: VenueState, user: User, asset: int, number: int) -> Any:
    """End a TWAP: the `status` of the reply."""
    twap = user.twaps.get(number)
    if twap is None or twap.plan.instrument.asset != asset:
        return {"error": GONE}
    _end(state, user, twap, "terminated")
    return "success"


def run(state: VenueState) -> None:
    """Trade what is due. After an upgrade nothing is (HL §7.5)."""
    if state.post_only:
        return
    for user in state.users.values():
        for twap in list(user.twaps.values()):
            mark = state.marks[twap.plan.instrument.index]
            if _stopped(twap.plan, mark) or state.books[twap.plan.instrument.index].closed:
                _end(state, user, twap, "terminated")
                continue
            if twap.started_ms is None and (mark >= twap.plan.start_ticks) is twap.plan.above:
                twap.started_ms = state.now_ms
            if twap.due(state.now_ms):
                _slice(state, user, twap)


def _stopped(plan: TwapPlan, mark: int) -> bool:
    """A buy stops when the mark price has risen to its stop price, a sell when it has fallen to it."""
    return plan.stop_ticks is not None and SIGN[plan.side] * (mark - plan.stop_ticks) >= 0


def _slice(state: VenueState, user: User, twap: Twap) -> None:
    assert twap.started_ms is not None
    plan = twap.plan
    while twap.due(state.now_ms) and twap.done_slices < plan.slices:
        twap.done_slices += 1
    lots = _lots(state, twap)
    refused = None
    if lots > 0:
        draft = Draft(plan.instrument, plan.side, _reach(state, plan), lots, plan.reduce_only, "Ioc", None)
        order = placement.new_order(state, user, draft)
        order.twap_id = twap.number
        entry = placement.place(state, user, order)
        refused = entry if isinstance(entry, Refused) and entry.text != wording.NO_MATCH.text else None
    if refused is not None:
        _end(state, user, twap, "error", refused.words)
    elif twap.executed_lots >= plan.sz_lots or twap.done_slices >= plan.slices:
        _end(state, user, twap, "finished")


def _lots(state: VenueState, twap: Twap) -> int:
    """Up to where an even pace would be, at most three slices at once; the last one takes what is left."""
    plan = twap.plan
    pace = plan.sz_lots * twap.done_slices // plan.slices
    if plan.randomize and twap.done_slices < plan.slices:
        digest = hashlib.sha256(f"{state.settings.seed} {twap.number} {twap.done_slices}".encode()).digest()
        percent = digest[0] % (2 * VARIES_PERCENT + 1) - VARIES_PERCENT
        pace += plan.sz_lots * percent // (100 * plan.slices)
    most = CATCH_UP * max(1, plan.sz_lots // plan.slices)
    return min(pace - twap.executed_lots, most, plan.sz_lots - twap.executed_lots)


def _reach(state: VenueState, plan: TwapPlan) -> int:
    px = state.marks[plan.instrument.index] * (100 + SIGN[plan.side] * SLIPPAGE_PERCENT) / 100
    return max(1, int(round_px(px, plan.instrument.px_decimals, plan.side != BUY)))


def _end(state: VenueState, user: User, twap: Twap, status: str, description: str | None = None) -> None:
    del user.twaps[twap.number]
    _tell(state, user, twap, status, description)


def _tell(state: VenueState, user: User, twap: Twap, status: str, description: str | None = None) -> None:
    row = twap.history_row(status, state.now_ms, description)
    user.twap_history.append(row)
    state.outbox.twap_history[user.number].append(row)
