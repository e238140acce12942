"""The report as one HTML page that needs nothing else: tables, and plots inside it."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from portfolio_mm.backtest.blocks import INSUFFICIENT, Estimate
from portfolio_mm.backtest.document import CoinReport, Report, SessionReport
from portfolio_mm.models.skill import MIN_BLOCKS

Plots = dict[tuple[int, str], dict[str, bytes]]
"""SVG by name, by session number and coin."""
STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1080px;padding:0 1em;color:#1c2430}
table{border-collapse:collapse;margin:.5em 0 1.2em;font-size:12.5px}td,th{padding:.2em .7em;text-align:right;
border-bottom:1px solid #dde3ea}td:first-child,th:first-child{text-align:left}th{color:#5a6675;font-weight:600}
h1{font-size:22px}h2{font-size:18px;margin-top:2em;border-top:2px solid #1c2430;padding-top:.6em}h3{font-size:14px}
.note{color:#5a6675;font-size:12.5px}.bad{color:#a33}svg{max-width:100%;height:auto}
"""
NOTE: Final = (
    f"Intervals are of 95 %, made of blocks of time; under {MIN_BLOCKS} blocks nothing is claimed and the word is "
    f"“{INSUFFICIENT}”. Spread captured at a fill is no edge: markouts are. A synthetic market shares its authors with "
    "the estimators, so its misspecified twin stands beside it."
)
SECTIONS: Final = (
    ("components", "What the quote was made of"),
    ("weights", "Weights earned"),
    ("calibration", "Calibration"),
    ("estimates", "Estimates"),
    ("markouts", "Markouts"),
    ("why", "Why a side did not quote"),
)

EXPERIMENT: Final = {
    "applied": "applied now",
    "value.on_count": "intervals with it",
    "value.off_count": "without it",
    "bans": "times switched off",
    "shadow_blocks": "blocks scored",
    "shadow_skill": "skill",
    "shadow_se": "± se",
    "shadow_weight": "weight",
}
"""Columns of the experiment with signals, by the numbers' names; report.json has all of them."""


