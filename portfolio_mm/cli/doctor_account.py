"""The part of `doctor` that asks the venue: keys, clock, money, and who cancels when we cannot."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final, Literal

from portfolio_mm.actors.wallets import check_money
from portfolio_mm.domain.errors import PortfolioMMError, PreflightError
from portfolio_mm.hyperliquid.account import AccountTruth, owner_of, read_account
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.settings.plan import Plan

GATE_USD: Final = 1_000_000.0
"""Volume the venue asks for before it accepts scheduleCancel (HL §2.6)."""
CLOCK_WARN_MS: Final = 1_000
CLOCK_BAD_MS: Final = 30_000
"""Nonces further off than a day are refused (HL §3.3); long before that, time-outs mean something else."""
ANSWER_S: Final = 4.0
Grade = Literal["ok", "warn", "bad"]
Row = tuple[str, Grade, str]


def keys_of(plan: Plan) -> tuple[tuple[str, str, str | None], ...]:
    """Name, settings key and path of each agent key."""
    account = plan.account
    return (
        ("key", "account.key_path", account.key_path),
        ("watchdog key", "account.watchdog_key_path", account.watchdog_key_path),
    )


def key_findings(plan: Plan) -> Iterator[Row]:
    """Whether the key files are there, private, and keys. Only addresses are ever shown."""
    if plan.venue.is_embedded:
        yield "keys", "ok", "none needed: the embedded venue brings test keys"
        return
    for name, setting, path in keys_of(plan):
        if path is None:
            text = f"{setting} is not set: nobody cancels when the gateway dies"
            yield name, "warn", text
            continue
        try:
            yield name, "ok", f"{path}, private, of agent {Signer.from_file(path).address}"
        except PortfolioMMError as error:
            yield name, "bad", str(error)


async def account_findings(plan: Plan) -> list[Row]:
    """Venue, clock, agents, money and protection; within a few seconds."""
    if plan.venue.url is None:
        return [
            ("venue", "ok", "embedded: it starts with the run"),
            ("protection", "ok", f"watchdog; scheduleCancel only after {GATE_USD:,.0f} USD of volume"),
        ]
    found: list[Row] = []
    try:
        async with asyncio.timeout(ANSWER_S), InfoClient(plan.venue.url, None, IpBudget()) as info:
            await _ask(info, plan, found)
    except PreflightError as error:
        found.append(("account", "bad", str(error)))
    except PortfolioMMError as error:
        found.append(("venue", "bad", f"{plan.venue.url}: {error}"))
    except TimeoutError:
        text = f"{plan.venue.url} did not answer within {ANSWER_S:.0f} s; check venue.url and the network"
        found.append(("venue", "bad", text))
    return found


async def _ask(info: InfoClient, plan: Plan, found: list[Row]) -> None:
    """Everything there is to ask, the cheapest first; rows are added as they come."""
    assert plan.account.address is not None  # settings refuse a venue without an account
    found.append(_clock(await info.exchange_status(), plan))
    truth = await read_account(info, plan.account.address)
    found.append(await _money(info, truth))
    found.append(_protection(truth, plan))
    for name, _, path in keys_of(plan):
        if path is not None:
            found.append(await _agent(info, name, path, truth.user))


def _clock(status: dict[str, Any], plan: Plan) -> Row:
    url, now_ms = plan.venue.url, time.time_ns() // 1_000_000
    try:
        apart_ms = abs(int(status["time"]) - now_ms)
    except (KeyError, TypeError, ValueError):
        return "venue", "warn", f"{url} answers, but does not say its time"
    grade: Grade = "ok" if apart_ms < CLOCK_WARN_MS else "warn" if apart_ms < CLOCK_BAD_MS else "bad"
    advice = "" if grade == "ok" else "; set this machine's clock (chrony or systemd-timesyncd)"
    return "venue", grade, f"{url} answers; its clock and ours are {apart_ms} ms apart{advice}"


async def _money(info: InfoClient, truth: AccountTruth) -> Row:
    try:
        await check_money(info, truth)
    except PreflightError as error:
        return "account", "bad", str(error)
    text = f"{truth.mode.name.lower()} mode, {truth.equity_usd:,.2f} USD, maker fee {truth.maker_fee_bps:g} bps"
    return "account", "ok", f"{text}, {truth.address_cap - truth.address_used:,} requests left"


def _protection(truth: AccountTruth, plan: Plan) -> Row:
    """Who cancels when the gateway is gone: our watchdog, and the venue's own switch above the gate."""
    watchdog = plan.account.watchdog_key_path is not None
    armed = watchdog and truth.volume_usd >= GATE_USD
    own = "watchdog" if watchdog else "no watchdog: set account.watchdog_key_path"
    venue = "scheduleCancel" if armed else f"no scheduleCancel ({truth.volume_usd:,.0f} of {GATE_USD:,.0f} USD traded)"
    return "protection", "ok" if watchdog else "warn", f"{own}; {venue}"


async def _agent(info: InfoClient, name: str, path: str, account: str) -> Row:
    """Whether the venue lets this key act for the account."""
    try:
        agent = Signer.from_file(path).address
    except PortfolioMMError:
        return f"{name} right", "bad", "unknown, for the key cannot be read"
    try:
        owner = await owner_of(info, agent)
    except PreflightError:
        owner = ""
    if owner == account:
        return f"{name} right", "ok", f"{agent} may act for {account}"
    text = f"{agent} may not act for {account}: approve it as an agent (API wallet) of that account"
    return f"{name} right", "bad", text
