"""A real gateway on a real venue core in one process and in virtual time, with everything between them hostile.

A world lives through many schedules: a storm of a second or three, then a calm in which everything must come to rest.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from portfolio_mm.actors.gateway import parts as gateway_parts
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.actors.gateway.own_order import Key
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.limits import CoinLimit, LimitSet, RiskState
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import BUY, SIDES, SIGN
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import instruments_of
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.protocol.actions import BatchModify, Order
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.venue import Venue
from tests.lifecycle.market import ThinFlow, Tormentor
from tests.lifecycle.net import CALM, STORM, Net, NetExchange, NetInfo, NetSocket
from tests.lifecycle.peers import TERMINAL, TOKEN, LadderCoin, Risk
from tests.lifecycle.virtual import EPOCH_S, Clock, VirtualLoop, virtual_time
from tests.venue.still_flow import MID

COINS: Final = ("SOL", "ETH")
LIMIT_USD: Final = 120.0
BLOCK_S: Final = 0.1
CALM_S: Final = 45.0
PARDON_S: Final = 8.0
"""What breaks a limit from outside must be cancelled by then, through a lost answer and a new connection."""
BIG: Final = 10**9


class World:
    """One life of everything."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.chance, self.seen = random.Random(seed), Counter[str]()
        self.clock = Clock()
        self.flow = ThinFlow()
        settings = VenueSettings(
            coins=COINS, accounts=1, ip_limit=False, requests_base=10**8, read_lag_ms=self.chance.choice((0, 250, 700))
        )
        self.venue = Venue(settings, self.flow)
        self.user = next(iter(self.venue.state.users.values()))
        account = self.venue.accounts[0]
        self.net = Net(self.venue, account.agent.address, self.chance, self.seen)
        meta = reads.answer(self.venue.state, {"type": "meta"})
        self.coins = instruments_of(meta, COINS)
        self.tormentor = Tormentor(self.venue, self.flow, self.coins, self.chance, self.seen)
        limits = LimitSet(
            version=2,
            coins=tuple(CoinLimit(coin, LIMIT_USD, 40.0) for coin in COINS),
            max_gross_usd=1.7 * LIMIT_USD,
            max_net_usd=1.7 * LIMIT_USD,
            max_margin_fraction=0.9,
            max_loss_usd=BIG,
            max_drawdown_fraction=1.0,
            min_drawdown_usd=BIG,
            max_open_orders=60,
        )
        self.risk = Risk(limits, self.chance)
        self.ladders = [LadderCoin(one, len(COINS), MID[one.coin], LIMIT_USD, self.chance) for one in self.coins]
        (folder / "token").write_text(TOKEN)
        key = folder / "agent.key"
        key.touch(0o600)
        key.write_text(account.agent.key)
        self.gateway = Gateway(
            GatewayConfig(
                account=account.address,
                key_path=str(key),
                url="http://127.0.0.1:1",
                ws_url="ws://127.0.0.1:1",
                mainnet=False,
                instruments=self.coins,
                leverage=(5,) * len(COINS),
                hub=f"unix:{folder}/hub.sock",
                token_file=str(folder / "token"),
                state_db=str(folder / "state.db"),
                lock_file=str(folder / "lock"),
                journals=str(folder / "journals"),
                permit_ttl_s=3.0,
            )
        )
        self.problems: list[str] = []
        self.storming = False
        self._tasks: list[asyncio.Task[Any]] = []
        self._cut_until_s = self._pardon_s = 0.0

    @property
    def parts(self) -> Parts:
        rhythm = self.gateway._rhythm
        assert rhythm is not None
        return rhythm._parts

    # -- life ----------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Blocks run, the gateway lives, its peers have joined."""
        self.net.check, self.net.on_create = self.check_limits, self.check_expiry
        self._start(self._blocks())
        self._start(self.gateway.run())
        while self.gateway._rhythm is None:
            self._raise()
            await asyncio.sleep(0.05)
        self.parts.desk._now_ns = self.clock.ns
        hub = self.parts.hub
        for peer in (self.risk, *self.ladders):
            self._start(hub._serve(peer))  # type: ignore[arg-type]
        for ladder in self.ladders:
            self._start(self._walk(ladder))
        await asyncio.wait_for(self.gateway.ready(), 60.0)

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    def _raise(self) -> None:
        assert not self.problems, self.problems[0]
        for task in self._tasks:
            if task.done():
                task.result()

    async def end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _blocks(self) -> None:
        while True:
            await asyncio.sleep(BLOCK_S)
            if self.storming:
                self.tormentor.act()
                self._forced()
                self._line_fails()
            self.venue.step()
            await asyncio.sleep(0)
            self.check_limits("a block")

    def _forced(self) -> None:
        """Rarely the position moves without an order of the bot: what stands then breaks limits until it is shed."""
        dice, torment = self.chance.random(), self.tormentor
        if (
            (dice < 0.004 and torment.force(adl=False))
            or (0.004 < dice < 0.008 and torment.force(adl=True))
            or (0.008 < dice < 0.012 and torment.by_hand("Gtc"))
            or (0.012 < dice < 0.016 and torment.by_hand("Ioc"))
        ):
            self._pardon_s = time.monotonic() + PARDON_S

    def _line_fails(self) -> None:
        socket = self.net.socket
        assert socket is not None
        if socket.connected and self.chance.random() < 0.04:
            socket.cut()
            self.seen["connection cut"] += 1
            self._cut_until_s = time.monotonic() + self.chance.choice((0.05, 0.4, 1.5))
        elif not socket.connected and time.monotonic() > self._cut_until_s:
            socket.connect()

    async def _walk(self, ladder: LadderCoin) -> None:
        blank = gateway_parts.note_rows([], self.coins)
        rows = type(blank)((1,), blank.dtype)
        rows.fill(0)
        rows["kind"] = 1
        beat = 0
        while True:
            await asyncio.sleep(0.05)
            beat += 1
            if beat % 10 == 1:
                ladder.report(self.venue.state.now_ms)
            if self.storming and self.chance.random() < 0.4:
                ladder.move()
            ladder.decide(rows)

    # -- schedules -----------------------------------------------------------------------------------------------

    async def schedule(self) -> None:
        """One storm and the calm after it."""
        self.storming, self.net.weather = True, STORM
        for ladder in self.ladders:
            ladder.quiet = False
        self.risk.silent = self.chance.random() < 0.05
        self.risk.state = RiskState.REDUCE_ONLY if self.chance.random() < 0.05 else RiskState.GREEN
        await asyncio.sleep(self.chance.uniform(0.8, 3.0) + 3.0 * self.risk.silent)
        self._raise()
        self.storming, self.net.weather = False, CALM
        self.risk.silent, self.risk.state = False, RiskState.GREEN
        self.flow.raze()
        socket = self.net.socket
        assert socket is not None
        if not socket.connected:
            socket.connect()
        for ladder in self.ladders:
            ladder.want_all()
        await self._rest()
        self.check_books()
        self.seen["schedules"] += 1

    async def _rest(self) -> None:
        end_s, still = time.monotonic() + CALM_S, 0
        while still < 3:
            await asyncio.sleep(0.2)
            self._raise()
            unrest = self.unrest()
            still = 0 if unrest else still + 1
            if time.monotonic() > end_s:
                self.fail(f"no rest after {CALM_S:.0f} s: {unrest}")

    def unrest(self) -> str:
        """What is not yet as it must be at rest; empty when all is."""
        ledger, gone = self.parts.ledger, self.net.flights
        if gone:
            return f"{len(gone)} actions on their way"
        mine = {order.oid: order for order in self.user.open.values()}
        carried = {order.oid: order for order in ledger.orders()}
        if set(mine) != set(carried):
            return f"venue {sorted(mine)} ledger {[(o.oid, o.state.name, o.ended_lots) for o in ledger.orders()]}"
        for oid, order in carried.items():
            if order.remaining_lots != mine[oid].sz_lots or order.over:
                return f"lots of {oid}: ledger {order.remaining_lots} venue {mine[oid].sz_lots}"
        for ladder in self.ladders:
            legs = ladder.legs()
            keys = {order.key: order.remaining_lots for order in ledger.orders(ladder.instrument.index)}
            if {key: lots for key, (_, lots) in legs.items()} != keys or not ladder.settled():
                return f"{ladder.instrument.coin} slots {legs} ledger {keys}"
            if len(legs) != ladder.wanted() and not self._full(ladder):
                return f"{ladder.instrument.coin} has {len(legs)} orders and wants {ladder.wanted()}"
            held = self.held(ladder.instrument)
            told = int(ladder.state[0].account.lots[ladder.instrument.index])
            if not held == ledger.positions[ladder.instrument.index].szi_lots == told:
                return f"position venue {held} ledger {ledger.positions[ladder.instrument.index].szi_lots} coin {told}"
        state = reads.answer(self.venue.state, {"type": "clearinghouseState", "user": self.user.address})
        equity, ours = float(state["marginSummary"]["accountValue"]), self.parts.money.equity_usd
        return "" if abs(equity - ours) < 1e-5 else f"equity at the venue {equity}, ours {ours}"

    def _full(self, ladder: LadderCoin) -> bool:
        """Whether a missing level is one that would not fit the limit."""
        exposure = self.parts.ledger.exposure(ladder.instrument.index)
        usd = ladder.instrument.sz(1) * ladder.mid_px
        gross = sum(self.parts.ledger.exposure(one.index).worst_gross * one.sz(1) * MID[one.coin] for one in self.coins)
        return exposure.worst_gross * usd + 13.0 > 0.98 * LIMIT_USD or gross + 13.0 > 0.98 * 1.7 * LIMIT_USD

    # -- what must always hold -----------------------------------------------------------------------------------

    def check_limits(self, when: str) -> None:
        """The true worst case, from the venue's own state and what may still land there."""
        gross_usd = 0.0
        if time.monotonic() < self._pardon_s:
            return
        for coin in self.coins:
            worst = [self.true_worst(coin, side) for side in SIDES]
            usd = coin.sz(1) * MID[coin.coin]
            gross_usd += max(0, *worst) * usd
            if max(worst) * usd > LIMIT_USD:
                self.fail(f"{when}: {coin.coin} worst {worst} lots is {max(worst) * usd:.1f} USD, limit {LIMIT_USD}")
        if gross_usd > 1.7 * LIMIT_USD:
            self.fail(f"{when}: worst gross {gross_usd:.1f} USD")

    def check_expiry(self, expires_ms: int) -> None:
        """The venue itself must refuse whatever comes after the permit has ended."""
        granted_ms = EPOCH_S * 1e3 + self.risk.granted_until_ns / 1e6
        if expires_ms > granted_ms + 1:
            self.fail(f"an order may land until {expires_ms}, the permit ends at {granted_ms:.0f}")

    def held(self, coin: Instrument) -> int:
        """Position at the venue, lots."""
        return self.user.szi(self.venue.state.by_coin[coin.coin].coin.index)

    def true_worst(self, coin: Instrument, side: int) -> int:
        """Signed position towards `side` if all that rests there or may still land fills, lots."""
        state, asset = self.venue.state, coin.asset
        lots = SIGN[side] * self.held(coin)
        for order in self.user.open.values():
            if order.instrument.coin == coin.coin and order.side == side and not order.reduce_only:
                lots += order.sz_lots
        used = state.nonces.get(self.net.signer)
        for flight in self.net.flights:
            signed = flight.signed
            if signed.expires_after is not None and signed.expires_after < state.now_ms:
                continue
            if used is not None and signed.nonce in used._kept:
                continue
            wires: list[Any] = []
            if isinstance(signed.action, Order):
                wires = list(signed.action.orders)
            elif isinstance(signed.action, BatchModify):
                wires = [leg.order for leg in signed.action.modifies if leg.oid in self.user.open]
            lots += sum(coin.lots(w.s) for w in wires if w.a == asset and w.b == (side == BUY) and not w.r)
        return lots

    def check_books(self) -> None:
        """At rest: fills, money, words and nonces."""
        numbers = {one.coin: one.index for one in self.coins}
        fills = Counter((row["time"], numbers[row["coin"]], row["tid"]) for row in self.user.fills)
        for ladder in self.ladders:
            if ladder.fills != fills:
                missed, more = fills - ladder.fills, ladder.fills - fills
                self.fail(f"{ladder.instrument.coin} missed fills {missed} and heard others or twice {more}")
            for key in ladder.made:
                self._check_words(ladder, key)
        twice = [nonce for nonce, count in self.net.nonces.items() if count > 1]
        if twice:
            self.fail(f"nonces used twice: {twice}")
        self._raise()

    def _check_words(self, ladder: LadderCoin, key: Key) -> None:
        words = [word for word in ladder.words[key] if word in TERMINAL]
        replaced = any(OrderEvent.REPLACED in ladder.words[heir] for heir in ladder.heirs[key])
        lives = key in ladder.legs()
        again = ladder.asked_to_end[key]  # a command to end what is gone is answered once more
        if len(words) > 1 + again or (lives and words) or not (lives or words or replaced):
            self.fail(f"{ladder.instrument.coin} {hex(key[1])}: words {ladder.words[key]}, lives {lives}")

    def sum_up(self) -> None:
        """How what was once unknown ended."""
        for ladder in self.ladders:
            for words in ladder.words.values():
                if OrderEvent.UNCERTAIN in words:
                    later = words[words.index(OrderEvent.UNCERTAIN) :]
                    never = OrderEvent.REFUSED in later or OrderEvent.MODIFY_FAILED in later
                    self.seen["lost place never landed"] += never
                    self.seen["unknown place rests"] += OrderEvent.ACCEPTED in later or OrderEvent.REPLACED in later

    def fail(self, what: str) -> None:
        here = [(o.instrument.coin, "BA"[o.side], o.sz_lots, o.cloid) for o in self.user.open.values()]
        known = [
            (o.coin, "BA"[o.side], o.remaining_lots, hex(o.key[1])[-3:], o.state.name)
            for o in self.parts.ledger.orders()
        ]
        away = [(one.signed.nonce, one.signed.action) for one in self.net.flights]
        text = f"world {self.seed} at {time.monotonic():.3f} s: {what}"
        self.problems.append(f"{text}; venue {here}; ledger {known}; on the way {away}")


