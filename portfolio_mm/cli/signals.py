"""The table of signals under the coins: which act, what their predictions are worth, what they earn."""

import math
from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from portfolio_mm.actors.messages import CoinReport, View
from portfolio_mm.actors.signals_report import SignalReport

INSUFFICIENT: Final = "insufficient"


def signals_table(view: View) -> Table | None:
    """One row a signal, over all coins; None when no coin says anything of signals."""
    names = [row.signal for row in view.coins[0].experiment.signals] if view.coins else []
    if not names:
        return None
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    table.add_column("signal", no_wrap=True)
    for name in ("acts in", "weight", "USD/h", "95 %", "blocks"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("switched off in", style="yellow", overflow="fold")
    for name in names:
        rows = [row for coin in view.coins for row in coin.experiment.signals if row.signal == name]
        off = ", ".join(coin.coin for coin in view.coins if not _acts(coin, name))
        table.add_row(name, f"{sum(row.acts for row in rows)}/{len(rows)}", _weight(rows), *_worth(rows), off)
    return table


def quiet_features(view: View) -> Text:
    """Features of which a learner could learn nothing, by coin."""
    line = Text(style="yellow")
    for coin in view.coins:
        for how, names in (
            ("the same in every decision", coin.experiment.constant_features),
            ("never known", coin.experiment.unknown_features),
        ):
            if names:
                line.append(f"{coin.coin}: features {how}: {', '.join(names)}\n")
    line.rstrip()
    return line


def _acts(coin: CoinReport, signal: str) -> bool:
    return all(row.acts for row in coin.experiment.signals if row.signal == signal)


def _weight(rows: Sequence[SignalReport]) -> str:
    """Mean weight of the coins where its prediction is scored."""
    known = [row.weight for row in rows if math.isfinite(row.weight)]
    return f"{sum(known) / len(known):.2f}" if known else "-"


def _worth(rows: Sequence[SignalReport]) -> tuple[str, str, str]:
    """Sum over the coins that can tell, with a 95 % interval; coins are taken as independent."""
    told = [row for row in rows if math.isfinite(row.usd_per_h)]
    blocks = f"{min((row.blocks for row in told or rows), default=0)}"
    if not told:
        return INSUFFICIENT, "", blocks
    total = sum(row.usd_per_h for row in told)
    reach = math.sqrt(sum((row.high_usd_per_h - row.usd_per_h) ** 2 for row in told))
    of_all = "" if len(told) == len(rows) else f" ({len(told)} of {len(rows)} coins)"
    return f"{total:+.3f}", f"{total - reach:+.3f} .. {total + reach:+.3f}{of_all}", blocks
