"""What a person does with the master key: approve agents, move own money, change the mode, buy requests.

User-signed actions and their signatures are the official SDK's (HL §3.2). What follows each is read back and shown.
"""

import asyncio
import os
import secrets
import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Literal

import eth_account
from hyperliquid.utils import signing

from portfolio_mm.actors.access import DAY_MS
from portfolio_mm.cli import account_show
from portfolio_mm.cli.account_show import Account
from portfolio_mm.cli.master import Master
from portfolio_mm.cli.output import err, out
from portfolio_mm.cli.place import Place
from portfolio_mm.domain.errors import (
    ConfigurationError,
    MalformedMessage,
    OutcomeUnknown,
    PortfolioMMError,
    PreflightError,
)
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient

REQUEST_USD: Final = Decimal("0.0005")
"""Price of one reserved request (HL §2.9)."""
OWN_COST: Final = 100
"""Buying costs a request itself, and a run that goes on uses some meanwhile."""
MAX_DAYS: Final = 180
MAX_NAME: Final = 16
MICRO: Final = Decimal("0.000001")
SEEN_S: Final = 10.0
MODES: Final = {"standard": "disabled", "unified": "unifiedAccount", "portfolio-margin": "portfolioMargin"}
Wallet = Literal["perps", "spot"]


def _own(place: Place, master: Master) -> Place:
    """The place with its account: the key's own, unless a sub-account of it is named.

    Raises:
        ConfigurationError: the key belongs to another account.
    """
    if place.address in {"", master.address}:
        return place._replace(address=master.address)
    role = asyncio.run(_ask(place, {"type": "userRole", "user": place.address}))
    if role.get("role") == "subAccount" and str(role["data"]["master"]).lower() == master.address:
        return place
    msg = f"this is the key of {master.address}, but the account is {place.address}: another key, or another --address"
    raise ConfigurationError(msg)


async def _ask(place: Place, request: dict[str, Any]) -> Any:
    async with InfoClient(place.url, None, IpBudget()) as info:
        return await info.post(request)


def _read(place: Place) -> Account:
    return asyncio.run(account_show.read(place))


# -- agents ------------------------------------------------------------------------------------------------------------


def approve_agent(
    place: Place, key_file: Path | None, path: Path, name: str, *, days: int, watchdog: bool, yes: bool
) -> None:
    """Make an agent key in a new private file and have the master approve it.

    Raises:
        ConfigurationError: the file exists, the name or the days are out of bounds.
        VenueRefused: the venue said no; the new file is gone again.
    """
    if not 1 <= len(name) <= MAX_NAME or not 1 <= days <= MAX_DAYS:
        msg = f"--name {name!r} may have {MAX_NAME} characters, --days {days} may be 1 to {MAX_DAYS} (HL §2.9)"
        raise ConfigurationError(msg)
    master = Master(place, key_file)
    place, target = _own(place, master), path.expanduser()
    key = "0x" + secrets.token_hex(32)
    _write_new(target, key)
    agent = str(eth_account.Account.from_key(key).address).lower()
    until_ms = time.time_ns() // 1_000_000 + days * DAY_MS
    action = {"type": "approveAgent", "agentAddress": agent, "agentName": f"{name} valid_until {until_ms}"}
    what = f"let the agent {agent} trade and cancel for {master.address} until {_date(until_ms)} (it cannot withdraw)"
    try:
        master.act(what, action, lambda wallet, act, _, mainnet: signing.sign_agent(wallet, act, mainnet), yes=yes)
    except OutcomeUnknown:
        raise  # the agent may exist: its key is kept
    except BaseException:
        target.unlink()
        raise
    _agent_seen(place, agent)
    setting = "watchdog_key_path" if watchdog else "key_path"
    out().print(f"agent {agent} is approved as {name!r} until {_date(until_ms)}; its key is in {target}", markup=False)
    out().print(f'put into your configuration:\n\naccount:\n  address: "{place.address}"\n  {setting}: {target}')


