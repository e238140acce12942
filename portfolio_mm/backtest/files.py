"""Writes a report: one page, its plots, and its numbers as JSON."""

from pathlib import Path
from typing import Final

import msgspec

from portfolio_mm.backtest.document import Report, report_of
from portfolio_mm.backtest.page import Plots, page
from portfolio_mm.backtest.plots import plots_of
from portfolio_mm.backtest.result import SessionResult
from portfolio_mm.domain.errors import ConfigurationError

PAGE: Final = "report.html"
NUMBERS: Final = "report.json"


def as_json(report: Report) -> bytes:
    """The report for a program; what is not known is null."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def write_report(folder: Path, source: str, sessions: tuple[SessionResult, ...], *, draw: bool = True) -> Report:
    """Write everything into a folder, which is made when it is not there; without plots if they are not to be drawn.

    Raises:
        ConfigurationError: the folder cannot be written to.
    """
    report, plots = report_of(source, sessions), Plots()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (session, told) in enumerate(zip(sessions, report.sessions, strict=True)):
            for coin, words in zip(session.coins, told.coins, strict=True):
                drawn = plots_of(coin, words, session.truth) if draw else {}
                plots[number, coin.coin] = drawn
                twin = "-twin" if told.twin and len(sessions) > 1 else ""
                for name, svg in drawn.items():
                    (folder / f"{coin.coin.replace(':', '-')}{twin}-{name}.svg").write_bytes(svg)
        (folder / PAGE).write_text(page(report, plots), encoding="utf-8")
        (folder / NUMBERS).write_bytes(as_json(report))
    except OSError as error:
        msg = f"cannot write the report to {folder}: {error.strerror or error}; choose another --out"
        raise ConfigurationError(msg) from error
    return report
