"""Whatever is asked for in whatever order: no money appears or vanishes, and no book is crossed.

Every public trade is booked in a second ledger, to its buyer and its seller, who may be the background; so is every
fill without a public trade (the backstop, deleveraging: what no user took the background did), and what the ledger of
the liquidator vault says it got, and every move of money between two masters, their sub-accounts, a vault and a
stranger. Each user's own books must agree with that ledger to the last 1e-8 USD, and all
accounts together with the background hold what was deposited, less what the venue was paid. After no block is an
account, or an isolated position, worth less than nothing.
"""

import os
import random
from collections import Counter
from typing import Any, ClassVar, cast

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.price_grid import round_px, tick_step
from portfolio_mm.domain.units import BUY, SELL, SIGN
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.clearing import BACKGROUND_ADDRESS
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange.transfers import REQUEST_PRICE_1E8
from portfolio_mm.venue.exchange.vaults import CREATION_FEE_1E8
from portfolio_mm.venue.faults.events import Delist, Deposit, EventKind, Halt, ModeFlip, Sweep
from portfolio_mm.venue.faults.happenings import in_block
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.protocol.account_actions import (
    CreateSubAccount,
    CreateVault,
    SubAccountSpotTransfer,
    SubAccountTransfer,
    VaultTransfer,
)
from portfolio_mm.venue.protocol.actions import (
    Action,
    AgentSendAsset,
    BatchModify,
    Cancel,
    CancelByCloid,
    CancelLeg,
    CloidLeg,
    LimitKind,
    Modify,
    ModifyLeg,
    Order,
    OrderKind,
    OrderWire,
    ReserveRequestWeight,
    ScheduleCancel,
    SendAsset,
    TriggerKind,
    UpdateIsolatedMargin,
    UpdateLeverage,
    UserSetAbstraction,
    UserSignedAction,
)
from portfolio_mm.venue.protocol.amounts import parse_decimal
from portfolio_mm.venue.protocol.builders import Builder
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.protocol.twaps import TwapCancel, TwapOrder, TwapWire
from portfolio_mm.venue.tokens import BY_NAME
from tests.venue.bench_chain import ASSET, DEXES, Bench
from tests.venue.still_flow import BTC, ETH, GOLD, MID, SOL, TSLA, WLFI

HOUR_MS = 3_600_000
CLOIDS = ("0x" + "0" * 31 + "1", "0x" + "0" * 31 + "2")
COINS = st.sampled_from((BTC, ETH, WLFI, SOL, TSLA, GOLD))
ASSETS = st.sampled_from((*range(6), ASSET["xyz:TSLA"], ASSET["xyz:GOLD"]))
SIDES_OF_MONEY = st.sampled_from(("", "spot", "xyz", "flx"))
MASTERS = st.sampled_from((1, 2))
USERS = st.sampled_from((1, 2, 3, 4))
"""Two masters and a sub-account of each; 5 is a vault of the first."""
VAULT = 5
STRANGER = "0x" + "7" * 40
AMOUNTS = st.sampled_from(("1", "4000", "0.00000001", "99999999", "-1", "250.5"))
FEE_1E8 = 100_000_000
GROUPINGS = ("na", "normalTpsl", "positionTpsl")
SHARES = st.sampled_from((0.75, 0.98, 1.02, 1.3))


def some_order(seed: int) -> tuple[Any, ...]:
    """An order from a seed: what Hypothesis draws itself is too often the simplest thing, and then refused."""
    chance = random.Random(seed)
    return (
        chance.choice((BTC, BTC, BTC, ETH, WLFI, SOL, TSLA, GOLD)),
        chance.choice((BUY, SELL)),
        chance.randint(-6, 6),
        chance.choice((5, 30, 60, 400, 400, 2_000, 3_000, 90_000)),
        chance.choice(("Alo", "Gtc", "Gtc", "Ioc", "FrontendMarket")),
        chance.random() < 0.3,
        chance.choice((None, *CLOIDS)),
    )


ORDERS = st.integers(0, 2**32 - 1).map(some_order)


def exact(text: str) -> int:
    units = parse_decimal(text, 8)
    assert units is not None
    return units


def away(coin: Instrument, steps: int) -> int:
    """A valid price some steps from the middle of the still book, ticks."""
    middle = coin.ticks(MID[coin.coin])
    step: int = tick_step(middle, coin.px_decimals)
    return middle + steps * max(10 if coin is WLFI else 1, step)


