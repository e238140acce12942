"""The rest of the market, and what the venue may do to our orders by itself."""

import asyncio
import random
from collections import Counter
from typing import Final

import msgspec

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY, SELL, SIDES
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.venue.clearinghouse import booking, clearing
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.protocol.actions import Action
from portfolio_mm.venue.protocol.reading import read_json
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.venue import Venue
from tests.venue.still_flow import MID, StillFlow

FAR: Final = 0.03
STEP: Final = {"SOL": 100, "ETH": 10}
"""Ticks between the levels of a ladder: the finest price five figures allow."""
ENGINE: Final = (
    "marginCanceled",
    "openInterestCapCanceled",
    "reduceOnlyCanceled",
    "liquidatedCanceled",
    "delistedCanceled",
    "vaultWithdrawalCanceled",
)


class ThinFlow(StillFlow):
    """Books that are empty for three percent around the mid: who trades here trades with us."""

    def __init__(self) -> None:
        super().__init__()
        self._walls: list[tuple[Instrument, int]] = []
        for coin in self.instruments():
            self._books[coin.coin] = OrderBook()
            for side, sign in ((BUY, -1), (SELL, 1)):
                self.rest(coin, side, round(coin.ticks(MID[coin.coin]) * (1 + sign * FAR)), coin.lots(500.0))

    def wall(self, coin: Instrument, side: int, px_ticks: int, lots: int) -> None:
        """Somebody rests where we may want to; taken away by `raze`."""
        oid = -next(self._oids)
        self._books[coin.coin].place(NewOrder(oid, 0, side, px_ticks, lots, Tif.ALO))
        self._walls.append((coin, oid))

    def raze(self) -> None:
        for coin, oid in self._walls:
            self._books[coin.coin].cancel(oid)
        self._walls.clear()

    def best(self, coin: str, side: int) -> tuple[int, int]:
        """Price and lots of one side's best level."""
        bbo = self._books[coin].bbo()
        level = bbo.bid if side == BUY else bbo.ask
        assert level is not None
        return level.px_ticks, level.sz_lots


class Tormentor:
    """One thing at a time that a maker must survive."""

    def __init__(
        self, venue: Venue, flow: ThinFlow, coins: tuple[Instrument, ...], chance: random.Random, seen: Counter[str]
    ) -> None:
        self.venue, self.flow, self.coins, self.chance, self.seen = venue, flow, coins, chance, seen
        self.account = next(iter(venue.state.users.values()))
        self._serial = 0

    def ours(self) -> list[OwnOrder]:
        return list(self.account.open.values())

    def act(self) -> None:
        """Before a block."""
        dice = self.chance.random()
        if dice < 0.30:
            self.trade()
        elif dice < 0.40:
            self.wall()
        elif dice < 0.44:
            self.flow.raze()
        elif dice < 0.47:
            self.engine_cancel()
        elif dice < 0.50:
            self.self_trade()
        elif dice < 0.503:
            self.account.switch.at_ms = self.venue.state.now_ms
            self.seen["dead man's switch"] += 1

    def trade(self) -> None:
        """Somebody takes one of our orders, in part, whole, or several of them."""
        ours = self.ours()
        if ours:
            order = self.chance.choice(ours)
            lots = self.chance.choice((1, max(1, order.sz_lots // 2), order.sz_lots, 3 * order.sz_lots))
            self.flow.hit(order.instrument, 1 - order.side, order.px_ticks, lots)
            self.seen["trade"] += 1

    def wall(self) -> None:
        """Somebody rests across our next price: a post-only order will be refused there."""
        coin, side = self.chance.choice(self.coins), self.chance.choice(SIDES)
        px = coin.ticks(MID[coin.coin]) + self.chance.randint(-4, 4) * STEP[coin.coin]
        if (px - self.flow.best(coin.coin, 1 - side)[0]) * (1 if side == SELL else -1) > 0:
            self.flow.wall(coin, side, px, coin.lots(50.0 / MID[coin.coin]))
            self.seen["wall"] += 1

    def engine_cancel(self) -> None:
        """The engine cancels one of our orders, for one of its reasons."""
        ours = self.ours()
        if not ours:
            return
        oid, status = self.chance.choice(ours).oid, self.chance.choice(ENGINE)

        def cancel(state: VenueState) -> None:
            order = self.account.open.get(oid)
            if order is not None:
                clearing.remove(state, order, status, by_engine=True)

        self.venue.state.happenings.append(cancel)
        self.seen[status] += 1

    def self_trade(self) -> None:
        """A taker of the same account meets our best orders: the venue cancels these instead (HL §7.3)."""
        ours = self.ours()
        if not ours:
            return
        order = self.chance.choice(ours)
        coin, side = order.instrument, order.side
        px, lots = self.flow.best(coin.coin, side)
        if sum(one.sz_lots for one in ours if (one.instrument, one.side, one.px_ticks) == (coin, side, px)) == lots:
            self.take(coin, 1 - side, px, lots)
            self.seen["self trade"] += 1

    def take(self, coin: Instrument, side: int, px_ticks: int, lots: int, tif: str = "Ioc") -> None:
        """An order of the account's other key, in the next block: a person who trades beside us."""
        leg = {
            "a": coin.asset,
            "b": side == BUY,
            "p": coin.px_text(px_ticks),
            "s": coin.sz_text(lots),
            "r": False,
            "t": {"limit": {"tif": tif}},
        }
        action: Action = read_json(msgspec.json.encode({"type": "order", "orders": [leg], "grouping": "na"}), Action)
        self._serial += 1
        state = self.venue.state
        signed = SignedAction(action, self.venue.accounts[0].watchdog.address, state.now_ms + self._serial, None, None)
        self.venue._queue.append((signed, asyncio.get_running_loop().create_future()))

    # -- what moves the position without an order of ours: limits may be broken until the gateway has shed -------------

    def by_hand(self, tif: str) -> bool:
        """A person takes the only lot there is, and asked for three."""
        coin, side = self.chance.choice(self.coins), self.chance.choice(SIDES)
        px, _ = self.flow.best(coin.coin, 1 - side)
        px -= (1 if side == BUY else -1) * STEP[coin.coin] * 40
        if (px - self.flow.best(coin.coin, side)[0]) * (1 if side == BUY else -1) <= 0:
            return False
        unit = coin.lots(16.0 / MID[coin.coin])
        self.flow.wall(coin, 1 - side, px, unit)
        self.take(coin, side, px, 3 * unit, tif)
        return True

    def force(self, *, adl: bool) -> bool:
        """The venue takes a part of a position away."""
        held = [(coin, self.account.szi(coin.index)) for coin in self.venue.state.coins if self.account.szi(coin.index)]
        if not held:
            return False
        coin, szi = self.chance.choice(held)

        def close(state: VenueState) -> None:
            now = self.account.szi(coin.index)
            if now * szi <= 0:
                return
            lots, px = -max(1, abs(now) // 2) * (1 if now > 0 else -1), state.books[coin.index].mark_ticks
            told = None if adl else clearing.liquidation_of(state, self.account, coin, "market")
            if not adl:
                for order in self.account.live():
                    clearing.remove(state, order, "liquidatedCanceled", by_engine=True)
            shown = "Auto-Deleveraging" if adl else None
            trade = booking.Trade(
                lots, px, state.new_tid(), state.new_oid(), not adl, dir_shown=shown, off_book=adl, liquidation=told
            )
            booking.book(state, self.account, coin, trade)

        self.venue.state.happenings.append(close)
        return True
