"""`portfolio-mm account ...`: the one place for what needs the master key. Heavy imports happen inside, as in main."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="account",
    help="See and set up the account. What it signs with the master key is shown and confirmed first.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Config = Annotated[Path | None, typer.Option("--config", help="YAML file that names venue.url and account.address.")]
Url = Annotated[str | None, typer.Option("--url", help="The venue, instead of venue.url (e.g. a local one).")]
Address = Annotated[str | None, typer.Option("--address", help="The account, instead of account.address.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", help="File (mode 0600) with the master key; without it, it is asked for, hidden."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@app.command(epilog="Example: portfolio-mm account show --config config/mainnet.yaml --json")
def show(*, config: Config = None, url: Url = None, address: Address = None, json: Json = False) -> None:
    """Mode, wallets, equity, margin, fees, budgets, agents and when they end. Needs no key."""
    from portfolio_mm.cli.account_show import show as run  # noqa: PLC0415 - heavy
    from portfolio_mm.cli.place import place_of  # noqa: PLC0415 - heavy

    run(place_of(config, url, address), as_json=json)


@app.command(
    "approve-agent",
    epilog="""Examples:\n
    portfolio-mm account approve-agent --config FILE --out ~/keys/agent.key --name gateway\n
    portfolio-mm account approve-agent --config FILE --out ~/keys/watchdog.key --name watchdog --watchdog""",
)
def approve_agent(
    *,
    out: Annotated[Path, typer.Option("--out", help="New file (made with mode 0600) for the agent's key.")],
    name: Annotated[str, typer.Option("--name", help="At most 16 characters; the same name replaces.")] = "gateway",
    days: Annotated[int, typer.Option("--days", help="Until it ends, at most 180.")] = 90,
    watchdog: Annotated[bool, typer.Option("--watchdog", help="It is the watchdog's key.")] = False,
    config: Config = None,
    url: Url = None,
    address: Address = None,
    key_file: KeyFile = None,
    yes: Yes = False,
) -> None:
    """Make a new agent key, have the master approve it, say what to put into the configuration."""
    from portfolio_mm.cli.account_moves import approve_agent as run  # noqa: PLC0415 - heavy
    from portfolio_mm.cli.place import place_of  # noqa: PLC0415 - heavy

    run(place_of(config, url, address), key_file, out, name, days=days, watchdog=watchdog, yes=yes)


@app.command(epilog="Example: portfolio-mm account transfer --config FILE --to perps --usd 161.09")
def transfer(
    *,
    to: Annotated[str, typer.Option("--to", help="perps or spot.")],
    usd: Annotated[str, typer.Option("--usd", help="How much USDC.")],
    dex: Annotated[str | None, typer.Option("--from-dex", help="From the ledger of this dex (HIP-3).")] = None,
    config: Config = None,
    url: Url = None,
    address: Address = None,
    key_file: KeyFile = None,
    yes: Yes = False,
) -> None:
    """Move USDC between the account's own wallets (standard mode; a unified account has one)."""
    from portfolio_mm.cli.account_moves import transfer as run  # noqa: PLC0415 - heavy
    from portfolio_mm.cli.place import place_of  # noqa: PLC0415 - heavy
    from portfolio_mm.domain.errors import ConfigurationError  # noqa: PLC0415 - as all of this file

    if to not in {"perps", "spot"}:
        msg = f"--to {to} must be perps or spot"
        raise ConfigurationError(msg)
    run(place_of(config, url, address), key_file, "perps" if to == "perps" else "spot", usd, dex=dex, yes=yes)


@app.command(epilog="Example: portfolio-mm account mode standard --config FILE")
def mode(
    wanted: Annotated[str, typer.Argument(help="standard, unified or portfolio-margin.")],
    *,
    config: Config = None,
    url: Url = None,
    address: Address = None,
    key_file: KeyFile = None,
    yes: Yes = False,
) -> None:
    """Change the account mode."""
    from portfolio_mm.cli.account_moves import set_mode  # noqa: PLC0415 - heavy
    from portfolio_mm.cli.place import place_of  # noqa: PLC0415 - heavy

    set_mode(place_of(config, url, address), key_file, wanted, yes=yes)


@app.command(
    "reserve-requests",
    epilog="Example: portfolio-mm account reserve-requests --config FILE --requests 10000 --max-usd 5",
)
def reserve_requests(
    *,
    requests: Annotated[int, typer.Option("--requests", help="How many; 0.0005 USDC each.")],
    max_usd: Annotated[str, typer.Option("--max-usd", help="Refuse to pay more than this.")],
    config: Config = None,
    url: Url = None,
    address: Address = None,
    key_file: KeyFile = None,
    yes: Yes = False,
) -> None:
    """Buy requests when the address budget runs out. Agents may not (HL §2.9), so it never happens by itself."""
    from portfolio_mm.cli.account_moves import reserve  # noqa: PLC0415 - heavy
    from portfolio_mm.cli.place import place_of  # noqa: PLC0415 - heavy

    reserve(place_of(config, url, address), key_file, requests, max_usd, yes=yes)
