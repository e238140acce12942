"""What must hold in a world: always, at rest, and at its end. The venue's own state is the judge."""

import time
from collections import Counter
from typing import Any, Final

from portfolio_mm.actors.gateway.own_order import Key
from portfolio_mm.actors.gateway.parts import Parts
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.units import BUY, SIDES, SIGN
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.protocol.actions import BatchModify, Order
from portfolio_mm.venue.venue import Venue
from tests.lifecycle.net import Net
from tests.lifecycle.peers import TERMINAL, LadderCoin, Risk
from tests.lifecycle.virtual import EPOCH_S
from tests.venue.still_flow import MID

LIMIT_USD: Final = 120.0
GROSS_USD: Final = 1.7 * LIMIT_USD


class Judged:
    """A world that judges itself."""

    seed: int
    venue: Venue
    user: User
    net: Net
    risk: Risk
    coins: tuple[Instrument, ...]
    ladders: list[LadderCoin]
    seen: Counter[str]
    problems: list[str]
    pardon_s: float

    @property
    def parts(self) -> Parts:
        """The gateway's parts."""
        raise NotImplementedError

    def raise_problem(self) -> None:
        """The first thing that was wrong, if anything was."""
        assert not self.problems, self.problems[0]

    # -- at rest -------------------------------------------------------------------------------------------------

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
        return self._unrest_of_coins() or self._unrest_of_money()

    def _unrest_of_coins(self) -> str:
        ledger = self.parts.ledger
        for ladder in self.ladders:
            legs = ladder.legs()
            keys = {order.key: order.remaining_lots for order in ledger.orders(ladder.instrument.index)}
            if {key: lots for key, (_, lots) in legs.items()} != keys or not ladder.settled():
                return f"{ladder.instrument.coin} slots {legs} ledger {keys}"
            if len(legs) != ladder.wanted() and not self._full(ladder):
                return f"{ladder.instrument.coin} has {len(legs)} orders and wants {ladder.wanted()}"
        return ""

    def _unrest_of_money(self) -> str:
        for ladder in self.ladders:
            index = ladder.instrument.index
            held, known = self.held(ladder.instrument), self.parts.ledger.positions[index].szi_lots
            told = int(ladder.state[0].account.lots[index])
            if not held == known == told:
                return f"position venue {held} ledger {known} coin {told}"
        state = reads.answer(self.venue.state, {"type": "clearinghouseState", "user": self.user.address})
        equity, ours = float(state["marginSummary"]["accountValue"]), self.parts.money.equity_usd
        return "" if abs(equity - ours) < 1e-5 else f"equity at the venue {equity}, ours {ours}"

    def _full(self, ladder: LadderCoin) -> bool:
        """Whether a missing level is one that would not fit the limit."""
        exposure = self.parts.ledger.exposure(ladder.instrument.index)
        usd = ladder.instrument.sz(1) * ladder.mid_px
        gross = sum(self.parts.ledger.exposure(one.index).worst_gross * one.sz(1) * MID[one.coin] for one in self.coins)
        return exposure.worst_gross * usd + 13.0 > 0.98 * LIMIT_USD or gross + 13.0 > 0.98 * GROSS_USD

    # -- what must always hold -----------------------------------------------------------------------------------

    def check_limits(self, when: str) -> None:
        """The true worst case, from the venue's own state and what may still land there."""
        gross_usd = 0.0
        if time.monotonic() < self.pardon_s:
            return
        for coin in self.coins:
            worst = [self.true_worst(coin, side) for side in SIDES]
            if self.pardon_s:  # what was forced on us stays until it is traded away, but nothing may add to it
                worst = [
                    lots if lots > SIGN[side] * self.held(coin) else 0 for side, lots in zip(SIDES, worst, strict=True)
                ]
            usd = coin.sz(1) * MID[coin.coin]
            gross_usd += max(0, *worst) * usd
            if max(worst) * usd > LIMIT_USD:
                self.fail(f"{when}: {coin.coin} worst {worst} lots is {max(worst) * usd:.1f} USD, limit {LIMIT_USD}")
        if gross_usd > GROSS_USD:
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
        self.raise_problem()

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
