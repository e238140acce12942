import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from portfolio_mm.actors.gateway.account_view import AccountView
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.doubts import count_unknown, proven_lost, status_update
from portfolio_mm.actors.gateway.fill_run import PAUSE_NS, FillRun
from portfolio_mm.actors.gateway.nonces import AHEAD_MS, Nonces
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.actors.gateway.permits import Permits
from portfolio_mm.actors.gateway.positions import Position, Traded
from portfolio_mm.actors.gateway.singleton import NodeLock
from portfolio_mm.actors.messages import KillOrder, PermitAnswer
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.errors import AlreadyRunningError, MalformedMessage
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.limits import LimitSet, Permit, RiskState
from portfolio_mm.domain.order import OrderEvent, OrderState, Refusal
from portfolio_mm.domain.units import SELL
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.hyperliquid.collateral import PositionTruth
from portfolio_mm.hyperliquid.user import Fill
from portfolio_mm.storage.state_store import StateStore
from tests.gateway.pretend import MemoryStore, Pretend

SECOND = 10**9
LIMITS = LimitSet(2, (), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1)


def answer(asked_ns: int, state: RiskState = RiskState.GREEN, ttl_ns: int = 3 * SECOND, epoch: int = 1) -> PermitAnswer:
    return PermitAnswer(9, asked_ns, Permit(epoch, state, ttl_ns, LIMITS))


def test_a_permit_holds_from_the_instant_it_was_asked_for() -> None:
    permits = Permits(9)
    assert permits.take(answer(0), now_ns=2 * SECOND)
    assert permits.left_ns(2 * SECOND) == SECOND
    assert permits.may_create(2 * SECOND)
    assert not permits.may_create(2 * SECOND + 1)
    assert permits.state(3 * SECOND) == RiskState.CANCEL_ONLY


def test_old_answers_and_former_risk_actors_are_refused() -> None:
    permits = Permits(9)
    assert permits.take(answer(10, epoch=2), 20)
    assert not permits.take(answer(10, epoch=2), 20)
    assert not permits.take(answer(9, epoch=2), 20)
    assert not permits.take(answer(30, epoch=2), 20), "from the future"
    assert not permits.take(answer(15, epoch=1), 20), "a former risk actor"
    assert not permits.take(PermitAnswer(8, 16, answer(16).permit), 20), "for another gateway"


def test_of_two_risk_actors_the_later_epoch_is_believed_whoever_answers_first() -> None:
    permits = Permits(9)
    assert permits.take(answer(10, epoch=1), 20), "the former one is quicker"
    assert permits.take(answer(10, RiskState.KILLED, ttl_ns=0, epoch=2), 20)
    assert permits.state(20) == RiskState.KILLED
    assert not permits.take(answer(11, epoch=1), 20)


def test_a_refusal_ends_a_permit_at_once() -> None:
    permits = Permits(9)
    permits.take(answer(1), 2)
    assert permits.take(answer(3, RiskState.CANCEL_ONLY, ttl_ns=0), 4)
    assert permits.left_ns(4) == 0


def test_after_a_kill_answers_already_on_their_way_change_nothing() -> None:
    permits = Permits(9)
    permits.take(answer(1), 2)
    permits.revoke(KillOrder("loss"), now_ns=5)
    assert permits.take(answer(3), 6)
    assert permits.take(answer(4, RiskState.CANCEL_ONLY, ttl_ns=0), 6), "a refusal that knew of no kill"
    assert permits.take(answer(5), 6)
    assert not permits.may_create(6)
    assert permits.state(6) == RiskState.KILLED
    permits.take(answer(7, RiskState.KILLED, ttl_ns=0), 8)
    permits.take(answer(9), 10)
    assert permits.may_create(10)


def test_after_a_person_resumed_the_next_grant_counts() -> None:
    permits = Permits(9)
    permits.revoke(KillOrder("a drill"), now_ns=5)
    permits.reopen()
    permits.take(answer(7), 8)
    assert permits.may_create(8)


