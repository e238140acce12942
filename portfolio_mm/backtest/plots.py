"""Plots of a session, as SVG: what a coin's quote was made of, how its predictions did, and what its fills were worth.

Drawn without a display and without the date, so that the same session gives the same bytes.
"""

import io
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from portfolio_mm.backtest.against_truth import TABLE, Truth
from portfolio_mm.backtest.blocks import Estimate
from portfolio_mm.backtest.document import CoinReport
from portfolio_mm.backtest.predictions import PREDICTIONS
from portfolio_mm.backtest.result import CoinResult
from portfolio_mm.backtest.shares import SIDE_NAMES
from portfolio_mm.domain.units import SIDES

Array = np.ndarray[Any, Any]
STYLE: Final = {
    "svg.hashsalt": "portfolio_mm",
    "svg.fonttype": "none",
    "font.size": 8.0,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
MOST: Final = 8
"""Components drawn over time, the largest ones."""
WIDTH: Final = 10.0
COLOURS: Final = 10
"""In Matplotlib's cycle; lines beyond them are dashed."""
DASHES: Final = ("-", "--", ":")


def plots_of(coin: CoinResult, report: CoinReport, truth: Truth | None) -> dict[str, bytes]:
    """SVG by name; a plot for which there is nothing is left out."""
    with mpl.rc_context(STYLE):  # type: ignore[arg-type] # its stubs want a literal's keys
        drawn: dict[str, Figure | None] = {
            "components": _components(coin, report),
            "estimates": _estimates(coin, truth),
            "calibration": _calibration(report),
            "markouts": _markouts(report),
            "why": _why(report),
            "weights": _weights(coin),
        }
        return {name: _svg(figure) for name, figure in drawn.items() if figure is not None}


def _svg(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _minutes(coin: CoinResult) -> Array:
    return np.asarray((coin.samples["ms"] - coin.samples["ms"][0]) / 60_000.0)


def _components(coin: CoinResult, report: CoinReport) -> Figure | None:
    if not report.items or not len(coin.samples):
        return None
    figure = Figure(figsize=(WIDTH, 5.2))
    axes: Any = figure.subplots(2, 2, width_ratios=(2.4, 1.0), sharex="col")
    minutes = _minutes(coin)
    names = [one.item for one in report.items]
    largest = sorted(report.items, key=lambda one: -one.mean_size_bps)[:MOST]
    for side in SIDES:
        ax: Axes = axes[side, 0]
        shown = coin.samples["quoting"][:, side] == 1
        for one in largest:
            values = np.where(shown, coin.samples["items_bps"][:, side, names.index(one.item)], np.nan)
            ax.plot(minutes, values, lw=0.8, label=one.item)
        ax.plot(minutes, np.where(shown, coin.samples["distance_bps"][:, side], np.nan), "k", lw=0.6, label="from fair")
        ax.set_ylabel(f"{SIDE_NAMES[side]}, bps outwards")
    axes[1, 0].set_xlabel("minutes")
    axes[0, 0].legend(ncols=5, fontsize=6, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    bars = [one for one in report.items if one.mean_size_bps > 0.0]
    for ax, sizes, title in (
        (axes[0, 1], [one.mean_size_bps for one in bars], "mean size, bps"),
        (axes[1, 1], [0.5 * (one.bid_mean_bps + one.ask_mean_bps) for one in bars], "signed mean, bps"),
    ):
        ax.barh([one.item for one in bars], sizes, color="#4a7ab5")
        ax.tick_params(axis="y", labelsize=5)
        ax.set_title(title, fontsize=8)
    return figure


def _estimates(coin: CoinResult, truth: Truth | None) -> Figure | None:
    rows = coin.samples
    if not len(rows):
        return None
    figure = Figure(figsize=(WIDTH, 2.6))
    axes: Any = figure.subplots(1, len(TABLE))
    minutes = _minutes(coin)
    known = truth is not None and coin.coin in truth["coins"]
    for ax, (name, unit, ready, read, error, true) in zip(axes, TABLE, strict=True):
        shown = rows[ready] == 1
        values = np.where(shown, read(rows), np.nan)
        ax.plot(minutes, values, lw=0.9, label="estimate")
        if error is not None:
            half = 1.96 * error(rows)
            ax.fill_between(minutes, values - half, values + half, alpha=0.2, lw=0)
        if known and truth is not None:
            exact = true(truth, truth["coins"].index(coin.coin), rows["ms"])
            ax.plot(minutes, exact, "k--", lw=0.8, label="truth")
        ax.set_title(f"{name}, {unit}", fontsize=8)
        ax.set_xlabel("minutes")
    axes[0].legend(fontsize=6)
    return figure


def _calibration(report: CoinReport) -> Figure | None:
    curves = [one for one in report.curves if one.bins]
    if not curves:
        return None
    figure = Figure(figsize=(WIDTH, 3.0))
    axes: Any = figure.subplots(1, len(curves), squeeze=False)
    for ax, one in zip(axes[0], curves, strict=True):
        x = [each.predicted for each in one.bins]
        _bars(ax, x, [each.realised for each in one.bins])
        ends = [min(x), max(x)]
        ax.plot(ends, ends, "k--", lw=0.8, label="calibrated")
        ax.set_title(f"{one.name}\nslope {one.slope.text}", fontsize=6.5)
        ax.set_xlabel(f"predicted, {one.unit}")
        ax.set_ylabel("came")
    return figure


def _bars(ax: Axes, x: list[float], values: list[Estimate]) -> None:
    """Points, with intervals where there are enough blocks for one."""
    y = [one.value if one.value is not None else np.nan for one in values]
    half = [(one.high - one.low) / 2.0 if one.high is not None and one.low is not None else 0.0 for one in values]
    ax.errorbar(x, y, yerr=half, fmt="o-", ms=3, lw=0.8, capsize=2)


def _markouts(report: CoinReport) -> Figure | None:
    if not report.fills:
        return None
    figure = Figure(figsize=(WIDTH * 0.6, 2.6))
    ax: Any = figure.subplots()
    x = [one.horizon_s for one in report.markouts]
    for name in ("markout_bps", "net_bps", "adverse_bps"):
        _bars(ax, x, [getattr(one, name) for one in report.markouts])
    ax.legend(["before fees", "after fees", "adverse selection"], fontsize=6)
    ax.axhline(0.0, color="k", lw=0.6)
    ax.set_xscale("log")
    ax.set_xticks(x, [f"{each:g}" for each in x])
    ax.minorticks_off()
    ax.set_xlabel("seconds after the fill")
    ax.set_ylabel("bps")
    return figure


def _why(report: CoinReport) -> Figure | None:
    if not report.why:
        return None
    figure = Figure(figsize=(WIDTH, 1.6))
    ax: Any = figure.subplots()
    reasons = list(dict.fromkeys(one.reason for one in report.why))
    left = dict.fromkeys(SIDE_NAMES, 0.0)
    for reason in reasons:
        shares = {one.side: one.share for one in report.why if one.reason == reason}
        widths = [shares.get(side, 0.0) for side in SIDE_NAMES]
        ax.barh(SIDE_NAMES, widths, left=[left[side] for side in SIDE_NAMES], label=reason.lower().replace("_", " "))
        for side, width in zip(SIDE_NAMES, widths, strict=True):
            left[side] += width
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel("share of time")
    ax.legend(ncols=5, fontsize=6, loc="upper center", bbox_to_anchor=(0.5, 1.35))
    return figure


def _weights(coin: CoinResult) -> Figure | None:
    if not PREDICTIONS or not len(coin.samples):
        return None
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    ax: Any = figure.subplots()
    weights = coin.samples["weights"]
    earned = [place for place in range(len(PREDICTIONS)) if weights[:, place].max() > 0.0]
    for at, place in enumerate(earned):
        one, dashes = PREDICTIONS[place], DASHES[at // COLOURS % len(DASHES)]
        ax.plot(_minutes(coin), weights[:, place], dashes, lw=0.9, label=f"{one.part}: {one.name}")
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("minutes")
    ax.set_ylabel("weight earned")
    ax.set_title(f"{len(PREDICTIONS) - len(earned)} predictions never earned any", fontsize=7)
    if earned:
        figure.legend(fontsize=6, ncols=4, loc="outside lower center")
    return figure
