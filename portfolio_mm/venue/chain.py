"""Blocks: what happens in which order (HL §7.2), and what happens by itself.

One block is: deposits and other happenings, funding that fell due, dead man's switches, actions that take nothing,
cancels, background flow with new marks, liquidations, triggers, actions that take, slices of TWAPs. Background flow
stands between cancels and takers, so a cancel beats the flow of its own block.
"""

from typing import Final

from portfolio_mm.venue.clearinghouse import clearing, funding, lending, liquidation, valuation
from portfolio_mm.venue.clearinghouse.worth import SAMPLE_MS
from portfolio_mm.venue.exchange import (
    agents,
    bands,
    execution,
    priority,
    relatives,
    transfers,
    triggers,
    twap,
)
from portfolio_mm.venue.flows.flow import CoinBlock
from portfolio_mm.venue.protocol.actions import block_class
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.state import VenueState

CANCEL_CLASS: Final = 1


def run_block(state: VenueState, now_ms: int, actions: list[SignedAction]) -> list[execution.Reply]:
    """Run one block; replies in the order of `actions`. `state.outbox` holds what it told."""
    before_ms, latest_ms = state.now_ms, state.latest_ms
    state.begin_block(now_ms)
    lending.refresh_all(state)
    for user, amount_1e8 in state.incoming:
        transfers.deposit(state, user, amount_1e8)
    state.incoming = []
    for happen in state.happenings:
        happen(state)
    state.happenings = []
    agents.prune(state, before_ms)
    funding.pay(state, latest_ms)
    for _ in range(latest_ms // funding.HOUR_MS, now_ms // funding.HOUR_MS):
        lending.accrue(state)
    _fire_switches(state)
    replies: dict[int, execution.Reply] = {}
    _advance_flow(state, now_ms - state.settings.block_ms)
    order = sorted(range(len(actions)), key=lambda i: block_class(actions[i].action))
    takers = [i for i in order if block_class(actions[i].action) > CANCEL_CLASS]
    takers.sort(key=lambda i: -priority.rate_of(actions[i].action))
    for i in order[: len(order) - len(takers)]:
        replies[i] = execution.execute(state, actions[i])
    _advance_flow(state, now_ms)
    funding.sample(state, before_ms)
    liquidation.run(state)
    _run_triggers(state)
    for i in takers:
        replies[i] = execution.execute(state, actions[i])
    twap.run(state)
    _run_triggers(state)
    if now_ms // SAMPLE_MS != before_ms // SAMPLE_MS:
        for user in state.users.values():
            user.worth.take(valuation.point(state, user))
    state.show_ledger()
    return [replies[i] for i in range(len(actions))]


def _run_triggers(state: VenueState) -> None:
    """What moves of prices and positions set off (HL §7.5, §7.7)."""
    bands.cancel_at_cap(state)
    relatives.settle(state)
    triggers.run(state)


def _fire_switches(state: VenueState) -> None:
    """Fire the dead man's switches that are due (HL §2.6)."""
    for user in state.users.values():
        if user.switch.at_ms is not None and user.switch.at_ms <= state.now_ms:
            user.switch.fire(state.now_ms)
            for order in user.live():
                clearing.remove(state, order, "scheduledCancel", by_engine=True)


def _advance_flow(state: VenueState, until_ms: int) -> None:
    """Run the flow up to a time.

    What is older than a block is over before the block's first action: at many times the real speed a block holds
    seconds of flow, and an order must not meet what happened long before it came.
    """
    flow = state.flow
    flow_now = flow.start_ms + until_ms - state.start_ms - state.stepped_ms
    due = flow.next_ms()
    while due is not None and due <= flow_now:
        for happened in flow.advance(due).coins:
            _take_in(state, happened)
        due = flow.next_ms()
    state.refresh_marks()
    lending.refresh_all(state)


def _take_in(state: VenueState, happened: CoinBlock) -> None:
    book = state.by_coin[happened.coin]
    if book.closed:
        return
    book.dark = happened.dark
    settled = clearing.settle(state, happened.fills)
    clearing.publish(state, book, happened.prints, happened.fills, settled)
    if happened.bbo_changed or happened.book_changed:
        state.outbox.books.add(happened.coin)
    if happened.context is not None:
        book.take(happened.context, state.now_ms, state.settings.prices)
        book.oracles.append((state.now_ms, book.oracle_ticks))
        state.outbox.contexts.add(happened.coin)
