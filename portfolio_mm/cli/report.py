"""`portfolio-mm report`: play or replay, write the report, say where it is and the most important of it."""

from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from portfolio_mm.backtest.document import Report
from portfolio_mm.backtest.files import PAGE, as_json
from portfolio_mm.backtest.runner import Wanted, make_report
from portfolio_mm.cli.choice import folder_of
from portfolio_mm.cli.duration import seconds
from portfolio_mm.cli.output import Progress, out
from portfolio_mm.domain.errors import ConfigurationError


class Asked(NamedTuple):
    """The options, as given."""

    scenario: Path | None
    tape: Path | None
    run: bool
    lasting: str | None
    coins: str
    folder: Path
    json: bool
    config: Path | None
    state_folder: Path | None
    fee_tier: str | None
    seed: int | None
    twin: bool
    leading: bool
    draw: bool


def run_report(asked: Asked) -> None:
    """Make the report.

    Raises:
        ConfigurationError: an option is wrong, as it says.
    """
    wanted = Wanted(
        scenario=_existing(asked.scenario, "--scenario"),
        tape=_existing(asked.tape, "--tape"),
        journals=folder_of(asked.config, asked.state_folder).journals if asked.run else None,
        seconds=_seconds(asked.lasting),
        coins=tuple(coin for coin in asked.coins.split(",") if coin),
        config=asked.config,
        fee_tier=asked.fee_tier,
        seed=asked.seed,
        twin=asked.twin,
        leading=asked.leading,
        draw=asked.draw,
    )
    report = make_report(wanted, asked.folder, Progress(quiet=asked.json))
    if asked.json:
        print(as_json(report).decode(), end="")  # noqa: T201 - for programs, without the console's wrapping
        return
    for session in report.sessions:
        out().print(_table(report, session))
        for coin in session.coins:
            earning = [f"{one.part} {one.prediction} {one.weight:.2f}" for one in coin.scores if one.verdict == "earns"]
            out().print(f"{coin.coin}: what earns its weight: {', '.join(earning) or 'nothing yet'}")
    out().print(f"written to {asked.folder / PAGE}")


def _existing(path: Path | None, option: str) -> Path | None:
    if path is not None and not path.exists():
        msg = f"{option} {path} does not exist"
        raise ConfigurationError(msg)
    return path


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        msg = f"--for: {error}"
        raise ConfigurationError(msg) from error


def _table(report: Report, session: Any) -> Table:
    twin = ", misspecified twin" if session.twin else ""
    table = Table(title=f"{report.source}{twin}: {session.played_s / 60:.1f} minutes", title_justify="left")
    for name in ("coin", "fills", "two-sided", "net markout 5 s, bps", "slope of E[AS]"):
        table.add_column(name)
    for coin in session.coins:
        adverse = next(one for one in coin.curves if one.unit == "bps")
        shown = (coin.markouts[2].net_bps, adverse.slope)
        table.add_row(coin.coin, str(coin.fills), f"{coin.two_sided:.0%}", *(each.short for each in shown))
    return table