def _write_new(path: Path, key: str) -> None:
    """A file of mode 0600 that did not exist, on disk before the key is of any worth."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        msg = f"{path} exists already: an agent key is never overwritten, choose another --out"
        raise ConfigurationError(msg) from None
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}"
        raise ConfigurationError(msg) from None
    with os.fdopen(fd, "w") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())


def _agent_seen(place: Place, agent: str) -> None:
    """Wait until the venue knows the agent."""
    end_s = time.monotonic() + SEEN_S
    while time.monotonic() < end_s:
        role = asyncio.run(_ask(place, {"type": "userRole", "user": agent}))
        if role.get("role") == "agent":
            return
        time.sleep(0.5)
    err().print(f"the venue does not show {agent} as an agent yet: `portfolio-mm doctor` tells when it does")


def _date(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at_ms / 1000))


# -- money -------------------------------------------------------------------------------------------------------------


def transfer(place: Place, key_file: Path | None, to: Wallet, usd: str, *, dex: str | None, yes: bool) -> None:
    """Move USDC between spot and perps, or between a builder-deployed dex and either.

    Raises:
        ConfigurationError: not an amount.
        PreflightError: the mode has nothing to move.
        VenueRefused: the venue said no.
    """
    amount = amount_of(usd, "--usd")
    master = Master(place, key_file)
    place = _own(place, master)
    before = _read(place)
    if before.mode != "standard":
        msg = (
            f"account {place.address} is in {before.mode} mode: one USDC balance backs spot and perps, there is "
            "nothing to move (the venue says 'Action disabled when unified account is active'). "
            "`portfolio-mm account mode standard` makes two wallets of it"
        )
        raise PreflightError(msg)
    sub = "" if place.address == master.address else place.address
    if dex is None:
        text = f"{amount:f}" + (f" subaccount:{sub}" if sub else "")
        action: dict[str, Any] = {"type": "usdClassTransfer", "amount": text, "toPerp": to == "perps"}
        source = "spot" if to == "perps" else "perps"
        sign = signing.sign_usd_class_transfer_action
    else:
        action = _send_asset(place, dex, "" if to == "perps" else "spot", f"{amount:f}", sub)
        source, sign = f"dex {dex}", signing.sign_send_asset_action
    what = f"move {amount:f} USDC of {place.address} from {source} to {to}"
    master.act(what, action, lambda wallet, act, _, mainnet: sign(wallet, act, mainnet), yes=yes)
    after = _settled(place, before)
    for name, account in (("before", before), ("after", after)):
        dexes = "".join(f", dex {key} {value:,.2f}" for key, value in account.dexes.items())
        out().print(f"{name:<7} perps {account.perps_usd:,.2f} USD, spot {account.spot_usdc:,.2f} USDC{dexes}")


def _send_asset(place: Place, source: str, target: str, amount: str, sub: str) -> dict[str, Any]:
    meta = asyncio.run(_ask(place, {"type": "spotMeta"}))
    try:
        token = next(f"USDC:{row['tokenId']}" for row in meta["tokens"] if row["name"] == "USDC")
    except (KeyError, TypeError, StopIteration):
        msg = "spotMeta: no USDC"
        raise MalformedMessage(msg) from None
    return {
        "type": "sendAsset",
        "destination": place.address,
        "sourceDex": source,
        "destinationDex": target,
        "token": token,
        "amount": amount,
        "fromSubAccount": sub,
    }


def amount_of(text: str, option: str) -> Decimal:
    """A positive amount of at most six decimals.

    Raises:
        ConfigurationError: it is not.

    >>> amount_of("161.09", "--usd")
    Decimal('161.09')
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0 or amount != amount.quantize(MICRO):
        msg = f"{option} {text} must be a positive amount with at most 6 decimals, for instance 161.09"
        raise ConfigurationError(msg)
    return amount