class Traffic(RuleBasedStateMachine):
    """Two users, a vault, a background, and a second set of books."""

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(
            requests_base=10**9,
            day_actions=10**9,
            prior_volume_usd=6_000_000.0,
            deposit_tokens={"HYPE": 500.0},
            margin_modes={"WLFI": "noCross"},
            oracle_band_percent=1_000.0,
            dexes=DEXES,
        )
        self.moved: Counter[str] = Counter()
        self.cash: Counter[str] = Counter()
        self.lots: Counter[tuple[str, int]] = Counter()
        self.paid: Counter[str] = Counter()
        self.built: Counter[int] = Counter()
        for number in (1, 2):
            self.bench.state.users[number].builders[self.builder_of(number).address] = 100
        self.deposits = Counter({user.address: margin.equity_1e8(user, self.marks) for user in self.users})
        for number in (1, 2):
            assert self.run((number, CreateSubAccount("desk")))[0]["status"] == "ok"
            self.sub_transfer(number, "2000", back=False)
            self.move_money(number, "", "xyz", "1000")
        self.tokens = self.held_tokens()
        first = 1_000 * 10**8
        assert self.run((1, CreateVault("pool", "a pool of us", first // 100, 1)))[0]["status"] == "ok"
        self.book(1, self.bench.state.users[VAULT].address, first, fee=CREATION_FEE_1E8)

    def held_tokens(self) -> Counter[int]:
        total: Counter[int] = Counter()
        for user in self.users:
            total.update(user.tokens)
        return total

    def book(self, number: int, to: str, amount: int, *, fee: int = 0) -> None:
        """A move of money in the second books."""
        address = self.bench.state.users[number].address
        self.moved[address] -= amount
        self.moved[to] += amount
        self.paid[address] += fee

    @property
    def users(self) -> list[User]:
        return self.bench.state.holders()

    @property
    def marks(self) -> list[int]:
        return self.bench.state.marks

    def builder_of(self, number: int) -> User:
        """The other master."""
        return self.bench.state.users[2 if number % 2 else 1]

    def asset(self, coin: Instrument) -> int:
        return next(row.asset for row in self.bench.state.coins if row.coin == coin.coin)

    def wire(self, drawn: Any) -> OrderWire:
        coin, side, steps, usd, tif, reduce_only, cloid = drawn
        asset = self.asset(coin)
        px, lots = away(coin, steps), max(1, coin.lots(usd / MID[coin.coin]))
        kind = OrderKind(LimitKind(tif))
        return OrderWire(asset, side == BUY, coin.px_text(px), coin.sz_text(lots), reduce_only, kind, cloid)

    def sign(self, user: User, action: Action) -> SignedAction:
        """As the user, or as the master of a sub-account."""
        if user.master is None:
            return self.bench.signed(action, user)
        inside = isinstance(action, AgentSendAsset | SendAsset | UserSignedAction)
        return self.bench.signed(action, user.master, **({} if inside else {"vault_address": user.address}))

    def run(self, *actions: tuple[int, Action], after_ms: int = 100) -> list[dict[str, Any]]:
        """Run one block and keep the second books."""
        state = self.bench.state
        signed = [self.sign(state.users[number], action) for number, action in actions]
        return self.keep_books(self.bench.block(*signed, after_ms=after_ms))

    def keep_books(self, replies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        state = self.bench.state
        for coin in state.coins:
            for row in state.outbox.trades[coin.coin]:
                lots = coin.lots(row["sz"])
                for address, sign in zip(row["users"], (1, -1), strict=True):
                    self.lots[address, coin.index] += sign * lots
                    self.cash[address] -= sign * lots * coin.ticks(row["px"]) * 100
        self.book_what_nobody_saw()
        for user in self.users:
            fills = state.outbox.fills[user.number]
            self.paid[user.address] += sum(exact(row["fee"]) for row in fills)
            self.built[self.builder_of(user.number).number] += sum(exact(row.get("builderFee", "0")) for row in fills)
            self.paid[user.address] -= sum(exact(row["usdc"]) for row in state.outbox.fundings[user.number])
        return replies

    def book_what_nobody_saw(self) -> None:
        state = self.bench.state
        public = {row["tid"] for rows in state.outbox.trades.values() for row in rows}
        for user in self.users:
            for row in state.outbox.fills[user.number]:
                if "liquidation" in row:
                    self.seen[row["dir"].rpartition(" ")[0] or row["dir"]] += 1
                if row["tid"] not in public:
                    coin = state.by_coin[row["coin"]].coin
                    lots = coin.lots(row["sz"]) * (1 if row["side"] == "B" else -1)
                    for address, sign in ((user.address, 1), (BACKGROUND_ADDRESS, -1)):
                        self.lots[address, coin.index] += sign * lots
                        self.cash[address] -= sign * lots * coin.ticks(row["px"]) * 100
        for row in state.outbox.ledger[state.liquidator.number]:
            got = exact(row["delta"]["accountValue"])
            self.cash[state.liquidator.address] += got
            self.cash[row["delta"]["user"]] -= got
            self.seen["vault paid" if got < 0 else "vault got"] += 1

    @rule(number=USERS, drawn=st.lists(ORDERS, min_size=1, max_size=4), tenths=st.sampled_from((None, 0, 7, 100)))
    def place(self, number: int, drawn: list[Any], tenths: int | None) -> None:
        builder = None if tenths is None else Builder(self.builder_of(number).address, tenths)
        assert self.run((number, Order(tuple(map(self.wire, drawn)), "na", builder)))[0]["status"] == "ok"

    @rule(number=USERS, coin=COINS, usd=st.sampled_from((200, 3_000)), buys=st.booleans(), cancels=st.booleans())
    def trade_over_time(self, number: int, coin: Instrument, usd: int, buys: bool, cancels: bool) -> None:  # noqa: FBT001
        size, asset = coin.sz_text(coin.lots(usd / MID[coin.coin])), self.asset(coin)
        reply = self.run((number, TwapOrder(TwapWire(asset, buys, size, r=False, m=5, t=True))))[0]
        self.run(after_ms=45_000)
        running = reply["response"]["data"]["status"].get("running")
        if cancels and running:
            self.run((number, TwapCancel(asset, running["twapId"])))

    @rule(first=st.lists(ORDERS, min_size=1, max_size=6), second=st.lists(ORDERS, min_size=1, max_size=6))
    def meet_in_one_block(self, first: list[Any], second: list[Any]) -> None:
        self.run((1, Order(tuple(map(self.wire, first)), "na")), (2, Order(tuple(map(self.wire, second)), "na")))

    @rule(number=USERS, pick=st.integers(0, 30), drawn=ORDERS, always=st.booleans(), batch=st.booleans())
    def modify(self, number: int, pick: int, drawn: Any, always: bool, batch: bool) -> None:  # noqa: FBT001
        user = self.bench.state.users[number]
        known = [*user.open, *list(user.records)[-2:], 1]
        oid, order = known[pick % len(known)], self.wire(drawn)
        action = BatchModify((ModifyLeg(oid, order),) * 2, always) if batch else Modify(oid, order, always)
        self.run((number, action))

    @rule(number=USERS, pick=st.integers(0, 30), hit=ORDERS)
    def cancel_while_hit(self, number: int, pick: int, hit: Any) -> None:
        live = self.bench.state.users[number].live()
        cancels = [CancelLeg(order.instrument.asset, order.oid) for order in live[pick % (len(live) or 1) :][:2]]
        coin, side, steps, usd, *_ = hit
        self.bench.flow.hit(coin, side, away(coin, steps), max(1, coin.lots(usd / MID[coin.coin])))
        self.run((number, Cancel((*cancels, CancelLeg(0, 1)))))

    @rule(number=USERS, cloid=st.sampled_from(CLOIDS), asset=ASSETS)
    def cancel_by_cloid(self, number: int, cloid: str, asset: int) -> None:
        self.run((number, CancelByCloid((CloidLeg(asset, cloid), CloidLeg(asset, cloid)))))

    @rule(coin=COINS, side=st.sampled_from((BUY, SELL)), steps=st.integers(1, 6), usd=st.sampled_from((100, 5_000)))
    def background_rests(self, coin: Instrument, side: int, steps: int, usd: int) -> None:
        px = away(coin, -SIGN[side] * steps)
        best = self.bench.state.by_coin[coin.coin].market.bbo()[1 - side]
        if best is None or SIGN[side] * (px - best.px_ticks) < 0:
            self.bench.flow.rest(coin, side, px, coin.lots(usd / MID[coin.coin]))

    @rule(coin=COINS, share=st.sampled_from((0.7, 0.97, 0.985, 0.99, 1.0, 1.01, 1.015, 1.03, 1.4)))
    def mark_moves(self, coin: Instrument, share: float) -> None:
        self.bench.flow.mark(coin, MID[coin.coin] * share)
        self.run()

    @rule(
        number=MASTERS, coin=COINS, shares=st.lists(st.integers(1, 12), min_size=2, max_size=4), by_user=st.booleans()
    )
    def cover_and_be_taken(self, number: int, coin: Instrument, shares: list[int], by_user: bool) -> None:  # noqa: FBT001
        """Close a position with more than it is, partly reduce-only, and let somebody take all of it."""
        szi = self.bench.state.users[number].szi(coin.index)
        side, px = (SELL if szi > 0 else BUY), coin.px_text(away(coin, 0))
        asset = self.asset(coin)
        legs = [
            OrderWire(
                asset, side == BUY, px, coin.sz_text(abs(szi) * share // 8), bool(i % 2), OrderKind(LimitKind("Alo"))
            )
            for i, share in enumerate(shares)
        ]
        self.run((number, Order(tuple(legs), "na")))
        if by_user:
            taker = OrderWire(asset, side != BUY, px, coin.sz_text(2 * abs(szi)), False, OrderKind(LimitKind("Gtc")))  # noqa: FBT003
            self.run((3 - number, Order((taker,), "na")))
        else:
            self.bench.flow.hit(coin, 1 - side, away(coin, 0), max(1, 2 * abs(szi)))
            self.run()

    @rule(
        number=USERS,
        drawn=ORDERS,
        kind=st.sampled_from(GROUPINGS),
        shares=st.tuples(SHARES, SHARES),
        seed=st.integers(0),
    )
    def protect(self, number: int, drawn: Any, kind: Any, shares: tuple[float, float], seed: int) -> None:
        """An order or a position with TP/SL, which later moves of the mark price fire."""
        entry = self.wire(drawn)
        coin, chance = drawn[0], random.Random(seed)
        size = "0" if kind == "positionTpsl" else entry.s
        legs = [entry] if kind != "positionTpsl" else []
        for share, tpsl in zip(shares, ("tp", "sl"), strict=True):
            at = coin.px_text(round_px(coin.ticks(MID[coin.coin]) * share, coin.px_decimals, up=False))
            trigger = OrderKind(trigger=TriggerKind(chance.random() < 0.5, at, cast("Any", tpsl)))
            legs.append(OrderWire(entry.a, not entry.b, entry.p, size, kind != "na" or entry.r, trigger))
        self.run((number, Order(tuple(legs), kind)))

    @rule(hits=st.lists(ORDERS, min_size=1, max_size=4))
    def background_takes(self, hits: list[Any]) -> None:
        for coin, side, steps, usd, *_ in hits:
            self.bench.flow.hit(coin, side, away(coin, steps), max(1, coin.lots(usd / MID[coin.coin])))
            self.run()

    @rule(number=USERS, leverage=st.integers(1, 50), asset=ASSETS, cross=st.booleans())
    def leverage(self, number: int, leverage: int, asset: int, cross: bool) -> None:  # noqa: FBT001
        self.run((number, UpdateLeverage(asset, is_cross=cross, leverage=leverage)))

    @rule(number=USERS, asset=ASSETS, usd=st.integers(-2_000, 2_000), dust=st.integers(-3, 3))
    def isolated_margin(self, number: int, asset: int, usd: int, dust: int) -> None:
        held = self.bench.state.users[number].positions
        self.seen["margin moved"] += any(position.isolated and position.szi for position in held.values())
        self.run((number, UpdateIsolatedMargin(asset, is_buy=True, ntli=usd * 1_000_000 + dust)))

    @rule(number=MASTERS, coin=COINS, side=st.sampled_from((BUY, SELL)), cross=st.booleans(), fall=st.integers(-3, 14))
    def go_all_in(self, number: int, coin: Instrument, side: int, cross: bool, fall: int) -> None:  # noqa: FBT001
        """As much as the leverage allows, from the other user or the background; then the mark goes against it."""
        listed, user = self.bench.state.coins[coin.index], self.bench.state.users[number]
        self.bench.flow.mark(coin, MID[coin.coin])
        self.run((number, UpdateLeverage(listed.asset, is_cross=cross, leverage=listed.max_leverage)))
        usd = margin.available_1e8(user, self.bench.state.coins, self.marks) * listed.max_leverage * 0.8 / 1e8
        lots, px = max(1, coin.lots(usd / MID[coin.coin])), away(coin, SIGN[side] * 6)
        if fall % 2:
            self.run((3 - number, Order((self.wire((coin, 1 - side, 0, usd / 2, "Gtc", False, None)),), "na")))
        best = self.bench.state.by_coin[coin.coin].market.bbo()[side]
        if best is None or SIGN[side] * (px - best.px_ticks) > 0:
            self.bench.flow.rest(coin, 1 - side, px, lots)
        self.run((number, Order((self.wire((coin, side, SIGN[side] * 6, usd, "Ioc", False, None)),), "na")))
        self.bench.flow.mark(coin, MID[coin.coin] * (1 - SIGN[side] * fall / 10 / listed.max_leverage))
        self.run()

    @rule(number=USERS, amount=AMOUNTS, source=SIDES_OF_MONEY, to=SIDES_OF_MONEY)
    def move_money(self, number: int, source: str, to: str, amount: str) -> None:
        user = self.bench.state.users[number]
        sent = AgentSendAsset(user.address, source, to, USDC, amount, self.source(user), 1)
        done = self.run((number, sent))[0]["status"] == "ok"
        self.seen["money of a dex moved"] += done and "xyz" in (source, to)

    @staticmethod
    def source(user: User) -> str:
        return user.address if user.master is not None else ""

    @rule(number=USERS, other=USERS, amount=AMOUNTS, route=SIDES_OF_MONEY, token=st.booleans())
    def send_to_another(self, number: int, other: int, amount: str, route: str, token: bool) -> None:  # noqa: FBT001
        user, to = self.bench.state.users[number], self.bench.state.users[other].address
        wire = BY_NAME["HYPE"].wire if token else USDC
        action = SendAsset("0x1", "Testnet", to, route, "spot", wire, amount, self.source(user), 1)
        if self.run((number, action))[0]["status"] == "ok" and not token:
            self.book(number, to, exact(amount))

    @rule(number=MASTERS, other=USERS, amount=AMOUNTS, stranger=st.booleans(), spot=st.booleans())
    def pay(self, number: int, other: int, amount: str, stranger: bool, spot: bool) -> None:  # noqa: FBT001
        state = self.bench.state
        to = STRANGER if stranger else state.users[other].address
        fee = FEE_1E8 if to not in state.by_address else 0
        sent = SpotSend("0x1", "Testnet", to, USDC, amount, 1)
        action = sent if spot else UsdSend("0x1", "Testnet", to, amount, 1)
        if self.run((number, action))[0]["status"] == "ok":
            self.book(number, to, exact(amount), fee=fee)

    @rule(number=MASTERS, amount=AMOUNTS, back=st.booleans())
    def sub_transfer(self, number: int, amount: str, back: bool) -> None:  # noqa: FBT001
        user = self.bench.state.users[number]
        sub, usd = user.subs[0], max(0, exact(amount)) // 100
        if self.run((number, SubAccountTransfer(sub.address, not back, usd)))[0]["status"] == "ok":
            source, target = (sub, user) if back else (user, sub)
            self.book(source.number, target.address, usd * 100)

    @rule(number=MASTERS, amount=AMOUNTS, back=st.booleans())
    def sub_spot_transfer(self, number: int, amount: str, back: bool) -> None:  # noqa: FBT001
        user = self.bench.state.users[number]
        sub = user.subs[0]
        if self.run((number, SubAccountSpotTransfer(sub.address, not back, USDC, amount)))[0]["status"] == "ok":
            source, target = (sub, user) if back else (user, sub)
            self.book(source.number, target.address, exact(amount))

    @rule(number=MASTERS, usd=st.sampled_from((0, 1, 7, 300, 10**9)), back=st.booleans(), later=st.booleans())
    def vault_transfer(self, number: int, usd: int, back: bool, later: bool) -> None:  # noqa: FBT001
        state, vault = self.bench.state, self.bench.state.users[VAULT]
        if later:
            self.run(after_ms=25 * HOUR_MS)
        if self.run((number, VaultTransfer(vault.address, not back, usd * 10**6)))[0]["status"] != "ok":
            return
        if not back:
            self.book(number, vault.address, usd * 10**8)
            return
        row = state.users[number].ledger[-1]["delta"]
        if row["type"] == "vaultLeaderCommission":
            row = state.users[number].ledger[-2]["delta"]
        self.book(VAULT, state.users[number].address, exact(row["netWithdrawnUsd"]))
        self.book(VAULT, state.users[1].address, exact(row["commission"]))

    @rule(drawn=st.lists(ORDERS, min_size=1, max_size=3))
    def trade_for_the_vault(self, drawn: list[Any]) -> None:
        action = Order(tuple(map(self.wire, drawn)), "na")
        vault = self.bench.state.users[VAULT].address
        signed = self.bench.signed(action, self.bench.alice, vault_address=vault)
        self.keep_books(self.bench.block(signed))

    @rule(number=USERS, mode=st.sampled_from(("disabled", "unifiedAccount", "portfolioMargin")))
    def change_mode(self, number: int, mode: Any) -> None:
        self.run((number, UserSetAbstraction("0x1", "Testnet", self.bench.state.users[number].address, mode, 1)))

    @rule(number=USERS, weight=st.sampled_from((1, 1_000, 10**9)))
    def buy_requests(self, number: int, weight: int) -> None:
        if self.run((number, ReserveRequestWeight(weight)))[0]["status"] == "ok":
            self.paid[self.bench.state.users[number].address] += weight * REQUEST_PRICE_1E8

    @rule(number=USERS, fires=st.booleans())
    def time_passes(self, number: int, fires: bool) -> None:  # noqa: FBT001
        self.run((number, ScheduleCancel(self.bench.state.now_ms + 6_000 if fires else None)))
        self.run(after_ms=HOUR_MS)

    def happen(self, event: EventKind) -> str | None:
        """Let an event be done in a block of its own; why not, if it was not."""
        inside, said = in_block(event), list[str | None]()
        assert inside is not None
        self.bench.state.happenings.append(lambda state: said.append(inside(state)))
        self.run()
        return said[0]

    @rule(number=USERS, mode=st.sampled_from(("standard", "unified")))
    def mode_flips(self, number: int, mode: Any) -> None:
        self.happen(ModeFlip(account=number, mode=mode))

    @rule(number=USERS, cents=st.integers(1, 10**7))
    def money_comes_in(self, number: int, cents: int) -> None:
        self.happen(Deposit(account=number, usd=cents / 100))
        self.deposits[self.bench.state.users[number].address] += cents * 10**6

    @rule(coin=COINS, side=st.sampled_from(("buy", "sell")), usd=st.sampled_from((50.0, 3_000.0, 1e7)))
    def sweep(self, coin: Instrument, side: Any, usd: float) -> None:
        self.happen(Sweep(coin=coin.coin, side=side, usd=usd))

    @precondition(lambda self: not any(book.delisted for book in self.bench.state.books))
    @rule(share=st.sampled_from((0.7, 1.0, 1.4)))
    def delist(self, share: float) -> None:
        """What was held is settled at one price; nothing of it is on the tape. A held coin, if there is one."""
        held = (coin for coin in (WLFI, SOL, ETH) if any(user.szi(coin.index) for user in self.users))
        coin = next(held, WLFI)
        self.bench.flow.mark(coin, MID[coin.coin] * share)
        self.run(after_ms=1_800_000)
        assert self.happen(Delist(coin=coin.coin)) is None
        rows = [row for user in self.users for row in self.bench.state.outbox.fills[user.number]]
        self.seen["settled"] += any(row["dir"] == "Settlement" for row in rows)

    @rule(share=st.sampled_from((0.97, 1.0, 1.03)), resumed=st.booleans())
    def halt(self, share: float, resumed: bool) -> None:  # noqa: FBT001
        """A deployer halts a coin, or lets it trade again."""
        if self.bench.state.by_coin[TSLA.coin].halted:
            assert self.happen(Halt(coin=TSLA.coin, halted=False)) is None
        self.bench.flow.mark(TSLA, MID[TSLA.coin] * share)
        self.run()
        held = any(user.szi(TSLA.index) for user in self.users)
        assert self.happen(Halt(coin=TSLA.coin)) is None
        assert not any(user.szi(TSLA.index) for user in self.users)
        self.seen["halted"] += held
        if resumed:
            assert self.happen(Halt(coin=TSLA.coin, halted=False)) is None

    @invariant()
    def users_hold_what_the_tape_says(self) -> None:
        for user in self.users:
            held = {coin.index: user.szi(coin.index) for coin in self.bench.state.coins}
            assert held == {index: self.lots[user.address, index] for index in held}
            cash = self.deposits[user.address] + self.cash[user.address] - self.paid[user.address]
            paid, earned = user.interest.get(0, (0, 0))
            apart = sum(position.raw_1e8 for position in user.positions.values())
            ledgers = user.raw_1e8 + sum(user.dexes_1e8.values())
            assert ledgers + user.spot_1e8 + apart == cash + self.moved[user.address] + earned - paid
            assert all(p.raw_1e8 == 0 for p in user.positions.values() if not (p.isolated and p.szi))

    @invariant()
    def nothing_appears_or_vanishes(self) -> None:
        coins = self.bench.state.coins
        accounts = sum(margin.perps_value_1e8(user, self.marks) + user.spot_1e8 for user in self.users)
        value = sum(self.lots[BACKGROUND_ADDRESS, c.index] * self.marks[c.index] * 100 for c in coins)
        interest = sum(paid - earned for paid, earned in (user.interest.get(0, (0, 0)) for user in self.users))
        held = accounts + self.paid.total() + interest + self.cash[BACKGROUND_ADDRESS] + value
        assert held == self.deposits.total()
        assert self.moved.total() == 0
        assert self.held_tokens() == self.tokens

    @invariant()
    def a_vault_is_owned_whole(self) -> None:
        account = self.bench.state.users[VAULT]
        assert account.vault is not None
        equity = margin.perps_value_1e8(account, self.marks)
        parts = [account.vault.worth_1e8(owner, equity) for owner in account.vault.shares]
        assert 0 <= equity - sum(parts) <= len(parts) if equity >= 0 else sum(parts) <= 0

    @invariant()
    def builders_earn_what_the_fills_say(self) -> None:
        assert all(user.builder_rewards_1e8 == self.built[user.number] for user in self.users)

    @invariant()
    def nobody_owes_anything(self) -> None:
        for user in self.users:
            if user is not self.bench.state.liquidator:
                assert margin.equity_1e8(user, self.marks) >= 0
                assert all(amount >= 0 for amount in user.dexes_1e8.values())
                worth = [p.worth_1e8(self.marks[i]) for i, p in user.positions.items() if p.isolated]
                assert all(amount >= 0 for amount in worth)

    @invariant()
    def books_are_in_order(self) -> None:
        for book in self.bench.state.books:
            bid, ask = book.market.bbo()
            assert bid is None or ask is None or bid.px_ticks < ask.px_ticks
        for user in self.users:
            for order in user.open.values():
                assert self.bench.state.books[order.instrument.index].market.remaining(order.oid) == order.sz_lots > 0
                assert order.status == ("open" if order.trigger is None else "triggered")
            assert all(order.status == "open" and order.sz_lots > 0 for order in user.triggers.values())
            assert not user.open.keys() & user.triggers.keys()
        assert not self.bench.state.ended

    @invariant()
    def reduce_only_orders_can_only_reduce(self) -> None:
        for user in self.users:
            for coin in self.bench.state.coins:
                shrinking = [o for o in user.open.values() if o.reduce_only and o.instrument.index == coin.index]
                assert sum(order.sz_lots for order in shrinking) <= abs(user.szi(coin.index))
                assert all(user.szi(coin.index) * SIGN[order.side] < 0 for order in shrinking)


REACHED = (
    "Close",
    "Auto-Deleveraging",
    "Liquidated Cross",
    "Liquidated Isolated",
    "vault got",
    "margin moved",
    "settled",
    "halted",
    "money of a dex moved",
)
"""What the machine must have come to: where its choices never lead, nothing is proven."""
ROUNDS = 8
EXAMPLES = 1_000 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 60
"""Of fifty steps each, in one round."""


@pytest.mark.timeout(2 * 3_600)
def test_no_sequence_of_requests_makes_or_loses_money() -> None:
    """Its choices depend on what else Python has loaded, so it goes on until it has been everywhere."""
    plan = settings(max_examples=EXAMPLES, stateful_step_count=50, deadline=None, database=None)
    for number in range(ROUNDS):
        run_state_machine_as_test(seed(number)(Traffic), settings=plan)
        if all(Traffic.seen[what] for what in REACHED):
            break
    assert all(Traffic.seen[what] for what in REACHED), Traffic.seen