def page(report: Report, plots: Plots) -> str:
    """The whole page."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{escape(report.source)}</title><style>{STYLE}</style>",
        f"<h1>Report on {escape(report.source)}</h1>",
        f"<p class=note>{NOTE}</p>",
    ]
    for number, session in enumerate(report.sessions):
        parts += _session(session, number, plots)
    parts += ["<h2>Parts that predict nothing to be scored</h2>", _table(("part", "why"), report.unscored.items())]
    return "\n".join(parts) + "</html>\n"


def _session(session: SessionReport, number: int, plots: Plots) -> list[str]:
    kind = ": the misspecified twin" if session.twin else ""
    parts = [f"<h2>{escape(session.title)}{kind}, {session.played_s / 60:.1f} minutes</h2>", _overview(session)]
    if session.refused:
        parts += ["<h3>Orders refused</h3>", _table(("reason", "orders"), session.refused.items())]
    parts += [f"<p class=bad>Did not happen: {escape(text)}</p>" for text in session.happened_not]
    for coin in session.coins:
        parts += _coin(coin, plots.get((number, coin.coin), {}))
    return parts


def _overview(session: SessionReport) -> str:
    head = ("coin", "spread bps", "maker fee bps", "quoting", "two-sided", "orders", "fills", "volume USD", "PnL USD",
            "markout 5 s bps, after fees")  # fmt: skip
    rows = [
        (
            one.coin,
            _number(one.median_spread_bps),
            f"{one.maker_fee_bps:.2f}",
            f"{one.quoting:.0%}",
            f"{one.two_sided:.0%}",
            one.orders,
            one.fills,
            f"{one.volume_usd:,.0f}",
            f"{one.pnl['total_1e8'] / 1e8:.2f}",
            one.markouts[2].net_bps.text,
        )
        for one in session.coins
    ]
    return _table(head, rows)


def _coin(coin: CoinReport, plots: dict[str, bytes]) -> list[str]:
    parts = [f"<h3>{escape(coin.coin)}</h3>", _scores(coin)]
    tables = {"components": _items(coin), "calibration": _curves(coin), "markouts": _markouts(coin)}
    tables["estimates"] = _truth(coin) + _coverage(coin)
    for name, title in SECTIONS:
        drawn = plots.get(name)
        if drawn is None and not tables.get(name):
            continue
        parts += [f"<h3>{escape(coin.coin)}: {title}</h3>", tables.get(name, "")]
        parts += [] if drawn is None else [inline(drawn)]
    return [*parts, _ablation(coin)]


def inline(svg: bytes) -> str:
    """The drawing without its XML head."""
    text = svg.decode()
    return text[text.index("<svg") :]


def _scores(coin: CoinReport) -> str:
    rows = [
        (
            f"{one.part}: {one.prediction}",
            one.rival,
            f"{one.skill:.3g} ± {one.se:.2g}" if one.low is not None else f"{one.skill:.3g} ({INSUFFICIENT})",
            one.blocks,
            one.scored,
            f"{one.weight:.2f}",
            one.verdict,
        )
        for one in coin.scores
    ]
    head = ("prediction", "naive rival", "skill ± se", "blocks", "scored", "weight", "verdict")
    return _table(head, rows) if rows else "<p class=note>No part of this engine states a scored prediction.</p>"


def _items(coin: CoinReport) -> str:
    rows = [
        (one.item, f"{one.bid_mean_bps:+.3f}", f"{one.ask_mean_bps:+.3f}", f"{one.mean_size_bps:.3f}",
         f"{one.share:.1%}", f"{one.active:.0%}")
        for one in coin.items
    ]  # fmt: skip
    head = ("component", "bid mean bps", "ask mean bps", "mean size bps", "share", "of the time")
    return _table(head, rows) if rows else "<p class=note>No side ever quoted.</p>"


def _curves(coin: CoinReport) -> str:
    rows = [(one.name, one.bias.count, one.bias.blocks, one.slope.text, one.bias.text) for one in coin.curves]
    return _table(("prediction", "observed", "blocks", "reliability slope", "came minus predicted"), rows)


def _markouts(coin: CoinReport) -> str:
    rows = [
        (f"{one.horizon_s:g} s", one.markout_bps.count, one.markout_bps.blocks, one.markout_bps.text, one.net_bps.text,
         one.adverse_bps.text)
        for one in coin.markouts
    ]  # fmt: skip
    head = ("after", "fills", "blocks", "markout bps", "after fees", "adverse selection since placement")
    return _table(head, rows)


def _truth(coin: CoinReport) -> str:
    rows = [
        (f"{one.name}, {one.unit}", f"{one.truth:.3g}", f"{one.final:.3g}", one.ratio.text, _covered(one.covered))
        for one in coin.truth
    ]
    head = ("estimate", "truth", "at the end", "mean ratio to truth", "time its 95 % interval held")
    return _table(head, rows) if rows else ""


def _coverage(coin: CoinReport) -> str:
    rows = [(one.name, one.share.count, one.share.blocks, one.share.text) for one in coin.coverage]
    return _table(("95 % interval of", "observed", "blocks", "held"), rows)


def _covered(share: Estimate | None) -> str:
    return "no interval stated" if share is None else share.text


def _ablation(coin: CoinReport) -> str:
    known = coin.ablation[0].numbers if coin.ablation else {}
    columns = {name: words for name, words in EXPERIMENT.items() if name in known}
    if not columns:
        return ""
    rows = [
        (
            one.signal,
            "no experiment" if one.effect_usd is None else one.effect_usd.text,
            *(_number(one.numbers[name]) for name in columns),
        )
        for one in coin.ablation
    ]
    return f"<h3>{escape(coin.coin)}: Signals in the experiment</h3>" + _table(
        ("signal", "worth per interval, USD", *columns.values()), rows
    )


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3g}"  # noqa: PLR0124 - NaN


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    top = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"
