"""Synthetic event arrays and a stand-in gateway, for tests of the engine. Everything is seeded."""

import heapq
from typing import Any

import numpy as np

from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import EVENT, LAST, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.engine.why import Reason

Array = np.ndarray[Any, Any]
COIN = Instrument("TEST", 7, 0, 1, 10)
"""Lots of 0.1 coin, ticks of 1e-5 USD; near 20 USD the valid tick is 0.001 USD, 0.5 bps."""
STEP = 100
"""Valid tick near 20 USD, in units of 1e-5 USD."""
MS = 1_000_000
S = 1_000_000_000
T0 = 50 * S
VENUE_MS = 1_700_000_000_000


def event(kind: EventKind, recv_ns: int, **fields: Any) -> Array:
    """One EVENT; fields by name."""
    row = np.zeros(1, EVENT)
    row["kind"], row["recv_ns"] = kind, recv_ns
    for name, value in fields.items():
        row[name] = value
    return row


def venue_ms(recv_ns: int) -> int:
    """Block time of what is received now: the feed takes 100 ms."""
    return VENUE_MS + (recv_ns - T0) // MS - 100


def book(recv_ns: int, bid: int, ask: int, sizes: tuple[float, float] = (40.0, 40.0), **fields: Any) -> Array:
    """A BOOK with five levels a valid tick apart; `bid` and `ask` in ticks."""
    row = event(EventKind.BOOK, recv_ns, venue_ms=venue_ms(recv_ns), bits=LAST, bid_ticks=bid, ask_ticks=ask)
    levels = np.arange(5) * STEP
    row["bid_px"], row["ask_px"] = (bid - levels) / 1e5, (ask + levels) / 1e5
    row["bid_sz"], row["ask_sz"] = sizes
    for name, value in fields.items():
        row[name] = value
    return row


def bbo(recv_ns: int, bid: int, ask: int, sizes: tuple[float, float] = (40.0, 40.0)) -> Array:
    """A BBO; prices in ticks, sizes in coins."""
    row = event(EventKind.BBO, recv_ns, venue_ms=venue_ms(recv_ns), bits=LAST, bid_ticks=bid, ask_ticks=ask)
    row["bid_px"][0, 0], row["ask_px"][0, 0] = bid / 1e5, ask / 1e5
    row["bid_sz"][0, 0], row["ask_sz"][0, 0] = sizes
    return row


def trade(recv_ns: int, side: int, px_ticks: int, sz: float = 3.0, at_ms: int = 0) -> Array:
    """A TRADE; `side` is the aggressor's."""
    when = at_ms or venue_ms(recv_ns)
    return event(EventKind.TRADE, recv_ns, venue_ms=when, bits=LAST, side=side, px=px_ticks / 1e5, sz=sz)


def allocation(recv_ns: int, version: int = 1, **fields: Any) -> Array:
    """An ALLOCATION valid for a minute: limit 2,000 USD, price 0.0005 USD an action."""
    base = {"px2": 2_000.0, "sz": 0.0005, "oid": 60 * S, "seq": version}
    return event(EventKind.ALLOCATION, recv_ns, **{**base, **fields})


def permit(recv_ns: int, state: RiskState = RiskState.GREEN, left_s: float = 3.0) -> Array:
    """A PERMIT."""
    return event(EventKind.PERMIT, recv_ns, status=state, oid=int(left_s * S), seq=1)


def market(count: int, seed: int = 1, first_ns: int = T0, reach: float = 5.0) -> Array:
    """`count` events 50 ms apart around 20 USD: books, bbos, trades, contexts, timers; spread 2 to 4 bps.

    Sweeps reach an exponential number of valid ticks (mean `reach`) beyond mid.
    """
    rng = np.random.default_rng(seed)
    rows, mid = [], 2_000_000
    for i in range(count):
        now_ns = first_ns + i * 50 * MS
        draw, half = rng.random(), int(rng.integers(2, 5))
        mid += int(rng.integers(-1, 2)) * STEP
        sizes = (float(np.round(rng.gamma(2.0, 20.0) + 0.1, 1)), float(np.round(rng.gamma(2.0, 20.0) + 0.1, 1)))
        if draw < 0.2 or i < 2:
            rows.append(book(now_ns, mid - half * STEP, mid + half * STEP, sizes))
        elif draw < 0.45:
            rows.append(bbo(now_ns, mid - half * STEP, mid + half * STEP, sizes))
        elif draw < 0.65:
            side = int(rng.integers(0, 2))
            depth = (2 + int(rng.exponential(reach))) * STEP
            rows.append(trade(now_ns, side, mid + (depth if side == 0 else -depth)))
        elif draw < 0.7:
            rows.append(event(EventKind.CONTEXT, now_ns, px=mid / 1e5, px2=mid / 1e5, px_ticks=mid, sz=1e-5, bits=LAST))
        else:
            rows.append(event(EventKind.TIMER, now_ns))
    return np.concatenate(rows)


