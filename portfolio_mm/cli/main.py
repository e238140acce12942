"""`portfolio-mm`: one command, its subcommands, and how errors leave it.

Rules of this file: nothing heavy is imported at the top, so `--help` answers at once; every error raised on purpose
ends with one message and its documented exit code, never a traceback; usage errors end with 64.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from portfolio_mm.cli import account, exits
from portfolio_mm.domain.errors import PortfolioMMError

app = typer.Typer(
    name="portfolio-mm",
    help="Quote many Hyperliquid coins from one account as one portfolio.",
    epilog=f"Exit codes: {exits.table()}.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(account.app)

Folder = Annotated[
    Path | None,
    typer.Option("--state-folder", help="Where state lives (default: storage.folder of the configuration)."),
]
Config = Annotated[Path | None, typer.Option("--config", help="YAML file; see config/default.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


@app.command(
    epilog="""Examples:\n
    portfolio-mm start\n
    portfolio-mm start --coins BTC,ETH,SOL --seed 7 --for 60s --json report.json\n
    portfolio-mm start --tape ws.jsonl.zst --coins BTC,WLFI --fee-tier rebate3\n
    portfolio-mm start --config config/mainnet.yaml --detach"""
)
def start(
    *,
    config: Config = None,
    coins: Annotated[str | None, typer.Option(help="Comma separated, e.g. BTC,ETH.")] = None,
    tape: Annotated[Path | None, typer.Option(help="Embedded venue: replay this recording (ws.jsonl.zst).")] = None,
    seed: Annotated[int | None, typer.Option(help="Embedded venue: seed of the synthetic market.")] = None,
    lasting: Annotated[str | None, typer.Option("--for", help="Stop by itself after, e.g., 60s or 2h.")] = None,
    report: Annotated[Path | None, typer.Option("--json", help="Write the report here as JSON.")] = None,
    fee_tier: Annotated[str | None, typer.Option(help="Embedded venue: base, vip1..vip6, rebate1..rebate3.")] = None,
    mode: Annotated[str | None, typer.Option(help="Embedded venue: account mode, standard or unified.")] = None,
    auto_transfer: Annotated[
        bool,
        typer.Option("--auto-transfer", help="Standard mode: the agent may move USDC from spot to perps, bounded."),
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return once trading; the run goes on.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the live table.")] = False,
    folder: Folder = None,
) -> None:
    """Trade until Ctrl-C, `stop`, or the end of --for; then cancel every order, verify, and write the report."""
    from portfolio_mm.cli.start import Request, run_start  # noqa: PLC0415 - heavy

    run_start(
        Request(
            config=config,
            coins=coins,
            tape=tape,
            seed=seed,
            lasting=lasting,
            report=report,
            fee_tier=fee_tier,
            mode=mode,
            auto_transfer=auto_transfer,
            detach=detach,
            plain=plain,
            folder=folder,
        )
    )


watchdog = typer.Typer(no_args_is_help=True, help="A second watchdog on another machine.")
app.add_typer(watchdog, name="watchdog")


@watchdog.command("pack", epilog="Example: portfolio-mm watchdog pack --public 10.0.0.5:7443 outpost")
def watchdog_pack(
    to: Annotated[Path, typer.Argument(help="Folder to write; it holds a secret.")],
    *,
    public: Annotated[str | None, typer.Option(help="host:port at which the other machine reaches this one.")] = None,
    config: Config = None,
    folder: Folder = None,
) -> None:
    """Write the folder a watchdog on another machine needs: address, certificate and token of this run's door."""
    from portfolio_mm.cli.watchdog import pack  # noqa: PLC0415 - heavy

    pack(config, folder, public=public, to=to)


@watchdog.command("run", epilog="Example: portfolio-mm watchdog run outpost --key-path ~/.keys/outpost.key")
def watchdog_run(
    post: Annotated[Path, typer.Argument(help="The packed folder.")],
    *,
    key_path: Annotated[Path, typer.Option(help="Agent key of this watchdog alone, mode 0600.")],
) -> None:
    """Stand guard: cancel everything when the trading host's gateway falls silent. Does not need Ray."""
    from portfolio_mm.cli.watchdog import stand_guard  # noqa: PLC0415 - heavy

    stand_guard(post, key_path)


