"""The gateway's peers in the same process: a coin made of the real order slots and reconcile, and a risk authority."""

import asyncio
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import numpy as np

from portfolio_mm.actors import framing
from portfolio_mm.actors.framing import Frame, FrameKind, Records
from portfolio_mm.actors.gateway.own_order import Key
from portfolio_mm.actors.messages import (
    Answer,
    Ask,
    Hello,
    Message,
    PermitAnswer,
    PermitRequest,
    Role,
    Welcome,
)
from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import LAST, REPLAYED, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import LimitSet, Permit, RiskState
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import SIDES, SIGN
from portfolio_mm.engine import authority, backoff, reconcile, slots
from portfolio_mm.engine.coin import MAX_COMMANDS
from portfolio_mm.engine.orders import CANCELLING, LEVELS, LIVE, MODIFYING, NONE
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.tuning import Tuning
from tests.engine.plain_page import Quick, called
from tests.lifecycle.market import STEP
from tests.lifecycle.reports import report_of

TOKEN: Final = "the secret of this world"
TERMINAL: Final = frozenset({OrderEvent.REFUSED, OrderEvent.CANCELLED, OrderEvent.FILLED, OrderEvent.MODIFY_FAILED})
ON_ORDER, ON_OWN_FILL, ON_ANSWER = called(slots.on_order), called(slots.on_own_fill), called(backoff.on_answer)
COMMANDS_FOR: Final = called(reconcile.commands_for)
SOON_NS: Final = 300_000_000
"""A world lasts seconds: nobody backs off longer in it."""


class Line:
    """Both ends of a peer's connection, each way in order and a little late. The gateway takes it for a `Peer`."""

    def __init__(self, role: Role, name: str, chance: random.Random) -> None:
        self._hello = Hello(role=role, name=name, token=TOKEN, pid=os.getpid())
        self._inbox: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._chance = chance
        self._free_s = [0.0, 0.0]
        self.closed = False
        self.buffered = 0
        self._inbox.put_nowait(self._hello)

    # -- the gateway's end ---------------------------------------------------------------------------------------

    async def receive(self) -> Frame | None:
        return await self._inbox.get()

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (frame := await self.receive()) is not None:
            yield frame

    def send_message(self, message: Message) -> bool:
        return self.send_frame(framing.message_bytes(message))

    def send_records(self, kind: FrameKind, rows: Any) -> bool:
        return self.send_frame(framing.record_bytes(kind, rows))

    def send_frame(self, frame: bytes) -> bool:
        _, kind = framing.HEADER.unpack(frame[: framing.HEADER.size])
        self._later(0, self._hear, framing.decode(kind, frame[framing.HEADER.size :]))
        return True

    def abort(self) -> None:
        self.closed = True

    # -- ours ----------------------------------------------------------------------------------------------------

    def say(self, frame: Frame) -> None:
        self._later(1, self._inbox.put_nowait, frame)

    def _later(self, way: int, call: Any, frame: Frame) -> None:
        loop = asyncio.get_running_loop()
        late_s = 0.0002 if self._chance.random() < 0.8 else self._chance.uniform(0.0, 0.03)
        self._free_s[way] = max(self._free_s[way] + 1e-6, loop.time() + late_s)  # timers of one instant have no order
        loop.call_at(self._free_s[way], call, frame)

    def _hear(self, frame: Frame) -> None:
        if isinstance(frame, Records):
            self.on_rows(frame.rows)
        else:
            self.on_message(frame)

    def on_rows(self, rows: Any) -> None:
        """Subclasses listen here."""

    def on_message(self, message: Message) -> None:
        """Subclasses answer here."""


class Risk(Line):
    """Grants permits as told, and remembers until when."""

    def __init__(self, limits: LimitSet, chance: random.Random) -> None:
        super().__init__("risk", "risk", chance)
        self.limits, self.state, self.silent, self.ttl_s = limits, RiskState.GREEN, False, 3.0
        self.granted_until_ns = 0

    def on_message(self, message: Message) -> None:
        if isinstance(message, Ask):
            self.say(Answer(message.what, done=True, text=message.reason))
        if not isinstance(message, PermitRequest) or self.silent:
            return
        ttl_ns = round(self.ttl_s * 1e9) if self.state < RiskState.CANCEL_ONLY else 0
        self.granted_until_ns = max(self.granted_until_ns, message.asked_ns + ttl_ns)
        permit = Permit(1, self.state, ttl_ns, self.limits, (), ())
        self.say(PermitAnswer(message.gateway_epoch, message.asked_ns, permit))