class Bench:
    """One coin with a stand-in gateway that answers every command after `delay_ns` of tape time.

    `commands` keeps all commands; `refuse` makes the gateway refuse creates with that class.
    """

    def __init__(
        self,
        tuning: Tuning | None = None,
        *,
        n_coins: int = 3,
        fee_bps: float = -0.3,
        instrument: Instrument = COIN,
    ) -> None:
        self.state, self.params = new_coin(instrument, n_coins, Tuning() if tuning is None else tuning)
        self.commands: list[Any] = []
        self.refuse = Refusal.NONE
        self.delay_ns = 60 * MS
        self.silent = False
        self.step = step
        self._out = np.zeros(MAX_COMMANDS, COMMAND)
        self._waiting: list[tuple[int, int, Any]] = []
        self.fee_bps = fee_bps

    @property
    def st(self) -> Any:
        """The state record."""
        return self.state[0]

    def start(self, now_ns: int = T0 - 1) -> None:
        """Connect, permit, allocate."""
        self.hear(event(EventKind.SYNC, now_ns, oid=3, tid=11, bits=LAST))
        self.hear(event(EventKind.ACCOUNT, now_ns, px=20_000.0, px2=20_000.0, sz=self.fee_bps, sz2=4.5))
        self.hear(permit(now_ns, left_s=1e6))
        self.hear(allocation(now_ns, oid=10**15))

    def hear(self, events: Array) -> int:
        """Feed events, answering what is due; how many commands came out."""
        before = len(self.commands)
        for i in range(len(events)):
            now_ns = int(events["recv_ns"][i])
            while self._waiting and self._waiting[0][0] <= now_ns:
                due_ns, _, command = heapq.heappop(self._waiting)
                self._answer(due_ns, command)
            self._one(events, i)
        return len(self.commands) - before

    def _one(self, events: Array, i: int) -> None:
        now_ns = int(events["recv_ns"][i])
        for j in range(self.step(events, i, self.state, self.params, self._out)):
            self.commands.append(self._out[j].copy())
            if not self.silent:
                heapq.heappush(self._waiting, (now_ns + self.delay_ns, len(self.commands), self._out[j].copy()))

    def _answer(self, now_ns: int, command: Any) -> None:
        kind, new, old = command["kind"], ("cloid_hi", "cloid_lo"), ("target_hi", "target_lo")
        if kind == CommandKind.CANCEL:
            self._tell(now_ns, command, OrderEvent.CANCELLED, old)
        elif self.refuse:
            status = OrderEvent.REFUSED if kind == CommandKind.PLACE else OrderEvent.MODIFY_FAILED
            self._tell(now_ns, command, status, new, oid=int(self.refuse))
        else:
            status = OrderEvent.ACCEPTED if kind == CommandKind.PLACE else OrderEvent.REPLACED
            self._tell(now_ns, command, status, new, oid=77)

    def _tell(self, now_ns: int, command: Any, status: OrderEvent, names: tuple[str, str], oid: int = 0) -> None:
        row = event(EventKind.ORDER, now_ns, status=status, oid=oid)
        row["cloid_hi"], row["cloid_lo"] = command[names[0]], command[names[1]]
        for name in ("side", "level", "px_ticks", "sz_lots"):
            row[name] = command[name]
        self._one(row, 0)

    def resting(self, side: int) -> list[Any]:
        """Live legs of one side, best level first."""
        legs = [self.st["orders"]["slots"][side, level]["leg"][0] for level in range(3)]
        return [leg for leg in legs if leg["state"] in {2, 4} and leg["lots"] > 0]

    def fill(self, now_ns: int, side: int, lots: int = 0, **fields: Any) -> None:
        """Fill the best resting order of `side`, wholly by default."""
        leg = self.resting(side)[0]
        amount, px = lots or int(leg["lots"]), int(leg["px_ticks"])
        row = event(EventKind.FILL, now_ns, side=side, px_ticks=px, sz_lots=amount, venue_ms=venue_ms(now_ns))
        row["cloid_hi"], row["cloid_lo"] = leg["cloid_hi"], leg["cloid_lo"]
        for name, value in fields.items():
            row[name] = value
        self.hear(row)

    def quiet_book(self, seconds: float, first_ns: int, bid: int = 1_999_700, ask: int = 2_000_300) -> int:
        """Books each 500 ms and timers between, at a standing market; the time after the last."""
        for i in range(int(seconds * 10)):
            now_ns = first_ns + i * 100 * MS
            self.hear(book(now_ns, bid, ask) if i % 5 == 0 else event(EventKind.TIMER, now_ns))
        return first_ns + int(seconds * 10) * 100 * MS


def running(tuning: Tuning | None = None, fee_bps: float = -0.3, seconds: float = 20.0) -> tuple[Bench, int]:
    """A coin (one level by default) that has quoted a lively market, then a standing one; the time now."""
    bench = Bench(Tuning(levels=1) if tuning is None else tuning, fee_bps=fee_bps)
    bench.start()
    bench.hear(market(1_500))
    return bench, bench.quiet_book(seconds, T0 + 1_500 * 50 * MS)


def why(bench: Bench, side: int) -> Reason:
    """Why a side is not quoting."""
    return Reason(int(bench.st["quote"]["why"][side]))


def keys(commands: list[Any]) -> list[tuple[Any, ...]]:
    """Commands as comparable tuples."""
    return [tuple(command.tolist()) for command in commands]
