"""A session: the venue, one account and its coins in one process and in virtual time, as fast as it goes.

A scenario or a tape drives the venue's blocks; frames travel as bytes with the scenario's delays to the parser and the
coins, commands through the gateway's guard and outbox to a block, replies and the account's streams back. The same
settings and seed give the same session, bit for bit. What stands in for others: risk always permits, the portfolio
allocates the plan's limits and an action price, without skews or targets, but with the leads it can prove, and
nobody transfers money.
"""

import math
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from portfolio_mm.actors.coin_leaders import as_leaders
from portfolio_mm.actors.coin_state import fresh_coin
from portfolio_mm.actors.gateway.notices import account_row, mode_row, permit_row, sync_row
from portfolio_mm.actors.gateway.outbox import Lane
from portfolio_mm.backtest.choice import account_for, chosen_instruments
from portfolio_mm.backtest.coin_run import CoinRun
from portfolio_mm.backtest.gateway import EPOCH, RUN, TTL_NS, Sent, SessionGateway
from portfolio_mm.backtest.market import USER_CHANNELS, VirtualVenue
from portfolio_mm.backtest.portfolio import PlainPortfolio
from portfolio_mm.backtest.result import CoinResult, SessionResult
from portfolio_mm.backtest.timeline import Line, Timeline
from portfolio_mm.domain.events import EVENT, LAST, CoinMode, EventKind
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.domain.units import NS_PER_MS, NS_PER_S
from portfolio_mm.hyperliquid.account import AccountTruth, Replies, account_truth
from portfolio_mm.hyperliquid.collateral import fees_on
from portfolio_mm.hyperliquid.parse import MAX_EVENTS, MarketParser
from portfolio_mm.reference.events import ReferenceBook
from portfolio_mm.reference.parse import parse
from portfolio_mm.reference.symbols import symbol_of
from portfolio_mm.settings.plan import Plan
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.protocol.actions import block_class
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.streams.subscriptions import Topic

START_NS: Final = 1_000 * NS_PER_S
TIMER_NS: Final = 100 * NS_PER_MS
TIMER_AT_NS: Final = 50 * NS_PER_MS
"""Timers fall between blocks."""
ACCOUNT_NS: Final = NS_PER_S
SLOW_S: Final = 2.0
"""Wall seconds between two lines of progress."""
Say = Callable[[str], None]


