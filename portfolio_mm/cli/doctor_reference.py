"""The part of `doctor` about the reference venue: where it is, which symbol is which coin, and whether prices agree."""

import asyncio
import contextlib
import time
from collections.abc import Mapping

from portfolio_mm.actors.messages import View
from portfolio_mm.actors.reference_map import symbol_for
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.cli.doctor_account import Grade, Row
from portfolio_mm.cli.doctor_budget import live_view
from portfolio_mm.domain.errors import MalformedMessage, PortfolioMMError
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.reference.client import PUBLIC, ReferenceSocket, address, streams_of
from portfolio_mm.reference.events import ReferenceBook
from portfolio_mm.reference.parse import parse
from portfolio_mm.reference.ratio import HIGH, LOW
from portfolio_mm.reference.symbols import Symbol
from portfolio_mm.settings.plan import Plan

LISTEN_S = 3.0
NAME = "reference"


async def reference_findings(plan: Plan, folder: RunFolder) -> list[Row]:
    """What a run that lives says of it; without one, what its address says within a few seconds."""
    if not plan.reference.enabled:
        return [(NAME, "ok", "switched off (reference.enabled)")]
    if plan.reference.url is None and not plan.brings_reference:
        return [(NAME, "ok", "none: reference.url names none, and quotes do without")]
    view = await live_view(folder)
    if view is not None and view.coins:
        return [_of_run(view)]
    symbols = {coin: symbol_for(plan, coin) for coin in plan.coin_names}
    if plan.reference.url is None:
        return [(NAME, "ok", f"the embedded venue's own, {plan.reference.lead_ms} ms ahead: {_map(symbols)}")]
    return [await _of_address(plan, plan.reference.url, symbols)]


def _map(symbols: Mapping[str, Symbol | None]) -> str:
    """Each coin's symbol."""
    return ", ".join(f"{coin} {'has none' if one is None else one.name}" for coin, one in symbols.items())


def _of_run(view: View) -> Row:
    words, fine = [], True
    for coin in view.coins:
        found = coin.reference
        if found.state == "ok":
            words.append(f"{coin.coin} {found.symbol} ratio {found.ratio:.4f} age {found.age_s:.1f} s")
        else:
            words.append(f"{coin.coin}: {found.text or found.state}")
            fine = False
    return NAME, _grade(fine), "; ".join(words)


def _grade(fine: bool) -> Grade:  # noqa: FBT001 - a word for a truth value
    return "ok" if fine else "warn"


async def _of_address(plan: Plan, url: str, symbols: Mapping[str, Symbol | None]) -> Row:
    """Listen for a moment, and compare with the venue's mids."""
    known = {coin: symbol for coin, symbol in symbols.items() if symbol is not None}
    ours: Mapping[str, float] = {}
    with contextlib.suppress(PortfolioMMError, TimeoutError):
        async with asyncio.timeout(LISTEN_S), InfoClient(plan.venue.url or "", None, IpBudget()) as info:
            ours = {coin: float(px) for coin, px in (await info.all_mids()).items()} if plan.venue.url else {}
    theirs, why = await _listen(url, known)
    if not theirs:
        return NAME, "warn", f"{url} says nothing ({why or 'no book within 3 s'}); quotes do without"
    words, fine = [], True
    for coin, symbol in symbols.items():
        if symbol is None or symbol.name not in theirs:
            words.append(f"{coin}: {'no symbol' if symbol is None else f'nothing of {symbol.name}'}")
            fine = False
            continue
        mid, age_s = theirs[symbol.name]
        ratio = mid / ours[coin] if ours.get(coin) else 0.0
        fine = fine and (ratio == 0.0 or LOW <= ratio <= HIGH)
        words.append(f"{coin} {symbol.name} ratio {f'{ratio:.4f}' if ratio else 'unknown'} age {age_s:.1f} s")
    advice = "" if fine else "; reference.symbols corrects a map, and a coin without one quotes without it"
    return NAME, _grade(fine), f"{url}: {'; '.join(words)}{advice}"


async def _listen(url: str, symbols: Mapping[str, Symbol]) -> tuple[dict[str, tuple[float, float]], str]:
    """Mid of each symbol in units of our coin with its age in seconds, and why nothing came."""
    books = {symbol.name: ReferenceBook(symbol, 0) for symbol in symbols.values()}
    socket = ReferenceSocket(address(url, PUBLIC, streams_of(list(symbols.values()))[PUBLIC]))
    heard_ns: dict[str, int] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LISTEN_S), contextlib.aclosing(socket.once()) as frames:
            async for recv_ns, frame in frames:
                if not isinstance(frame, bytes):
                    continue
                with contextlib.suppress(MalformedMessage):
                    said = parse(frame)
                    if said is not None and said.s in books and books[said.s].hear(said, recv_ns) is not None:
                        heard_ns[said.s] = recv_ns
                if len(heard_ns) == len(books):
                    break
    now_ns = time.monotonic_ns()
    return {name: (books[name].mid, (now_ns - at_ns) / 1e9) for name, at_ns in heard_ns.items()}, socket.last_failure
