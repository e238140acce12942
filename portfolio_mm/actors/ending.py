"""The orderly end of a run: cancel, let the venue confirm, close the books, write the report.

Money is read first, the fills and fundings that must explain it after: the other way round an hour of funding, or the
row of a last fill, falls between the two.
"""

import asyncio
import contextlib
import time
from typing import Any, Final, NamedTuple

from portfolio_mm.actors.messages import View
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.run_report import Truth, missing, report_of, with_reasons
from portfolio_mm.actors.run_spec import RunSpec
from portfolio_mm.domain.errors import MalformedMessage, ProtocolError, VenueError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.hyperliquid.account import MODE_WORDS, read_money
from portfolio_mm.hyperliquid.collateral import dexes_of
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.portfolio.report import report_json
from portfolio_mm.portfolio.summary import summary

SETTLE_S: Final = 0.6
"""Fills on their way reach the coins, and their reports the gateway, within two reports."""

BOOKS_S: Final = 15.0
"""A coin or a gateway that was killed a moment ago is back, and its books are complete, within this time."""
REACHED_S: Final = 10.0
LOOK_S: Final = 0.2
ROUNDS: Final = 3
"""How often money is read while the books do not explain it: an hour may end between a reading and the books."""
THROTTLED_S: Final = 62.0
"""The venue counts request weight by the minute."""


class Closed(NamedTuple):
    """The books, and the venue's word they must explain; None when it did not answer."""

    view: View
    truth: Truth | None


async def finish(spec: RunSpec, reason: str) -> dict[str, Any]:
    """End trading and say how it went: `text` for people, `report` a path, `orders_left`, `killed`, `problem`.

    Never raises for a venue or gateway that is away: the report then says what is not known.
    """
    problem, closed = "", None
    try:
        await _awaited(spec)
        async with Operator(spec.files) as gateway:
            before = await gateway.view()
            answer = await gateway.ask("stop", reason)
            problem = "" if answer.done else answer.text
            closed = await _closed(spec, gateway, AccountMode(MODE_WORDS.index(before.mode)))
    except ProtocolError as error:
        problem = f"the gateway could not be asked: {error}"
    if closed is None:
        left = await orders_left(spec, THROTTLED_S)
        return {"text": problem, "report": "", "orders_left": left, "killed": False, "problem": problem}
    view = with_reasons(closed.view, before)
    report = report_of(spec, view, closed.truth, note=reason if not problem else f"{reason}; {problem}")
    path = spec.files.reports / f"run-{spec.run}.json"
    path.write_bytes(report_json(report))
    return {
        "text": summary(report),
        "report": str(path),
        "orders_left": report.orders_left_open,
        "killed": view.risk_state is RiskState.KILLED,
        "problem": problem,
    }


async def _awaited(spec: RunSpec) -> None:
    """Wait a while for a gateway that was killed a moment ago.

    Raises:
        ProtocolError: it does not come back.
    """
    until_s = time.monotonic() + REACHED_S
    while True:
        try:
            async with Operator(spec.files):
                return
        except ProtocolError:
            if time.monotonic() > until_s:
                raise
        await asyncio.sleep(LOOK_S)


async def _closed(spec: RunSpec, gateway: Operator, mode: AccountMode) -> Closed:
    """Read until the books explain the money; after ROUNDS, or when the gateway leaves, as they are.

    Raises:
        ProtocolError: the gateway left before the first reading.
    """
    await asyncio.sleep(SETTLE_S)
    until_s = time.monotonic() + BOOKS_S
    found = await _read(spec, gateway, mode, until_s)
    with contextlib.suppress(ProtocolError):
        for _ in range(ROUNDS - 1):
            if found.truth is None or explained(spec, found):
                break
            found = await _read(spec, gateway, mode, until_s)
    return found


async def _read(spec: RunSpec, gateway: Operator, mode: AccountMode, until_s: float) -> Closed:
    """The venue's money, and then the books, with what the streams did not tell."""
    truth = await read_truth(spec, mode)
    await gateway.ask("books")
    return Closed(await _settled(spec, gateway, truth, until_s), truth)


async def _settled(spec: RunSpec, gateway: Operator, truth: Truth | None, until_s: float) -> View:
    """The view in which every coin has booked what the account holds; after `until_s`, with what is missing by then."""
    await asyncio.sleep(SETTLE_S)
    while missing(spec, view := await gateway.view(), truth) and time.monotonic() < until_s:  # noqa: ASYNC110 - only asking tells
        await asyncio.sleep(LOOK_S)
    return view


def explained(spec: RunSpec, found: Closed) -> bool:
    """Whether nothing is missing from the books, and they close."""
    report = report_of(spec, found.view, found.truth, note="")
    return report.closing.closes and not missing(spec, found.view, found.truth)


async def orders_left(spec: RunSpec, max_wait_s: float = 2.0) -> int | None:
    """Open orders by REST, with as little IP weight (20) as possible; None when the venue does not answer."""
    try:
        async with InfoClient(spec.venue.url, None, IpBudget(), max_wait_s=max_wait_s, timeout_s=3.0) as info:
            return await _count_open(info, spec)
    except (VenueError, MalformedMessage):
        return None


async def _count_open(info: InfoClient, spec: RunSpec) -> int:
    """Open orders on the dexes of the run (IP weight 20 each)."""
    return sum([len(await info.open_orders(spec.venue.account, dex)) for dex in dexes_of(spec.plan.coin_names)])


async def read_truth(spec: RunSpec, mode: AccountMode) -> Truth | None:
    """Money and open orders by REST, no more (IP weight 24); None when the venue does not answer.

    Waits out a minute of throttling.
    """
    try:
        async with InfoClient(spec.venue.url, None, IpBudget(), max_wait_s=THROTTLED_S) as info:
            money = await read_money(info, spec.venue.account, mode, dexes_of(spec.plan.coin_names))
            return Truth(money, await _count_open(info, spec))
    except (VenueError, MalformedMessage):
        return None