@contextmanager
def played(net: Net) -> Iterator[None]:
    """Let the gateway's parts be built on the played wire."""
    patch = pytest.MonkeyPatch()

    def info(url: str, session: Any, budget: Any) -> NetInfo:
        made = NetInfo(url, session, IpBudget(BIG))
        made.net = net
        return made

    def exchange(_ws: Any, session: Any, signer: Any, url: str, **more: Any) -> NetExchange:
        made = NetExchange(_ws, session, signer, url, **more)
        made.net = net
        return made

    patch.setattr(gateway_parts, "InfoClient", info)
    patch.setattr(gateway_parts, "ExchangeClient", exchange)
    patch.setattr(gateway_parts, "VenueSocket", lambda _url, topics, **_: NetSocket(net, topics))
    try:
        yield
    finally:
        patch.undo()


def live_through(seed: int, schedules: int, folder: Path) -> World:
    """One world and its schedules, from begin to end."""
    clock = Clock()
    logging.disable(logging.CRITICAL)  # thousands of refusals, each of them meant
    with virtual_time(clock):
        world = World(seed, folder)
        world.clock = clock
        loop = VirtualLoop(clock)
        asyncio.set_event_loop(loop)

        async def all_of_it() -> None:
            await world.begin()
            try:
                for _ in range(schedules):
                    await world.schedule()
                world.sum_up()
            finally:
                await world.end()

        try:
            with played(world.net):
                loop.run_until_complete(all_of_it())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
            logging.disable(logging.NOTSET)
    return world
