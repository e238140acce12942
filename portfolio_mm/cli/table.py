"""The live table of coins, drawn from the same view the console shows."""

import math
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from portfolio_mm.actors.messages import CoinReport, SideReport, View
from portfolio_mm.cli.signals import quiet_features, signals_table
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.units import USD_1E8

STATE_STYLE: Final = {
    RiskState.GREEN: "green",
    RiskState.YELLOW: "yellow",
    RiskState.REDUCE_ONLY: "yellow",
    RiskState.CANCEL_ONLY: "red",
    RiskState.KILLED: "bold red",
}
SIGNIFICANT: Final = 7
FAR: Final = 10.0
"""Of moves beyond it the view says no more than that (actors/gateway/headroom.py)."""
FEW_REQUESTS: Final = 2_000
"""As risk.actions_warn_left has it by default."""
OLD_REFERENCE_S: Final = 1.0
"""The engine gives an older one no weight."""
NEVER_S: Final = 1e6
"""Ages beyond this mean that it never happened."""


def coin_pnl_usd(coin: CoinReport) -> float:
    """Every part of the coin's PnL together, USD."""
    pnl = coin.pnl
    parts = (pnl.spread_1e8, pnl.adverse_1e8, pnl.inventory_1e8, pnl.fees_1e8, pnl.funding_1e8, pnl.basis_1e8)
    return sum(parts) / USD_1E8


def half_spread_bps(side: SideReport) -> str:
    """Distance of the quote from mid, bps, from its items; empty when the side does not quote."""
    if not side.px:
        return ""
    return f"{sum(bps for _, bps in side.items_bps):.2f}"


def price(px: float) -> str:
    """A price with as many digits as the venue prints; a dash when there is none."""
    return f"{px:.{SIGNIFICANT}g}" if px > 0 else "-"


def best(side: SideReport) -> str:
    """Best quoted price of a side."""
    return price(side.px[0]) if side.px else "-"


def why(coin: CoinReport) -> str:
    """Why a side does not quote, in words; both sides when they differ."""
    bid, ask = (side.reason_text or side.reason for side in coin.sides)
    if bid == ask:
        return bid
    return "; ".join(f"{name}: {text}" for name, text in (("bid", bid), ("ask", ask)) if text)


def markout(coin: CoinReport) -> str:
    """Mean 5 s markout of own fills with its standard error, bps, as far as so few fills can tell."""
    for row in coin.markouts:
        if row.horizon_s == 5.0 and row.count > 0:
            return f"{row.mean_bps:+.2f} ±{row.se_bps:.2f}" if math.isfinite(row.se_bps) else f"{row.mean_bps:+.2f}"
    return "-"


def coins_table(view: View) -> Table:
    """One row a coin."""
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    for name, justify in (("coin", "left"), ("bid", "right"), ("ask", "right")):
        table.add_column(name, justify="left" if justify == "left" else "right", no_wrap=True)
    for name in ("half-spread bps", "inventory USD", "orders", "fills", "markout 5s bps", "PnL USD"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why not", overflow="fold", style="yellow")
    orders = {position.coin: position.open_orders for position in view.positions}
    for coin in view.coins:
        widths = " / ".join(half_spread_bps(side) or "-" for side in coin.sides)
        pnl = coin_pnl_usd(coin)
        table.add_row(
            coin.coin,
            best(coin.sides[0]),
            best(coin.sides[1]),
            widths,
            f"{coin.inventory_usd:,.0f}",
            str(orders.get(coin.coin, 0)),
            str(coin.fills),
            markout(coin),
            Text(f"{pnl:+,.2f}", style="green" if pnl >= 0 else "red"),
            why(coin),
        )
    return table


def headline(view: View) -> Text:
    """Account, risk and latency in one line."""
    line = Text()
    line.append(view.risk_state.name.lower().replace("_", " "), style=STATE_STYLE[view.risk_state])
    change = view.equity_usd - view.start_equity_usd - view.run_transfers_usd
    known = view.account_age_s < NEVER_S
    money = f"equity {view.equity_usd:,.2f} USD ({change:+,.2f})" if known else "account not read yet"
    line.append(f"  {money}  {view.mode}")
    line.append(f"  orders {view.orders_open}  fills {view.fills}  permit {view.permit_left_s:.1f} s")
    wire = view.latency
    line.append(f"  tick to wire p50 {wire.p50_us / 1e3:.2f} ms, p99 {wire.p99_us / 1e3:.2f} ms of {wire.count}")
    unread = view.malformed + sum(coin.malformed for coin in view.coins)
    if unread:
        line.append(f"  {unread:,} messages not understood", style="yellow")
    for text in view.notices:
        line.append(f"\n{text}", style="yellow")
    budget = view.budget
    left = budget.address_cap - budget.address_used
    if budget.address_cap and left <= FEW_REQUESTS:
        reserve = "`portfolio-mm account reserve-requests --requests 10000 --max-usd 5.00` buys more"
        line.append(f"\n{left:,} requests of the address left: {reserve}", style="yellow")
    if budget.place_wait_s > 0.0:
        line.append(f"\nnext order in {budget.place_wait_s:.0f} s: {budget.why}", style="yellow")
    if view.others_text:
        count = sum(times for _, times in view.others)
        line.append(f"\nothers ({count}): {view.others_text}", style="yellow")
    if view.risk_reasons:
        line.append("\n" + "; ".join(view.risk_reasons), style=STATE_STYLE[view.risk_state])
    return line


def headroom(view: View) -> Text:
    """How far each pot of money with positions is from liquidation, and the coin that would get there alone first."""
    line = Text(style="dim")
    for pot in view.pots:
        if not pot.coin_moves:
            continue
        coin, move = min(pot.coin_moves, key=lambda row: row[1])
        line.append(
            f"{pot.name}: {pot.headroom_usd:,.2f} USD above maintenance ({pot.headroom_fraction:.1%} of equity); "
            f"liquidation if all coins move {_move(pot.all_move)} against it, or {coin} alone {_move(move)}\n"
        )
    line.rstrip()
    return line


def _move(move: float) -> str:
    return f"{move:.1%}" if move < FAR else "further than prices go"


def allocation(view: View) -> Text:
    """Who solved the allocation, and what holds it back."""
    found = view.allocation
    return Text("; ".join((f"allocation: {found.status}, {found.solve_ms:.0f} ms", *found.binding)), style="dim")


def reference(view: View) -> Text:
    """Each coin's reference: the age of its last book, or why it has none; nothing when the run has none at all."""
    line = Text(style="dim")
    shown = [coin for coin in view.coins if coin.reference.state != "off"]
    for coin in shown:
        found = coin.reference
        fine = found.state == "ok" and found.age_s < OLD_REFERENCE_S
        words = f"{found.age_s:.1f} s" if found.state == "ok" else found.state
        line.append(f"{', ' if line.plain else 'reference: '}{coin.coin} ")
        line.append(words, style="" if fine else "yellow")
    for coin in shown:
        if coin.reference.text:
            line.append(f"\nreference of {coin.coin}: {coin.reference.text}", style="yellow")
    return line


def draw(view: View) -> Group:
    """Headline, coins, liquidation, signals, the reference venue, and the allocation behind them."""
    signals = signals_table(view)
    lines = [line for line in (headroom(view), quiet_features(view), reference(view)) if line.plain]
    return Group(headline(view), coins_table(view), *((signals,) if signals else ()), *lines, allocation(view))