class LadderCoin(Line):
    """Wants a ladder of three levels a side and moves it about; its orders are the engine's slots and commands."""

    def __init__(
        self, instrument: Instrument, coins: int, mid_px: float, limit_usd: float, chance: random.Random
    ) -> None:
        super().__init__("coin", f"coin:{instrument.coin}", chance)
        self.instrument, self.mid_px, self._dice = instrument, mid_px, chance
        tuning = Tuning(levels=LEVELS, clip_usd=40.0)
        self.state, self.params = new_coin(instrument, coins, tuning)
        self.params["requote_ns"], self.params["level_step_bps"], self.params["actions_per_s"] = 0, 0.0, 1e9
        st = self.st = Quick(self.state[0])
        self._params = Quick(self.params[0])
        st.quote.ready, st.quote.rate_per_s[:], st.quote.k_per_bps[:] = 1, 1_000.0, 5.0
        st.quote.sigma_bps, st.quote.limit_usd = 1.0, 1.3 * limit_usd
        st.quote.value_usd_per_lot = instrument.sz(1) * mid_px
        self._commands = np.zeros(MAX_COMMANDS, COMMAND)
        self.wander, self.gap = 0, 1
        """How far the middle of the ladder has gone, and its best levels from that, in steps."""
        self._lots, self._reducing = [[0] * LEVELS for _ in SIDES], False
        self.permit, self.permit_ends_ns = RiskState.CANCEL_ONLY, 0
        self.quiet = False
        self.made: dict[Key, int] = {}
        """Cloids of creates, and when they were asked for."""
        self.words: defaultdict[Key, list[OrderEvent]] = defaultdict(list)
        self.asked_to_end: Counter[Key] = Counter()
        self.heirs: defaultdict[Key, list[Key]] = defaultdict(list)
        self.heard: Counter[str] = Counter()
        self.fills: Counter[tuple[int, int, int]] = Counter()
        self.epoch = 0

    # -- hearing -------------------------------------------------------------------------------------------------

    def on_message(self, message: Message) -> None:
        if isinstance(message, Welcome):
            self.epoch = message.peer_epoch

    def on_rows(self, rows: Any) -> None:
        st, now_ns = self.st, time.monotonic_ns()
        st.clock.recv_ns = now_ns
        for i in range(len(rows)):
            self._on_row(st, rows[i : i + 1], now_ns)
        self.decide(rows[-1:])

    def _on_row(self, st: Any, one: Any, now_ns: int) -> None:
        """Part (4) of the page, for the kinds that orders depend on."""
        row = one[0]
        kind, own = row["kind"], row["coin"] == self.instrument.index
        ev = Quick(one.view(np.recarray)[0])
        if kind == EventKind.FILL:
            self.fills[int(row["venue_ms"]), int(row["coin"]), int(row["tid"])] += 1
        if kind == EventKind.ORDER:
            self._note(row)
            side = ON_ORDER(st.orders, ev, now_ns)
            if side >= 0:
                ON_ANSWER(st.orders, side, int(row["status"]), int(row["oid"]), int(row["tid"]), now_ns)
                st.orders.backoff_until_ns[:] = np.minimum(st.orders.backoff_until_ns, now_ns + SOON_NS)
        elif kind == EventKind.FILL and own:
            lots = int(row["sz_lots"])
            st.account.lots[self.instrument.index] += SIGN[int(row["side"])] * lots
            ON_OWN_FILL(st.orders, row["cloid_hi"], row["cloid_lo"], lots, now_ns)
        elif kind == EventKind.POSITION:
            st.account.lots[int(row["coin"])] = row["sz_lots"]
        elif kind == EventKind.SYNC:
            slots.on_sync(st.orders.record, int(row["oid"]), int(row["tid"]))
        elif kind == EventKind.PERMIT:
            self.permit, self.permit_ends_ns = RiskState(int(row["status"])), now_ns + int(row["oid"])
        if row["bits"] & LAST and kind >= EventKind.ORDER:
            slots.end_sync(st.orders.record)

    def _note(self, row: Any) -> None:
        key, event = (int(row["cloid_hi"]), int(row["cloid_lo"])), OrderEvent(int(row["status"]))
        self.heard[event.name] += 1
        if not row["bits"] & REPLAYED:
            self.words[key].append(event)

    # -- wanting -------------------------------------------------------------------------------------------------

    def stance(self) -> int:
        if self.permit >= RiskState.CANCEL_ONLY or time.monotonic_ns() >= self.permit_ends_ns:
            return int(authority.PULL)
        return int(authority.REDUCE if self.permit >= RiskState.REDUCE_ONLY else authority.TRADE)

    def move(self) -> None:
        """Another ladder, most often near the last one."""
        if self.quiet:
            return
        self.wander = max(-6, min(6, self.wander + self._dice.choice((-2, -1, -1, 0, 0, 1, 1, 2))))
        self._want(lambda: self._dice.choice((0, 12, 18, 25, 30)), reducing=self._dice.random() < 0.2)

    def want_all(self) -> None:
        """A ladder that fits the limit whatever is held."""
        self.wander, self.quiet = 0, True
        self._want(lambda: 12, reducing=False)

    def _want(self, usd: Callable[[], float], *, reducing: bool) -> None:
        lot_usd = float(self.st.quote.value_usd_per_lot)
        self._lots = [[max(0, round(usd() / lot_usd)) for _ in range(LEVELS)] for _ in SIDES]
        self._reducing = reducing

    def _show(self) -> None:
        """The ladder as of now; one that only reduces where that is wanted, or all that is allowed."""
        quote, stance = self.st.quote, self.st.authority.stance
        step = STEP[self.instrument.coin]
        mid = self.instrument.ticks(self.mid_px) // step * step + self.wander * step
        held = int(self.st.account.lots[self.instrument.index])
        for side in SIDES:
            quote.px_ticks[side] = [mid - SIGN[side] * (self.gap + level) * step for level in range(LEVELS)]
            reduces = SIGN[side] * held < 0 and abs(held) * float(quote.value_usd_per_lot) > 11.0
            if reduces and (self._reducing or stance == authority.REDUCE):
                quote.lots[side], quote.reduce_only[side] = [abs(held), 0, 0], 1
            else:
                quote.lots[side] = [0, 0, 0] if stance == authority.REDUCE else self._lots[side]
                quote.reduce_only[side] = 0

    def decide(self, cause: Any) -> None:
        """Commands of this moment, on their way to the gateway."""
        st = self.st
        st.clock.recv_ns = time.monotonic_ns()
        st.authority.stance = self.stance()
        self._show()
        n = COMMANDS_FOR(st, self._params, Quick(cause.view(np.recarray)[0]), self._commands)
        if not n:
            return
        rows = self._commands[:n].copy()
        for row in rows:
            target = (int(row["target_hi"]), int(row["target_lo"]))
            self.asked_to_end[target] += row["kind"] != CommandKind.PLACE
            if row["kind"] in (CommandKind.PLACE, CommandKind.MODIFY):
                key = (int(row["cloid_hi"]), int(row["cloid_lo"]))
                self.made[key] = time.monotonic_ns()
                if row["kind"] == CommandKind.MODIFY:
                    self.heirs[target].append(key)
        self.say(Records(FrameKind.COMMANDS, rows))

    # -- saying --------------------------------------------------------------------------------------------------

    def legs(self) -> dict[Key, tuple[int, int]]:
        """Own orders that the slots hold: state and lots by cloid."""
        found = {}
        legs = self.st.orders.slots["leg"].reshape(-1)
        for leg in legs[legs["state"] != NONE]:
            found[int(leg["cloid_hi"]), int(leg["cloid_lo"])] = (int(leg["state"]), int(leg["lots"]))
        return found

    def wanted(self) -> int:
        """How many levels want an order."""
        return int((self.st.quote.lots > 0).sum())

    def settled(self) -> bool:
        return all(state == LIVE for state, _ in self.legs().values())

    def unsettled(self) -> list[tuple[Key, int]]:
        return [(key, s) for key, (s, _) in self.legs().items() if s in (CANCELLING, MODIFYING) or s != LIVE]

    def report(self, venue_ms: int) -> None:
        self.say(report_of(self.instrument, self.epoch, self.mid_px, venue_ms))