def test_nonces_rise_strictly_and_a_restart_begins_above_the_ceiling(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state.db")
    nonces = Nonces(store, "0xagent")
    given = [nonces.next(1_000_000) for _ in range(5)] + [nonces.next(999_000)]
    assert given == sorted(set(given))
    store.close()
    store = StateStore(tmp_path / "state.db")
    again = Nonces(store, "0xagent")
    assert again.next(1_000_000) > given[0] + AHEAD_MS
    store.close()


async def test_nonces_are_reserved_ahead_of_need() -> None:
    store = MemoryStore()
    nonces = Nonces(store, "key")
    await nonces.refill(1_000)
    ceiling = store.ceiling
    nonces.next(ceiling - 1)
    assert store.ceiling == ceiling
    await nonces.refill(ceiling - 1)
    assert store.ceiling > ceiling


def unknown(expires_ms: int = 5_000) -> OwnOrder:
    order = OwnOrder((1, 1), 0, 0, 0, 100, 10, reduce_only=False, epoch=1, state=OrderState.UNKNOWN)
    order.expires_ms = expires_ms
    return order


def test_a_lost_order_is_closed_only_after_its_expiry_and_two_looks_a_second_apart() -> None:
    order = unknown()
    count_unknown(order, block_ms=7_000, now_ns=0)
    assert not order.unknown_ns, "it could still land"
    count_unknown(order, block_ms=7_001, now_ns=SECOND)
    assert not proven_lost(order)
    count_unknown(order, block_ms=7_500, now_ns=2 * SECOND - 1)
    assert not proven_lost(order)
    count_unknown(order, block_ms=8_001, now_ns=2 * SECOND)
    assert proven_lost(order)
    order.filled_lots = 1
    assert not proven_lost(order), "it filled, so it exists"


def test_an_order_status_of_unknown_shape_is_malformed() -> None:
    assert status_update({"status": "unknownOid"}) is None
    with pytest.raises(MalformedMessage):
        status_update({"status": "order", "order": {}})


def test_an_uncertain_order_counts_until_it_is_proven_lost() -> None:
    world = Pretend(60.0)
    world.wish(CommandKind.PLACE, 0, 40, 0)
    world.process(0, crosses=True, answered=False)
    world.rows.clear()
    world.deliver("answers")
    (order,) = world.ledger.orders()
    assert order.state is OrderState.UNKNOWN
    world.wish(CommandKind.PLACE, 0, 40, 1)
    assert world.desk.refused[Refusal.LIMIT] == 1
    world.desk.tell(world.ledger.withdraw(order, OrderEvent.REFUSED, Refusal.VENUE_OTHER))
    world.wish(CommandKind.PLACE, 0, 40, 1)
    assert world.desk.placed == 2


def test_a_late_fill_that_a_reading_contains_does_not_move_the_position_again() -> None:
    position = Position()
    position.adopt(5, 100.0, at_ms=10)
    assert not position.fill(Traded(10, 5, 100.0))
    assert position.fill(Traded(11, -2, 101.0))
    position.adopt(5, 100.0, at_ms=10)
    assert position.szi_lots == 3
    position.adopt(9, 100.0, at_ms=9)
    assert position.szi_lots == 3, "an older reading"


def test_entry_price_averages_additions_and_restarts_when_the_position_turns() -> None:
    position = Position(base_ms=0)
    position.fill(Traded(1, 10, 100.0))
    position.fill(Traded(2, 10, 110.0))
    assert position.entry_px == 105.0
    position.fill(Traded(3, -5, 200.0))
    assert position.entry_px == 105.0
    position.fill(Traded(4, -20, 90.0))
    assert (position.szi_lots, position.entry_px) == (-5, 90.0)


def test_a_run_of_fills_pauses_its_side_and_opens_by_itself() -> None:
    run = FillRun(1)
    assert not run.fill(0, 0, 200.0, 1_000.0, 0)
    assert not run.fill(0, 0, 200.0, 1_000.0, SECOND + 1), "the first one is too old"
    assert run.fill(0, 0, 350.0, 1_000.0, SECOND + 2)
    assert run.pauses(0, 0, SECOND + 3)
    assert not run.pauses(0, 1, SECOND + 3)
    assert not run.pauses(0, 0, SECOND + 2 + PAUSE_NS)


def test_a_run_of_fills_takes_its_side_off_the_book_at_once() -> None:
    world = Pretend(1_000.0)
    for level, lots in enumerate((300, 250, 100)):
        world.wish(CommandKind.PLACE, 0, lots, level)
    while world.network:
        world.process(0, crosses=False, answered=True)
    world.deliver_all()
    world.desk._now_ns = lambda: 5 * SECOND
    world.trade(0, 300)
    world.trade(0, 250)
    world.deliver("fills")
    world.deliver("fills")
    assert [one.cancel.sz_lots for one in world.network if one.cancel is not None] == [100]


def test_the_venue_clock_is_never_ahead_and_follows_a_clock_set_back() -> None:
    clock = VenueClock()
    clock.hear(1_000_000, 50_000_000)
    assert clock.now_ms(150_000_000) == 1_000_100
    clock.hear(1_000_090, 150_000_000)
    assert clock.now_ms(150_000_000) == 1_000_100, "a slower message teaches nothing"
    clock.hear(900_000, 160_000_000)
    assert clock.now_ms(160_000_000) == 900_000


@pytest.mark.parametrize(
    ("rows_ms", "passed_ms", "behind"),
    [
        ((1_000_000, 999_600), 0, False),  # channels of neighbouring blocks may pass each other
        ((1_000_000, 998_000), 0, True),
        ((1_000_000, 998_000, 999_999), 999_999, True),  # the second in between comes for the second time
        ((1_000_000, 998_000, 999_999), 1_000_000, False),
        ((1_000_000, 998_000, 1_000_000), 0, False),
    ],
)
def test_block_times_that_fall_are_noticed_until_they_are_passed(
    rows_ms: tuple[int, ...],
    passed_ms: int,
    behind: bool,  # noqa: FBT001
) -> None:
    clock = VenueClock()
    for row_ms in rows_ms:
        clock.follow(row_ms, row_ms)
    clock.passes(passed_ms)
    assert clock.behind is behind


HOLDER = """
    import asyncio, sys
    from pathlib import Path
    from portfolio_mm.actors.gateway.singleton import NodeLock

    async def hold() -> None:
        lock = NodeLock(Path(sys.argv[1]))
        await lock.take()
        print("held", flush=True)
        await asyncio.sleep(60)

    asyncio.run(hold())
"""


async def test_a_live_holder_of_the_lock_is_ended_by_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "gateway.lock"
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:  # noqa: ASYNC220 - starting takes a millisecond
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        lock = NodeLock(path)
        await lock.take()
        assert holder.wait(5) == -9
        assert path.read_text().split()[0] == str(os.getpid())
        lock.release()


async def test_the_lock_never_ends_its_own_process(tmp_path: Path) -> None:
    first, second = NodeLock(tmp_path / "lock"), NodeLock(tmp_path / "lock")
    await first.take()
    with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
        await second.take()
    first.release()


def test_equity_before_any_reading_is_zero() -> None:
    world = Pretend(10.0)
    assert AccountView(world.ledger, world.market).equity_usd == 0.0


def reading(equity_usd: float, foreign_usd: float, time_ms: int) -> AccountTruth:
    """An account that holds a coin of nobody here, which is worth this much."""
    foreign = PositionTruth(
        "DOGE", "100", 1.0, 10**10, round(foreign_usd * 1e8), 0, 3, is_cross=True, liquidation_px=None
    )
    equity = round(equity_usd * 1e8)
    return AccountTruth(
        "0x1", AccountMode.STANDARD, equity, equity, 0, 0, 0, (foreign,), 1.5, 4.5, 0.0, 0, 10_000, 0, time_ms
    )


def test_a_step_of_equity_is_what_nothing_explains() -> None:
    world = Pretend(10.0)
    money = AccountView(world.ledger, world.market)
    money.read(reading(1_000.0, 0.0, 10))
    assert money.step_usd(reading(1_300.0, 0.0, 20)) == pytest.approx(300.0), "a deposit nobody heard of"
    assert money.step_usd(reading(700.0, -300.0, 20)) == pytest.approx(0.0), "a coin of somebody else fell"
    money.transfer(300 * 10**8, 15)
    assert money.equity_usd == pytest.approx(1_300.0)
    assert money.step_usd(reading(1_300.0, 0.0, 20)) == pytest.approx(0.0)
    assert money.step_usd(reading(1_300.0, 0.0, 14)) == pytest.approx(300.0), "it would count twice"
    assert money.step_usd(reading(1_000.0, 0.0, 20)) == pytest.approx(-300.0), "it would be lost"


def manual(tid: int, pnl_usd: float, at_ms: int, coin: str = "DOGE") -> Fill:
    """A fill of a coin of nobody here, which realised so much and cost a dollar."""
    pnl_1e8 = round(pnl_usd * 1e8)
    return Fill(
        coin, "1.0", "100", SELL, at_ms, "100", "Close Long", pnl_1e8, 10**8, "USDC", "0x", 1, tid, crossed=True
    )


def test_a_manual_trade_in_another_coin_explains_a_step() -> None:
    world = Pretend(10.0)
    money = AccountView(world.ledger, world.market)
    money.read(reading(1_000.0, 30.0, 10))
    closed = reading(999.0, 0.0, 20)  # 30 USD of profit were realised, one was paid
    assert money.step_usd(closed) == pytest.approx(29.0), "as if money had come from nowhere"
    assert money.foreign(manual(1, 30.0, 15))
    assert not money.foreign(manual(1, 30.0, 15)), "rows repeat"
    assert money.step_usd(closed) == pytest.approx(0.0)
    assert money.equity_usd == pytest.approx(1_000.0), "until it is read nothing is shown as profit"
    assert not money.foreign(manual(2, 5.0, 16, "@107")), "spot is not in it"
    money.read(closed)
    assert money.step_usd(reading(999.0, 0.0, 30)) == pytest.approx(0.0)
