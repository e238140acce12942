"""The account as it is: mode, wallets, money, fees, budgets, agents. Needs no key."""

import asyncio
import time
from typing import Any, Final

import msgspec
from rich.table import Table

from portfolio_mm.actors.access import DAY_MS
from portfolio_mm.actors.wallets import Elsewhere, elsewhere
from portfolio_mm.cli.output import as_json as json_text
from portfolio_mm.cli.output import out
from portfolio_mm.cli.place import Place
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.hyperliquid.account import MODE_WORDS, AccountTruth, read_account
from portfolio_mm.hyperliquid.limits import DAY_ACTIONS, IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient

PATIENT_S: Final = 30.0


class AgentRow(msgspec.Struct, frozen=True):
    """One named agent; the unnamed one is not listed by the venue."""

    name: str
    address: str
    valid_until_ms: int
    days_left: float


class Account(msgspec.Struct, frozen=True):
    """What `account show --json` prints. USD, bps, requests."""

    address: str
    mode: str
    equity_usd: float
    free_usd: float
    margin_used_usd: float
    maintenance_usd: float
    perps_usd: float
    spot_usdc: float
    spot_free_usdc: float
    tokens: dict[str, str]
    dexes: dict[str, float]
    sub_accounts: dict[str, float]
    positions: dict[str, str]
    maker_fee_bps: float
    taker_fee_bps: float
    volume_usd: float
    requests_used: int
    requests_cap: int
    requests_left: int
    actions_a_day: int | None
    agents: tuple[AgentRow, ...]
    unread: str = ""


async def read(place: Place) -> Account:
    """Ask the venue (IP weight about 200).

    Raises:
        ConfigurationError: no address is known.
        PortfolioMMError: the venue does not answer, or does not know the account.
    """
    if not place.address:
        msg = "whose account? give --address, or account.address in the configuration"
        raise ConfigurationError(msg)
    async with InfoClient(place.url, None, IpBudget(), max_wait_s=PATIENT_S) as info:
        truth = await read_account(info, place.address)
        spot = await info.spot_state(truth.user)
        usdc = next((float(row["total"]) for row in spot["balances"] if row["coin"] == "USDC"), 0.0)
        agents = await info.extra_agents(truth.user)
        return _account(truth, usdc, await elsewhere(info, truth), agents)


def _account(truth: AccountTruth, usdc: float, other: Elsewhere, agents: list[dict[str, Any]]) -> Account:
    standard, now_ms = truth.mode is AccountMode.STANDARD, time.time_ns() // 1_000_000
    rows = [(str(one["name"]), str(one["address"]).lower(), int(one["validUntil"])) for one in agents]
    return Account(
        address=truth.user,
        mode=MODE_WORDS[truth.mode],
        equity_usd=truth.equity_usd,
        free_usd=truth.free_usd,
        margin_used_usd=truth.margin_used_usd,
        maintenance_usd=truth.maintenance_usd,
        perps_usd=truth.equity_usd if standard else 0.0,
        spot_usdc=usdc,
        spot_free_usdc=other.free_usd,
        tokens=dict(other.tokens),
        dexes=dict(other.dexes),
        sub_accounts={address: usd for _, address, usd in other.subs},
        positions={one.coin: one.szi for one in truth.positions},
        maker_fee_bps=truth.maker_fee_bps,
        taker_fee_bps=truth.taker_fee_bps,
        volume_usd=truth.volume_usd,
        requests_used=truth.address_used,
        requests_cap=truth.address_cap,
        requests_left=truth.address_cap - truth.address_used + truth.address_surplus,
        actions_a_day=None if standard else DAY_ACTIONS,
        agents=tuple(AgentRow(name, address, until, (until - now_ms) / DAY_MS) for name, address, until in rows),
        unread=other.unread,
    )


def show(place: Place, *, as_json: bool) -> None:
    """Print it."""
    found = asyncio.run(read(place))
    if as_json:
        out().print(json_text(found), markup=False)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, text in _lines(found):
        table.add_row(name, text)
    out().print(table)


def _lines(found: Account) -> list[tuple[str, str]]:
    wallets = [f"spot {found.spot_usdc:,.2f} USDC ({found.spot_free_usdc:,.2f} free)"]
    if found.mode == "standard":
        wallets.insert(0, f"perps {found.perps_usd:,.2f} USD")
    wallets += [f"{amount} {token}" for token, amount in found.tokens.items()]
    wallets += [f"dex {name} {usd:,.2f} USD" for name, usd in found.dexes.items()]
    wallets += [f"sub-account {address} {usd:,.2f} USD" for address, usd in found.sub_accounts.items()]
    day = "no daily limit" if found.actions_a_day is None else f"{found.actions_a_day:,} actions a UTC day"
    lines = [
        ("account", found.address),
        ("mode", f"{found.mode}, {day}"),
        ("wallets", ", ".join(wallets) + (f"; NOT read: {found.unread}" if found.unread else "")),
        ("equity", f"{found.equity_usd:,.2f} USD, {found.free_usd:,.2f} free"),
        ("margin", f"{found.margin_used_usd:,.2f} USD in use, {found.maintenance_usd:,.2f} maintenance"),
        ("positions", ", ".join(f"{coin} {szi}" for coin, szi in found.positions.items()) or "none"),
        ("fees", f"maker {found.maker_fee_bps:g} bps, taker {found.taker_fee_bps:g} bps"),
        ("volume", f"{found.volume_usd:,.2f} USD"),
        ("requests", f"{found.requests_used:,} of {found.requests_cap:,} used, {found.requests_left:,} left"),
    ]
    for agent in found.agents:
        end = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(agent.valid_until_ms / 1000))
        lines.append((f"agent {agent.name}", f"{agent.address}, until {end} ({agent.days_left:.0f} days)"))
    return lines