class Session:
    """One session; `run` plays it.

    Raises:
        ConfigurationError: a coin is not listed, or the account cannot trade it.
    """

    def __init__(self, settings: VenueSettings, flow: Flow, plan: Plan, *, title: str, say: Say) -> None:
        self.venue = VirtualVenue(settings, flow)
        self.instruments = chosen_instruments(self.venue, plan.coin_names)
        self._title, self._say = title, say
        number = account_for(self.venue, self.instruments)
        account = self.venue.accounts[number]
        self._user, self._dexes = account.address, tuple(sorted({one.dex for one in self.instruments}))
        leverage = [min(plan.coin(one.coin).leverage, one.max_leverage) for one in self.instruments]
        self.gateway = SessionGateway(self.instruments, leverage, plan.limits(1), account.agent.address)
        self.runs = [CoinRun(one, *fresh_coin(one, len(self.instruments), plan)) for one in self.instruments]
        self._portfolio = PlainPortfolio(plan, self.instruments)
        self._every_ns = round(plan.portfolio.every_s * NS_PER_S)
        symbols = {one.index: symbol_of(one.coin) for one in self.instruments}
        self._references = {each.name: ReferenceBook(each, i) for i, each in symbols.items() if each is not None}
        self._parser = MarketParser(self.instruments)
        self._rows, self._timer = np.zeros(MAX_EVENTS, EVENT), np.zeros(1, EVENT)
        self._timer["kind"] = EventKind.TIMER
        self._now = Timeline()
        latency, seed, more = settings.latency, settings.seed, settings.latency_ms
        self._market_line, self._user_line = (Line(seed, name, latency.feed) for name in ("market", "user"))
        self._entries = [Line(seed, f"entry {c}", latency.of_class(c), more) for c in range(3)]
        self._replies = Line(seed, "reply", latency.reply, more)
        self._waiting: list[Sent] = []
        self._cuts = 0
        self._truth: AccountTruth | None = None
        self._engine_s = 0.0

    # -- playing -------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> SessionResult:
        """Play so many venue seconds (infinite: all there is), or until the tape is over."""
        began_s = told_s = time.perf_counter()
        self._begin()
        block_ns, now_ns = self.venue.settings.block_ms * NS_PER_MS, START_NS
        end_ns = START_NS + round(seconds * NS_PER_S) if math.isfinite(seconds) else math.inf
        whole = f" of {seconds:.0f}" if math.isfinite(seconds) else ""
        while now_ns < end_ns and not self.venue.flow.over:
            now_ns += block_ns
            for item in self._now.until(now_ns):
                self.gateway.now_ns = item.due_ns
                self._arrive(item.kind, item.what)
            self.gateway.now_ns = now_ns
            self._block(now_ns)
            wall_s = time.perf_counter()
            if wall_s - told_s >= SLOW_S:
                told_s = wall_s
                played_s = (now_ns - START_NS) / NS_PER_S
                self._say(f"{self._title}: {played_s:.0f}{whole} s, {played_s / (wall_s - began_s):.0f}x")
        return self._result((now_ns - START_NS) / NS_PER_S, time.perf_counter() - began_s)

    def _begin(self) -> None:
        self.gateway.now_ns, start_ms = START_NS, self.venue.start_ms
        for topic, raw in self.venue.listen(tuple(one.coin for one in self.instruments), self._user):
            self._send_frame(START_NS, topic, raw)
        self.gateway.begin(start_ms)
        self._read()
        self.gateway.grant()
        for one in self.instruments:
            self._tell_row(one.index, sync_row(one.index, EPOCH, RUN))
        rows = self.gateway.told()
        rows["bits"][-1] = LAST
        self._tell(rows)
        for one in self.instruments:
            self._tell_row(one.index, mode_row(one.index, CoinMode.TRADE))
        self._now.add(START_NS, "account", None)
        self._now.add(START_NS, "allocation", None)
        self._now.add(START_NS + TIMER_AT_NS, "timer", None)

    def _block(self, now_ns: int) -> None:
        """One block, and everything it says on its way."""
        waiting, self._waiting = self._waiting, []
        replies, frames = self.venue.step([sent.signed for sent in waiting])
        answers = list(zip(waiting, replies, strict=True))
        if self.venue.replies_first():
            self._answer(now_ns, answers)
            answers = []
        if self.venue.cuts != self._cuts:
            self._cuts = self.venue.cuts
            self._cut(now_ns)
        for topic, raw in frames:
            self._send_frame(now_ns, topic, raw)
        for raw in self.venue.leading_frames():
            self._now.add(now_ns, "leading", raw)
        self._answer(now_ns, answers)

    def _answer(self, now_ns: int, answers: list[tuple[Sent, Any]]) -> None:
        for sent, reply in answers:
            self._now.add(self._replies.arrival_ns(now_ns, in_order=False), "reply", (sent, reply))

    def _send_frame(self, now_ns: int, topic: Topic, raw: bytes) -> None:
        user = topic.kind in USER_CHANNELS
        line = self._user_line if user else self._market_line
        self._now.add(line.arrival_ns(now_ns), "user" if user else "market", raw)

    def _cut(self, now_ns: int) -> None:
        """Every connection is lost and made again: coins hear that their feed was down; rows missed come at once."""
        self._portfolio.forget()
        for book in self._references.values():
            book.forget()
        for status in (0, 1):
            row = np.zeros(1, EVENT)
            row["kind"], row["status"] = EventKind.FEED, status
            self._now.add(now_ns, "feed", row)

    # -- arriving ------------------------------------------------------------------------------------------------

    def _arrive(self, kind: str, what: Any) -> None:
        now_ns = self.gateway.now_ns
        match kind:
            case "market":
                self._hear_market(what)
            case "timer":
                self._tick(now_ns)
            case "user":
                self.gateway.user_frame(what)
            case "reply":
                self.gateway.answered(*what)
            case "entry":
                self._waiting.append(what)
            case "leading":
                self._hear_leading(what)
            case "feed":
                for one in self.instruments:
                    self._tell_row(one.index, what)
            case "account":
                self._account(now_ns)
            case "allocation":
                self._allocate(now_ns)
        self._settle()

    def _settle(self) -> None:
        """Tell coins what the gateway knows, and send what leaves, until nothing more comes of it."""
        while len(rows := self.gateway.told()):
            self._tell(rows)
        for sent in self.gateway.due():
            line = self._entries[0 if sent.lane is Lane.CREATE else block_class(sent.signed.action)]
            self._now.add(line.arrival_ns(self.gateway.now_ns, in_order=False), "entry", sent)

    def _hear_market(self, raw: bytes) -> None:
        rows = self._rows
        count = self._parser.parse(raw, self.gateway.now_ns, rows)
        for at in range(count):
            self._hear_one(int(rows["coin"][at]), rows, at, int(rows["kind"][at]))
        if count and rows["kind"][0] == EventKind.BBO:
            self._portfolio.observe(rows[0])
            self._lead(rows[:1])

    def _lead(self, row: Any) -> None:
        """A leader's best prices, to those who may follow it."""
        leader = int(row["coin"][0])
        if leader in self._portfolio.leaders:
            for run in self.runs:
                told = row.copy()
                if run.instrument.index != leader and as_leaders(told, 1, run.instrument.index):
                    self._hear_one(run.instrument.index, told, 0, EventKind.LEADER)

    def _hear_leading(self, raw: bytes) -> None:
        said = parse(raw)
        book = None if said is None else self._references.get(said.s)
        row = None if said is None or book is None else book.hear(said, self.gateway.now_ns)
        if row is not None:
            self._hear_one(int(row["coin"][0]), row, 0, int(row["kind"][0]))

    def _hear_one(self, coin: int, rows: Any, at: int, kind: int) -> None:
        commands = self.runs[coin].hear(rows, at, kind)
        if len(commands):
            self.gateway.commands(coin, commands)

    def _tell(self, rows: Any) -> None:
        """Account events: ORDER to their own coin, the others to all."""
        for at in range(len(rows)):
            kind = int(rows["kind"][at])
            own = kind == EventKind.ORDER
            for coin in (int(rows["coin"][at]),) if own else range(len(self.runs)):
                self._hear_one(coin, rows, at, kind)

    def _tell_row(self, coin: int, row: Any) -> None:
        row["recv_ns"] = self.gateway.now_ns
        self._hear_one(coin, row, 0, int(row["kind"][0]))

    def _tick(self, now_ns: int) -> None:
        self._timer["recv_ns"] = now_ns
        for coin in range(len(self.runs)):
            self._hear_one(coin, self._timer, 0, EventKind.TIMER)
        self._now.add(now_ns + TIMER_NS, "timer", None)

    # -- what stands in for others -------------------------------------------------------------------------------

    def _read(self) -> None:
        """The account, by the same replies and the same reading as in a run."""
        venue, user = self.venue, self._user
        perps = {dex: venue.read("clearinghouseState", user=user, dex=dex) for dex in dict.fromkeys(("", *self._dexes))}
        budget = venue.read("userRateLimit", user=user)
        replies = Replies(
            venue.read("userAbstraction", user=user),
            perps,
            venue.read("spotClearinghouseState", user=user),
            venue.read("userFees", user=user),
            budget,
            self._dexes,
        )
        self._truth = account_truth(user, replies)
        marks = [one.px(self.venue.state.by_coin[one.coin].mark_ticks) for one in self.instruments]
        self.gateway.read(self._truth, budget, marks)

    def _account(self, now_ns: int) -> None:
        self._read()
        self.gateway.grant()
        truth = self._truth
        assert truth is not None
        for one in self.instruments:
            maker, taker = fees_on(truth.maker_fee_bps, truth.taker_fee_bps, one)
            self._tell_row(one.index, account_row(truth.equity_usd, truth.free_usd, maker, taker, truth.mode))
            self._tell_row(one.index, permit_row(one.index, RiskState.GREEN, TTL_NS, EPOCH))
        self.gateway.desk.enforce(now_ns)
        self._now.add(now_ns + ACCOUNT_NS, "account", None)

    def _allocate(self, now_ns: int) -> None:
        self._portfolio.allocate(now_ns)
        for one in self.instruments:
            rows = self._portfolio.rows(one, now_ns)
            for at in range(len(rows)):
                self._tell_row(one.index, rows[at : at + 1])
        self._now.add(now_ns + self._every_ns, "allocation", None)

    def _result(self, played_s: float, wall_s: float) -> SessionResult:
        flow = self.venue.flow
        return SessionResult(
            title=self._title,
            played_s=played_s,
            wall_s=wall_s,
            coins=tuple(CoinResult.of(run) for run in self.runs),
            truth=flow.truth() if isinstance(flow, SyntheticFlow) else None,
            refused=self.gateway.refused(),
            happened_not=tuple(self.venue.refused),
        )
