"""Whether our keys may act for the account: asked before anything trades, because the venue's own words mislead.

A wrong signature recovers a different random address each time, and the venue then says that *that* address does not
exist (HL §3.4). So the address in `User or API Wallet 0x... does not exist` tells the fault: our own key's means that
the agent is not approved, has expired, or is of another network; any other means that we signed for the wrong one.
"""

import contextlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import aiohttp

from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.venue_process import VenueAddress
from portfolio_mm.domain.errors import OutcomeUnknown, PreflightError, VenueError
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.hyperliquid.encode import noop_action
from portfolio_mm.hyperliquid.errors import is_signature_unknown
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage.state_store import StateStore

ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
DAY_MS: Final = 86_400_000
SOON_DAYS: Final = 7
HOSTS: Final = {"api.hyperliquid.xyz": True, "api.hyperliquid-testnet.xyz": False}
"""The venue's own addresses, and whether they are mainnet (HL §0.3)."""
APPROVE: Final = "portfolio-mm account approve-agent"
Say = Callable[[str], None]


async def check_access(info: InfoClient, plan: Plan, venue: VenueAddress, truth: AccountTruth, say: Say) -> None:
    """Refuse keys that may not act for the account; say when an agent ends soon. Reads alone, weight 80 to 200.

    Nothing is asked of an embedded venue: it made the keys itself.

    Raises:
        PreflightError: what is wrong, and the command that cures it.
        VenueError, MalformedMessage: the venue did not answer.
    """
    if venue.pid:
        return
    check_network(plan.venue.url or venue.url, mainnet=plan.venue.mainnet)
    if truth.user != venue.account:
        msg = (
            f"account.address {venue.account} is an agent's: it holds nothing. The money is with its master: "
            f"set account.address to {truth.user}"
        )
        raise PreflightError(msg)
    master = await check_role(info, plan, venue.account)
    agents = await info.extra_agents(master)
    signers = {"account.key_path": Signer.from_file(venue.key_path)}
    if venue.watchdog_key_path is not None:
        signers["account.watchdog_key_path"] = Signer.from_file(venue.watchdog_key_path)
    if len({signer.address for signer in signers.values()}) < len(signers):
        msg = (
            "account.key_path and account.watchdog_key_path hold the same key: their nonces would collide just when "
            f"the watchdog must act. Make a second agent: `{APPROVE} --name watchdog`"
        )
        raise PreflightError(msg)
    for name, signer in signers.items():
        days = days_left(signer.address, agents)
        if days is None or days <= 0.0:  # one that is listed needs no question of weight 60
            await check_agent(info, name, signer.address, master)
        if days is not None and days < SOON_DAYS:
            say(f"the agent of {name} ({signer.address}) ends in {days:.1f} days: approve a new one with `{APPROVE}`")


def check_network(url: str, *, mainnet: bool) -> None:
    """Refuse to sign for the other network than the address is of (HL §3.1: source a or b).

    Raises:
        PreflightError: says which of the two to change.
    """
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    if HOSTS.get(host, mainnet) is not mainnet:
        right = "true" if HOSTS[host] else "false"
        msg = (
            f"venue.url {url} wants venue.mainnet {right}: every action would be refused with 'User or API Wallet ... "
            "does not exist', because it is signed for the other network"
        )
        raise PreflightError(msg)


async def check_role(info: InfoClient, plan: Plan, account: str) -> str:
    """The master whose agents act for the account.

    Raises:
        PreflightError: a sub-account or vault without `account.vault`, or one that is none.
    """
    role = await info.user_role(account)
    kind, vault = str(role.get("role")), plan.account.vault
    if kind in {"subAccount", "vault"}:
        if vault is None or vault.lower() != account:
            msg = (
                f"account.address {account} is a {'vault' if kind == 'vault' else 'sub-account'}: set account.vault to "
                "the same address, or orders would be placed for its master"
            )
            raise PreflightError(msg)
        if kind == "subAccount":
            return str(role["data"]["master"]).lower()
        details = await info.post({"type": "vaultDetails", "vaultAddress": account})
        return str(details["leader"]).lower()
    if vault is not None and vault.lower() != account:
        msg = (
            f"account.vault is {vault}, but account.address is {account}: both must be the address that holds the money"
        )
        raise PreflightError(msg)
    return account


async def check_agent(info: InfoClient, name: str, agent: str, master: str) -> None:
    """Refuse a key that is no agent of the master.

    Raises:
        PreflightError: says what the key is instead, and the command that cures it.
    """
    role = await info.user_role(agent)
    match role:
        case {"role": "agent", "data": {"user": str(owner)}}:
            if owner.lower() != master:
                msg = (
                    f"{name} is the key of {agent}, an agent of {owner}, not of {master}: approve one with `{APPROVE}`"
                )
                raise PreflightError(msg)
        case _ if agent == master:
            msg = (
                f"{name} holds the master key of {master}: it can withdraw. Keep it off this machine and approve an "
                f"agent with `{APPROVE}`"
            )
            raise PreflightError(msg)
        case _:
            msg = (
                f"{name} is the key of {agent}, which the venue does not know as an agent of {master} (role "
                f"{role.get('role')}): never approved, replaced, or expired. Approve one with `{APPROVE}`"
            )
            raise PreflightError(msg)


def days_left(agent: str, agents: Sequence[Mapping[str, Any]]) -> float | None:
    """Days until an agent ends; None for the unnamed one, which is not listed (HL §1.17)."""
    now_ms = time.time_ns() // 1_000_000
    for row in agents:
        if str(row.get("address", "")).lower() == agent:
            return (int(row["validUntil"]) - now_ms) / DAY_MS
    return None


async def try_key(plan: Plan, venue: VenueAddress, folder: RunFolder) -> None:
    """One `noop`: only an accepted action proves key, network and encoding together. It costs one request.

    Nothing is asked of an embedded venue.

    Raises:
        PreflightError: the venue does not know who signed.
    """
    if venue.pid:
        return
    signer = Signer.from_file(venue.key_path)
    with contextlib.closing(StateStore(folder.state_db)) as store:
        nonce = max(store.nonce_ceiling(signer.address) + 1, time.time_ns() // 1_000_000)
        store.reserve_nonces(signer.address, nonce)
    async with aiohttp.ClientSession() as session:
        exchange = ExchangeClient(
            VenueSocket(venue.ws_url, ()),  # never started: all goes over HTTP
            session,
            signer,
            venue.url,
            mainnet=plan.venue.mainnet,
            vault=plan.account.vault,
        )
        try:
            error = (await exchange.send(noop_action(), nonce)).error
        except OutcomeUnknown:
            return  # the gateway's first action tells
        except VenueError as refused:
            error = str(refused)
    if is_signature_unknown(error):
        raise PreflightError(signature_words(error, signer.address, mainnet=plan.venue.mainnet))


def signature_words(error: str, agent: str, *, mainnet: bool) -> str:
    """What is wrong when the venue does not know who signed."""
    found = ADDRESS.search(error)
    if found is not None and found.group().lower() == agent:
        return (
            f"the venue refuses the agent {agent} ({error}): it is not approved, has expired, or belongs to another "
            f"network. Approve one with `{APPROVE}`"
        )
    return (
        f"the venue read another signer than {agent} out of our signature ({error}): venue.mainnet is "
        f"{'true' if mainnet else 'false'}, and this venue wants the other"
    )
