"""The part of `doctor` that asks the venue: keys, clock, money, and who cancels when we cannot."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from portfolio_mm.actors.access import APPROVE, SOON_DAYS, check_network, check_role, days_left
from portfolio_mm.actors.messages import View
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.topology import WATCHDOG
from portfolio_mm.actors.wallets import check_money
from portfolio_mm.actors.watchdog_process import WatchdogProcess
from portfolio_mm.cli.doctor_budget import budget_finding, fee_finding, live_view, mode_finding
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
HEARD_S: Final = 10.0
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


async def account_findings(plan: Plan, folder: RunFolder) -> list[Row]:
    """Venue, clock, agents, money and protection; within a few seconds."""
    if plan.venue.url is None:
        return [
            ("venue", "ok", "embedded: it starts with the run"),
            ("protection", "ok", f"watchdog; scheduleCancel only after {GATE_USD:,.0f} USD of volume"),
        ]
    view = await live_view(folder)
    found: list[Row] = []
    try:
        async with asyncio.timeout(ANSWER_S), InfoClient(plan.venue.url, None, IpBudget()) as info:
            await _ask(info, plan, found, (folder, view))
    except PreflightError as error:
        found.append(("account", "bad", str(error)))
    except PortfolioMMError as error:
        found.append(("venue", "bad", f"{plan.venue.url}: {error}"))
    except TimeoutError:
        text = f"{plan.venue.url} did not answer within {ANSWER_S:.0f} s; check venue.url and the network"
        found.append(("venue", "bad", text))
    return found


async def _ask(info: InfoClient, plan: Plan, found: list[Row], run: tuple[RunFolder, View | None]) -> None:
    """Everything there is to ask, the cheapest first; rows are added as they come."""
    assert plan.account.address is not None  # settings refuse a venue without an account
    found.append(_clock(await info.exchange_status(), plan))
    folder, view = run
    truth = await read_account(info, plan.account.address)
    found.append(_protection(truth, plan, WatchdogProcess(folder), view))
    found.append(mode_finding(truth, view))
    found.append(budget_finding(truth, view, plan))
    found.append(fee_finding(await info.user_fees(truth.user)))
    found.append(_network(plan))
    master = await check_role(info, plan, truth.user)
    agents = await info.extra_agents(master)
    for name, _, path in keys_of(plan):
        if path is not None:
            found.append(await _agent(info, name, path, master, agents))
    found.append(await _money(info, truth))


def _network(plan: Plan) -> Row:
    """Whether the address and `venue.mainnet` are of one network."""
    try:
        check_network(plan.venue.url or "", mainnet=plan.venue.mainnet)
    except PreflightError as error:
        return "network", "bad", str(error)
    return "network", "ok", "actions are signed for mainnet" if plan.venue.mainnet else "signed for testnet or local"


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


def _protection(truth: AccountTruth, plan: Plan, watchdog: WatchdogProcess, view: View | None) -> Row:
    """Who cancels when the gateway is gone: our watchdog, and the venue's own switch above the gate."""
    configured = plan.account.watchdog_key_path is not None
    if not configured:
        own = "no watchdog: set account.watchdog_key_path"
    elif watchdog.alive:
        own = f"watchdog runs here (process {watchdog.pid})"
    elif view is not None and view.watchdog_age_s < HEARD_S:
        own = f"no watchdog runs here; one was heard {view.watchdog_age_s:.1f} s ago"
    else:
        own = "watchdog set up; it starts with a run"
    missing = view is not None and configured and not watchdog.alive and view.watchdog_age_s >= HEARD_S
    if missing:
        own = "the watchdog of the run is away: no permits until it is back"
    own += "".join(f", and {name}" for name in _elsewhere(view))
    armed = configured and truth.volume_usd >= GATE_USD
    kept = "scheduleCancel is kept armed during a run"
    venue = kept if armed else f"no scheduleCancel ({truth.volume_usd:,.0f} of {GATE_USD:,.0f} USD traded)"
    return "protection", "ok" if configured and not missing else "warn", f"{own}; {venue}"


def _elsewhere(view: View | None) -> list[str]:
    """Watchdogs on other machines that are with the gateway now, by name."""
    peers = () if view is None else view.peers
    return [name for name, age_s in peers if name.startswith(f"{WATCHDOG}@") and age_s < HEARD_S]


async def _agent(info: InfoClient, name: str, path: str, account: str, agents: Sequence[Mapping[str, Any]]) -> Row:
    """Whether the venue lets this key act for the account, and until when."""
    try:
        agent = Signer.from_file(path).address
    except PortfolioMMError:
        return f"{name} right", "bad", "unknown, for the key cannot be read"
    days = days_left(agent, agents)
    try:
        owner = account if days is not None and days > 0.0 else await owner_of(info, agent)
    except PreflightError:
        owner = ""
    if owner != account or agent == account:
        text = f"{agent} may not act for {account}: approve an agent (API wallet) of that account with `{APPROVE}`"
        if agent == account:
            text = f"{agent} is the master key of the account itself: keep it off this machine, `{APPROVE}`"
        return f"{name} right", "bad", text
    if days is None:
        return f"{name} right", "ok", f"{agent} may act for {account}; unnamed, so the venue does not say until when"
    soon = days < SOON_DAYS
    text = f"{agent} may act for {account} for {days:.0f} days{f': renew it with `{APPROVE}`' if soon else ''}"
    return f"{name} right", "warn" if soon else "ok", text