def _settled(place: Place, before: Account) -> Account:
    """The account once it shows the change."""
    end_s = time.monotonic() + SEEN_S
    while True:
        after = _read(place)
        if after.spot_usdc != before.spot_usdc or after.dexes != before.dexes or time.monotonic() > end_s:
            return after
        time.sleep(0.5)


# -- mode --------------------------------------------------------------------------------------------------------------


def set_mode(place: Place, key_file: Path | None, mode: str, *, yes: bool) -> None:
    """Change the account mode.

    Raises:
        ConfigurationError: no such mode.
        VenueRefused: the venue said no.
    """
    if mode not in MODES:
        msg = f"{mode!r} is no mode: {', '.join(MODES)}"
        raise ConfigurationError(msg)
    master = Master(place, key_file)
    place = _own(place, master)
    before = _read(place)
    action = {"type": "userSetAbstraction", "user": place.address, "abstraction": MODES[mode]}
    master.act(
        f"change {place.address} from {before.mode} to {mode} mode",
        action,
        lambda wallet, act, _, mainnet: signing.sign_user_set_abstraction_action(wallet, act, mainnet),
        yes=yes,
    )
    after = _read(place)
    out().print(f"{place.address} is in {after.mode} mode now, equity {after.equity_usd:,.2f} USD", markup=False)
    if after.actions_a_day is not None:
        out().print(f"its actions are limited to {after.actions_a_day:,} a UTC day")
    elif after.spot_free_usdc >= 1.0:
        out().print(
            f"its money is in spot, where it is no collateral in this mode: `portfolio-mm account transfer --to perps "
            f"--usd {after.spot_free_usdc:.2f}`",
            markup=False,
        )


# -- requests ----------------------------------------------------------------------------------------------------------


def reserve(place: Place, key_file: Path | None, requests: int, max_usd: str, *, yes: bool) -> None:
    """Buy requests for the address budget, within a cap.

    Raises:
        ConfigurationError: more than the cap allows.
        PreflightError: the perps wallet cannot pay.
        VenueRefused: the venue said no.
    """
    cap, cost = amount_of(max_usd, "--max-usd"), requests * REQUEST_USD
    if requests < 1 or cost > cap:
        most = int(cap / REQUEST_USD)
        msg = f"--requests {requests} cost {cost:f} USDC, --max-usd is {cap:f}: at most {most:,} requests, at least 1"
        raise ConfigurationError(msg)
    master = Master(place, key_file)
    place = _own(place, master)
    before = _read(place)
    if before.mode == "standard" and before.free_usd < float(cost):
        msg = (
            f"{requests:,} requests cost {cost:f} USDC from the perps wallet, which has {before.free_usd:,.2f} USD "
            "free: `portfolio-mm account transfer --to perps` first"
        )
        raise PreflightError(msg)
    action = {"type": "reserveRequestWeight", "weight": requests}
    what = f"buy {requests:,} requests for {place.address} at {cost:f} USDC (0.0005 each)"
    master.act(what, action, _sign_l1, yes=yes)
    after = _read(place)
    for name, account in (("before", before), ("after", after)):
        left = f"{account.requests_left:,} requests left ({account.requests_used:,} of {account.requests_cap:,} used)"
        out().print(f"{name:<7} {left}, {account.free_usd:,.2f} USD free")
    if after.requests_left < before.requests_left + requests - OWN_COST:
        msg = "the venue does not show all of them yet: `portfolio-mm account show`, before buying again"
        raise PortfolioMMError(msg)


def _sign_l1(wallet: Any, action: dict[str, Any], nonce: int, mainnet: bool) -> dict[str, Any]:  # noqa: FBT001
    """An action of the trading surface, signed by the master itself (HL §3.1)."""
    signature: dict[str, Any] = signing.sign_l1_action(wallet, action, None, nonce, None, mainnet)
    return signature