@app.command(epilog="Example: portfolio-mm status --json | jq .coins[].sides")
def status(*, config: Config = None, folder: Folder = None, json: Json = False) -> None:
    """Show what every coin quotes and holds, and why a side does not quote."""
    from portfolio_mm.cli.control import show_status  # noqa: PLC0415 - heavy

    show_status(config, folder, as_json=json)


@app.command(epilog="Example: portfolio-mm stop")
def stop(*, config: Config = None, folder: Folder = None, json: Json = False) -> None:
    """Cancel every order, verify with the venue that none is left, write the report, end the run."""
    from portfolio_mm.cli.control import stop_run  # noqa: PLC0415 - heavy

    stop_run(config, folder, as_json=json)


@app.command(epilog='Example: portfolio-mm kill --reason "news"')
def kill(
    *,
    reason: Annotated[str, typer.Option(help="Written into the incident log.")] = "killed by hand",
    config: Config = None,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Latch the kill switch on disk, then cancel everything. Works when nothing runs, too."""
    from portfolio_mm.cli.control import kill_run  # noqa: PLC0415 - heavy

    kill_run(config, folder, reason, as_json=json)


@app.command(epilog="Example: portfolio-mm resume")
def resume(*, config: Config = None, folder: Folder = None, json: Json = False) -> None:
    """Take the kill switch back, after a person looked at why it fell."""
    from portfolio_mm.cli.control import resume_run  # noqa: PLC0415 - heavy

    resume_run(config, folder, as_json=json)


@app.command(epilog="Example: portfolio-mm flatten")
def flatten(*, config: Config = None, folder: Folder = None, json: Json = False) -> None:
    """Cancel everything and close all positions with bounded reduce-only orders. Works when nothing runs, too."""
    from portfolio_mm.cli.flatten import flatten_run  # noqa: PLC0415 - heavy

    flatten_run(config, folder, as_json=json)


@app.command(
    epilog="""Examples:\n
    portfolio-mm venue --scenario examples/scenarios/calm.yaml --port 3001\n
    portfolio-mm venue --tape ws.jsonl.zst --coins BTC,ETH --speed 4"""
)
def venue(
    *,
    scenario: Annotated[Path | None, typer.Option(help="YAML file; the options below win over it.")] = None,
    port: Annotated[int | None, typer.Option(help="Port on loopback; 0 (default) takes a free one.")] = None,
    tape: Annotated[Path | None, typer.Option(help="Replay this recording (ws.jsonl.zst).")] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder for what is true of the synthetic market.")] = None,
    upstream: Annotated[str | None, typer.Option(help="Live Hyperliquid (wss://…/ws) whose feed drives it.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the synthetic market and of the test keys (1).")] = None,
    coins: Annotated[str, typer.Option(help="Comma separated; default: six synthetic, or all of the tape.")] = "",
    mode: Annotated[str | None, typer.Option(help="Account mode, standard (default) or unified.")] = None,
    fee_tier: Annotated[str | None, typer.Option(help="base (default), vip1..vip6, rebate1..rebate3.")] = None,
    deposit: Annotated[float | None, typer.Option(help="USDC per test account (10000).")] = None,
    speed: Annotated[float | None, typer.Option(help="Venue seconds per second (1).")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start the tape over at its end.")] = False,
    admin: Annotated[
        bool, typer.Option("--admin", help="Open /admin, for tests: faults and events on demand.")
    ] = False,
) -> None:
    """Run the embedded venue alone and print its URL and funded test accounts as one JSON line."""
    from portfolio_mm.actors.kernel_cache import environment  # noqa: PLC0415 - as all of this file

    os.environ.update(environment())  # numba reads where kernels are kept when it is imported
    from portfolio_mm.venue.process import run as run_venue  # noqa: PLC0415 - heavy
    from portfolio_mm.venue.scenario.file import chosen  # noqa: PLC0415 - heavy

    options = {
        "port": port,
        "tape": None if tape is None else str(tape),
        "truth_folder": None if truth is None else str(truth),
        "upstream": upstream,
        "seed": seed,
        "coins": tuple(coin for coin in coins.split(",") if coin) or None,
        "mode": mode,
        "fee_tier": fee_tier,
        "deposit_usd": deposit,
        "speed": speed,
        "loop": loop or None,
        "admin": admin or None,
    }
    raise typer.Exit(run_venue(chosen(scenario, options)))


@app.command(
    epilog="""Examples:\n
    portfolio-mm report --scenario examples/scenarios/calm.yaml --for 30m --out report\n
    portfolio-mm report --tape ws.jsonl.zst --coins BTC,WLFI --fee-tier rebate3\n
    portfolio-mm report --run"""
)
def report(
    *,
    scenario: Annotated[Path | None, typer.Option(help="Play this scenario (YAML), and its twin beside it.")] = None,
    tape: Annotated[Path | None, typer.Option(help="Play this recording (ws.jsonl.zst, or a Parquet set).")] = None,
    run: Annotated[bool, typer.Option("--run", help="The last run of the state folder, from its journals.")] = False,
    lasting: Annotated[str | None, typer.Option("--for", help="How much of it, e.g. 30m (30 minutes, or all).")] = None,
    coins: Annotated[str, typer.Option(help="Comma separated; default: all there are.")] = "",
    to: Annotated[Path, typer.Option("--out", help="Folder to write.")] = Path("report"),
    fee_tier: Annotated[str | None, typer.Option(help="base (default), vip1..vip6, rebate1..rebate3.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the synthetic market.")] = None,
    twin: Annotated[bool, typer.Option(help="Play the misspecified twin of a synthetic market too.")] = True,
    reference: Annotated[bool, typer.Option(help="Add a leading venue where the scenario has none.")] = True,
    plots: Annotated[bool, typer.Option(help="Draw plots: a second or two for each coin.")] = True,
    config: Config = None,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Play a market in virtual time and report what every signal and every component of the quotes is worth."""
    from portfolio_mm.actors.kernel_cache import environment  # noqa: PLC0415 - as all of this file

    os.environ.update(environment())  # numba reads where kernels are kept when it is imported
    from portfolio_mm.cli.report import Asked, run_report  # noqa: PLC0415 - heavy

    run_report(
        Asked(scenario, tape, run, lasting, coins, to, json, config, folder, fee_tier, seed, twin, reference, plots)
    )


@app.command(epilog="Example: portfolio-mm doctor --config config/mainnet.yaml")
def doctor(*, config: Config = None, folder: Folder = None, json: Json = False) -> None:
    """Say what is missing or unsafe on this machine and account, and which protection is in force."""
    from portfolio_mm.cli.doctor import examine  # noqa: PLC0415 - heavy

    examine(config, folder, as_json=json)


@app.command(epilog="Example: portfolio-mm version --json")
def version(*, json: Json = False) -> None:
    """Versions of this program and of what it stands on."""
    from portfolio_mm.cli.output import as_json, out  # noqa: PLC0415 - keeps --help fast
    from portfolio_mm.cli.version import versions  # noqa: PLC0415 - keeps --help fast

    found = versions()
    out().print(as_json(found) if json else "\n".join(f"{name} {text}" for name, text in found.items()))


def run() -> None:
    """Entry of the command: maps errors to exit codes."""
    try:
        app()
    except PortfolioMMError as error:
        sys.stderr.write(f"portfolio-mm: {error}\n")
        sys.exit(error.exit_code)
    except SystemExit as ending:
        # Only wrong usage ends with 2 here: pre-flight refusals arrive as errors above.
        sys.exit(exits.Exit.USAGE if ending.code == exits.Exit.PREFLIGHT else ending.code)
