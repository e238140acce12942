"""What the venue itself knows, against what the run believes: orders, positions, fills, cash; and the worst case."""

from collections import Counter
from decimal import Decimal
from typing import Final, NamedTuple

from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.actors.gateway_part import GatewayPart
from portfolio_mm.domain.units import SIDES, SIGN, USD_1E8
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.user import User
from tests.actors.harness import Run

PRINTED_USD: Final = 1e-6
"""One unit of the last decimal the venue prints."""


def gateway(run: Run) -> Parts:
    """The parts of the gateway that lives now."""
    part = run.parts["gateway"]
    assert isinstance(part, GatewayPart)
    rhythm = part._gateway._rhythm
    assert rhythm is not None, "the gateway is between two lives"
    return rhythm._parts


def user(run: Run) -> User:
    """The account at the venue."""
    return run.venue.venue.state.by_address[run.spec.venue.account]


def a_fresh_minute(run: Run) -> None:
    """Faults come one after another here: each finds the request weight of a minute unused, as it would alone."""
    budget = gateway(run).info.budget
    assert isinstance(budget, IpBudget)
    budget._spent.clear()
    budget._sum = 0


class Resting(NamedTuple):
    """An order as both sides must know it."""

    coin: str
    side: int
    px_ticks: int
    lots: int


def differences(run: Run) -> list[str]:
    """What is not as the venue has it, in words; empty when all is."""
    parts, held = gateway(run), user(run)
    return [*_orders(parts, held), *_positions(run, parts, held), *_fills(run, parts, held), *_cash(run, parts, held)]


def _orders(parts: Parts, held: User) -> list[str]:
    ledger = parts.ledger
    ours = {
        order.oid: Resting(ledger.instruments[order.coin].coin, order.side, order.px_ticks, order.remaining_lots)
        for order in ledger.orders()
        if not order.over
    }
    theirs = {
        order.oid: Resting(order.instrument.coin, order.side, order.px_ticks, order.sz_lots) for order in held.live()
    }
    if ours == theirs:
        return []
    return [f"orders: we know {sorted(ours.items())}, the venue {sorted(theirs.items())}"]


def _positions(run: Run, parts: Parts, held: User) -> list[str]:
    found = []
    for instrument in parts.ledger.instruments:
        coin = instrument.coin
        theirs = held.szi(run.venue.venue.state.by_coin[coin].coin.index)
        ours, booked = parts.ledger.positions[instrument.index].szi_lots, run.coin(coin).inventory_lots
        if not ours == booked == theirs:
            found.append(f"{coin}: the venue holds {theirs} lots, the gateway {ours}, the coin {booked}")
    return found


def _fills(run: Run, parts: Parts, held: User) -> list[str]:
    coins = {instrument.coin for instrument in parts.ledger.instruments}
    rows = [row for row in held.fills if row["coin"] in coins]
    theirs = Counter((row["time"], row["coin"], row["tid"]) for row in rows)
    found = []
    if set(parts.ledger.fills_seen._seen) != set(theirs) or parts.ledger.fills != len(rows):
        found.append(f"fills: the gateway counted {parts.ledger.fills}, the venue has {len(rows)}")
    for coin in coins:
        report, mine = run.coin(coin), [row for row in rows if row["coin"] == coin]
        fees = -sum(round(Decimal(row["fee"]) * USD_1E8) for row in mine)
        if (report.fills, report.pnl.fees_1e8) != (len(mine), fees):
            found.append(
                f"{coin}: {report.fills} fills and fees of {report.pnl.fees_1e8} are booked, of {len(mine)} and {fees}"
            )
        if report.gaps or report.strange_lots:
            found.append(f"{coin}: {report.gaps} gaps, {report.strange_lots} lots nobody explains")
    return found


def _cash(run: Run, parts: Parts, held: User) -> list[str]:
    """Money apart from what positions are worth: it needs no mark of the same moment."""
    ours = parts.money.equity_usd
    for instrument in parts.ledger.instruments:
        lots = parts.ledger.positions[instrument.index].szi_lots
        ours -= instrument.sz(lots) * parts.market.mark_px[instrument.index]
    state = run.venue.venue.state
    theirs = (margin.equity_1e8(held, state.marks) + margin.isolated_value_1e8(held, state.marks)) / USD_1E8
    for book in state.books:
        theirs -= book.coin.sz(held.szi(book.coin.index)) * book.coin.px(state.marks[book.coin.index])
    if abs(ours - theirs) <= PRINTED_USD * (3 + len(parts.ledger.instruments)):
        return []
    return [f"cash: we count {ours:.6f} USD, the venue {theirs:.6f}"]


class WorstCase:
    """Position and everything that rests, at the venue, after every block: never above a limit."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._limits = run.spec.plan.limits(1)
        self.broken: list[str] = []
        self.highest = 0.0
        """Largest share of a limit that was ever used."""
        self.blocks = 0

    def __call__(self, now_ms: int) -> None:
        """Look, within the venue's own turn."""
        state, held = self._run.venue.venue.state, user(self._run)
        self.blocks += 1
        gross, net = 0.0, [0.0, 0.0]
        for book in state.books:
            lots, name = held.szi(book.coin.index), book.coin.coin
            rests = [
                sum(o.sz_lots for o in held.open.values() if o.instrument.coin == name and o.side == side)
                for side in SIDES
            ]
            usd = book.coin.sz(1) * book.coin.px(state.marks[book.coin.index])
            worst = [SIGN[side] * lots + rests[side] for side in SIDES]
            coin_usd = max(*worst, abs(lots)) * usd
            gross += coin_usd
            for side in SIDES:
                net[side] += worst[side] * usd
            if coin_usd:
                self._hold(now_ms, name, coin_usd, self._limits.coin(name).max_position_usd)
        self._hold(now_ms, "gross", gross, self._limits.max_gross_usd)
        self._hold(now_ms, "net", max(net), self._limits.max_net_usd)

    def _hold(self, now_ms: int, what: str, usd: float, limit_usd: float) -> None:
        self.highest = max(self.highest, usd / limit_usd)
        if usd > limit_usd:
            self.broken.append(f"{what} {usd:.2f} of {limit_usd:.2f} USD at {now_ms}")
