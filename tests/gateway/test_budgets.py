"""What the venue still takes (HL §5): one place that knows when, slowed down from 80 %, the last of it for cancels."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.actors.gateway.backoff import PAUSES, Backoff
from portfolio_mm.actors.gateway.budgets import FAR_S, STEEPEST, Budgets
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.purpose import Purpose
from portfolio_mm.actors.messages import Allocation, CoinAllocation, Heartbeat
from portfolio_mm.actors.weight_file import LIFE_WEIGHT, WeightFile
from portfolio_mm.domain.commands import CommandKind
from portfolio_mm.domain.events import AccountMode, EventKind
from portfolio_mm.domain.order import OrderEvent, Refusal
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.hyperliquid.errors import Trouble, trouble_of
from portfolio_mm.hyperliquid.limits import MAX_POSTS_IN_FLIGHT, IpBudget
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.settings import VenueSettings
from tests.gateway.peers import COINS, Rig, rig, until
from tests.gateway.pretend import Pretend

SECOND = 10**9
NOON_MS = 20_000 * 86_400_000 + 43_200_000


def budgets(used: int = 0, cap: int = 10_000) -> Budgets:
    clock = VenueClock()
    clock.hear(NOON_MS, 0)
    made = Budgets(clock)
    made.address.used, made.address.cap = used, cap
    made.published_usd = 0.001
    return made


def waits(made: Budgets, now_ns: int = SECOND) -> tuple[float, float, float]:
    """Until an order, a reducing order, a cancel."""
    place, reduce, cancel = (made.next_action(p, now_ns) for p in (Purpose.PLACE, Purpose.REDUCE, Purpose.CANCEL))
    return place.wait_s, reduce.wait_s, cancel.wait_s


def test_at_the_reserve_of_the_address_only_reducing_and_cancels_go_on() -> None:
    made = budgets(used=9_499)
    assert waits(made) == (0.0, 0.0, 0.0)
    made.spend(1)
    assert waits(made) == (FAR_S, 0.0, 0.0)
    assert "500 requests of the address left" in made.next_action(Purpose.PLACE, SECOND).why
    made.earn(1.0)
    assert waits(made) == (0.0, 0.0, 0.0), "a USD traded earns a request"


def test_beyond_the_address_budget_one_leg_goes_every_ten_seconds_and_cancels_have_a_ceiling_of_their_own() -> None:
    made = budgets(used=10_000)
    assert waits(made) == (FAR_S, 0.0, 0.0)
    assert made.batch(Purpose.REDUCE, 39) == 1
    assert made.batch(Purpose.CANCEL, 39) == 39
    made.claim(Purpose.CANCEL, SECOND)
    assert waits(made)[1] == 0.0, "a cancel under its own ceiling needs no slot"
    made.claim(Purpose.REDUCE, SECOND)
    assert waits(made, 2 * SECOND)[1:] == (9.5, 0.0)
    made.spend(10_000)
    assert waits(made, 2 * SECOND)[1:] == (9.5, 9.5), "beyond the cancels' ceiling too"
    assert waits(made, 12 * SECOND)[1:] == (0.0, 0.0)


def test_before_the_address_was_read_only_what_takes_risk_away_goes() -> None:
    assert waits(budgets(cap=0)) == (FAR_S, 0.0, 0.0)


def test_the_last_actions_of_the_day_belong_to_cancels_and_reducing_until_midnight() -> None:
    made = budgets()
    made.set_mode(AccountMode.UNIFIED)
    made.day.restore(49_000, NOON_MS)
    assert waits(made) == (43_200.0, 0.0, 0.0)
    made.set_mode(AccountMode.STANDARD)
    assert waits(made) == (0.0, 0.0, 0.0)


def test_a_cancel_finds_weight_posts_and_messages_when_orders_find_none() -> None:
    made = budgets()
    made.ip.spend(1_140, 1.0)
    assert waits(made) == (60.0, 60.0, 0.0)
    made.ip.spend(1_000, 1.0)
    assert waits(made)[2] == 0.0, "our count is no reason to leave an order resting: the venue is asked"
    made = budgets()
    made.socket.posts = MAX_POSTS_IN_FLIGHT - 20
    place_s, _, cancel_s = waits(made)
    assert (place_s > 0.0, cancel_s) == (True, 0.0)
    made = budgets()
    for _ in range(1_600):
        made.socket.sent(1.0)
    assert waits(made) == (60.0, 60.0, 0.0)


def use_weight(made: Budgets, share: float) -> None:
    made.ip.spend(int(share * 1_140), 1.0)


def use_address(made: Budgets, share: float) -> None:
    made.address.used = int(share * 9_500)


def use_day(made: Budgets, share: float) -> None:
    made.set_mode(AccountMode.UNIFIED)
    made.day.restore(int(share * 49_000), NOON_MS)


def use_messages(made: Budgets, share: float) -> None:
    for _ in range(int(share * 2_000)):
        made.socket.sent(1.0)


def use_posts(made: Budgets, share: float) -> None:
    made.socket.posts = int(share * MAX_POSTS_IN_FLIGHT)


@pytest.mark.parametrize("use", [use_weight, use_address, use_day, use_messages, use_posts])
def test_from_80_percent_of_any_budget_an_action_becomes_dearer(use: Any) -> None:
    prices = []
    for share in (0.0, 0.8, 0.9, 1.0):
        made = budgets()
        use(made, share)
        prices.append(made.price_usd(SECOND))
    assert prices[0] == prices[1] == pytest.approx(0.001, rel=0.01)
    assert prices[2] == pytest.approx(0.001 * STEEPEST**0.5, rel=0.05)
    assert prices[3] == pytest.approx(0.001 * STEEPEST, rel=0.01)


def test_a_reserve_that_would_be_reached_within_the_hour_makes_actions_dearer_now() -> None:
    made = budgets()
    for second in range(61):
        made.observe(second * SECOND)
        made.spend(5)
    assert made.forecast_s() == pytest.approx((10_000 - 305 - 500) / 5.0)
    assert made.price_usd(61 * SECOND) > 1.5 * made.published_usd
    made.earn(1_000_000.0)
    made.observe(61 * SECOND)
    assert made.forecast_s() == float("inf")
    assert made.price_usd(61 * SECOND) == made.published_usd


def test_reads_that_can_wait_come_more_rarely_before_the_weight_is_gone() -> None:
    made = budgets()
    assert made.patience(SECOND) == 1.0
    made.ip.spend(900, 1.0)
    assert 2.0 < made.patience(SECOND) < 4.0
    made.ip.spend(100, 1.0)
    assert made.patience(SECOND) == 4.0
    assert made.next_action(Purpose.READ, SECOND).wait_s == 60.0
    assert waits(made) == (0.0, 0.0, 0.0), "actions go on"


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        ("https://x/exchange nonce 1: HTTP 429: b''", Trouble.THROTTLED),
        ("post 7: 429 Too Many Requests", Trouble.THROTTLED),
        ("Too many cumulative requests sent (97460 > 97456) for cumulative volume traded $87457.46.", Trouble.BUDGET),
        ("Invalid nonce: nonce too low 5 < 9", Trouble.NONCE),
        ("User or API Wallet 0x01 does not exist.", Trouble.SIGNER),
        ("Must deposit before performing actions. User: 0x01", Trouble.SIGNER),
        ("too many pending post requests id=9", Trouble.CONGESTED),
        ("Action already expired", Trouble.EXPIRED),
        ("Vault may not perform this action.", Trouble.OTHER),
    ],
)
def test_whole_refusals_are_told_apart(words: str, trouble: Trouble) -> None:
    """HL §2.3."""
    assert trouble_of(words) is trouble


@pytest.mark.parametrize("trouble", [one for one in Trouble if one is not Trouble.NONE])
def test_the_pause_after_a_whole_refusal_grows_up_to_a_bound_and_ends_with_a_success(trouble: Trouble) -> None:
    backoff, now_ns, seen = Backoff(), SECOND, []
    for _ in range(12):
        backoff.failed(trouble, "no", now_ns)
        backoff.failed(trouble, "no", now_ns)  # of the same moment: not another attempt
        seen.append(backoff.wait_s(now_ns))
        now_ns += int(seen[-1] * SECOND) + 1
    assert seen[0] == PAUSES[trouble].first_s
    assert seen == sorted(seen)
    assert seen[-1] == PAUSES[trouble].longest_s
    backoff.succeeded(now_ns)
    assert backoff.wait_s(now_ns) == 0.0
    backoff.failed(trouble, "no", now_ns)
    assert backoff.wait_s(now_ns) == PAUSES[trouble].first_s


def test_the_guard_takes_what_shrinks_a_position_when_the_address_is_at_its_reserve() -> None:
    world = Pretend(1_000.0)
    world.ledger.on_position(0, 300, 100.0, world.now_ms + 1)
    world.budgets.address.used = world.budgets.address.cap - 100
    world.wish(CommandKind.PLACE, BUY, 100, 0)
    world.wish(CommandKind.PLACE, SELL, 100, 0)
    assert [one.approved.order.side for one in world.network if one.approved is not None] == [SELL]
    assert world.desk.refused == {Refusal.BUDGET: 1}
    assert world.told[0].wait_ns == int(FAR_S * 1e9), "the coin is told when"  # type: ignore[union-attr]


# -- on the real venue -------------------------------------------------------------------------------------------


def used(made: Rig) -> int:
    return made.venue.venue.state.users[1].requests.used


async def count(made: Rig, requests: int) -> None:
    """The venue has counted this many requests of the account, and the gateway has read it."""
    made.venue.venue.state.users[1].requests.charge(requests - used(made))
    rhythm = made.gateway._rhythm
    assert rhythm is not None
    rhythm._stale.set()

    def read() -> bool:
        return rhythm.view().budget.address_used >= requests

    await until(read, "the venue's count")


def allocation(price_usd: float, version: int = 1) -> Allocation:
    shares = tuple(CoinAllocation(coin, 0.0, 1_000.0, 1e-4, (0.0, 0.0)) for coin in COINS)
    return Allocation(1, version, 60 * SECOND, price_usd, shares, "optimal", (), 1.0)


async def test_what_the_venue_says_is_left_of_the_address_makes_an_action_too_dear(tmp_path: Path) -> None:
    async with rig(tmp_path, reconcile_s=0.3) as made:
        await made.start()
        _, coin = await made.trading()
        portfolio = await made.peer("portfolio")
        portfolio.peer.send_message(allocation(0.1))
        await until(lambda: bool(coin.heard(EventKind.ALLOCATION)), "the price")
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        await count(made, 9_400)
        await until(lambda: coin.heard(EventKind.ALLOCATION)[-1]["sz"] > 1.0, "a higher price")
        late = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0, level=1)
        assert (await coin.hears(OrderEvent.REFUSED, late))["oid"] == Refusal.PRICED_OUT
        coin.cancel(key)
        await coin.hears(OrderEvent.CANCELLED, key)
        view = await made.view()
        assert (view.budget.tightest, view.budget.place_wait_s) == ("address requests", 0.0)


async def test_an_address_without_requests_places_nothing_cancels_all_and_says_when(tmp_path: Path) -> None:
    async with rig(tmp_path, reconcile_s=0.3) as made:
        await made.start()
        _, coin = await made.trading()
        keys = [coin.place(BUY, 0.97 * made.mid("BTC"), 100.0, level=level) for level in range(3)]
        for key in keys:
            await coin.hears(OrderEvent.ACCEPTED, key)
        await count(made, 10_000)
        before = used(made)
        late = coin.place(SELL, 1.03 * made.mid("BTC"), 100.0)
        row = await coin.hears(OrderEvent.REFUSED, late)
        assert (row["oid"], row["tid"]) == (Refusal.BUDGET, int(FAR_S * 1e9))
        assert used(made) == before
        for key in keys:
            coin.cancel(key)
        await made.nothing_open()
        view = await made.view()
        assert view.budget.place_wait_s == FAR_S
        assert "0 requests of the address left" not in view.budget.why
        assert "requests of the address left" in view.budget.why


def count_requests(made: Rig) -> list[str]:
    """From now on: every action that comes to the venue while its fault is armed, by its type."""
    seen: list[str] = []
    desk = made.venue.venue.trouble.desk
    plain = desk.hit

    def counting(cls: Any, endpoint: str, request: str) -> Any:
        if cls is kinds.HttpError and endpoint == "exchange":
            seen.append(request)
        return plain(cls, endpoint, request)

    desk.hit = counting  # type: ignore[method-assign]
    return seen


@pytest.mark.parametrize("status", [429, 500])
async def test_a_venue_that_refuses_everything_is_not_stormed(status: Any, tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        resting = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, resting)
        made.venue.venue.trouble.desk.arm(kinds.HttpError(status=status, endpoint="exchange"))
        seen, asked, budgets_ = count_requests(made), 0, budgets_of(made)
        end_s = time.monotonic() + 1.5
        coin.cancel(resting)
        while time.monotonic() < end_s:  # a coin that does not listen
            coin.place(SELL, 1.03 * made.mid("BTC"), 100.0, level=asked % 6)
            asked += 1
            await asyncio.sleep(0.02)
        assert asked > 25
        assert 2 <= len(seen) <= 14, seen
        assert coin.heard(EventKind.ORDER, OrderEvent.REFUSED)[-1]["tid"] > 0, "and the coin is told when"
        made.venue.venue.trouble.desk.clear()
        await made.nothing_open()
        await until(lambda: budgets_.backoff.wait_s(time.monotonic_ns()) == 0.0, "the end of the pause")
        await coin.hears(OrderEvent.ACCEPTED, coin.place(BUY, 0.97 * made.mid("BTC"), 100.0, level=2))
        assert budgets_.backoff.trouble is Trouble.NONE


def budgets_of(made: Rig) -> Budgets:
    rhythm = made.gateway._rhythm
    assert rhythm is not None
    return rhythm._parts.budgets


async def test_an_agent_the_venue_does_not_know_stops_orders_and_says_what_to_do(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        made.venue.venue.state.by_agent.clear()  # pruned
        first = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.REFUSED, first)
        late = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        row = await coin.hears(OrderEvent.REFUSED, late)
        assert 0 < row["tid"] <= 5 * SECOND
        view = await made.view()
        assert view.budget.trouble == "SIGNER"
        assert "approve the agent" in view.budget.why


@pytest.mark.parametrize("beyond", [0, 600])
async def test_cancels_go_out_when_the_weight_of_the_address_is_gone_for_orders(tmp_path: Path, beyond: int) -> None:
    settings = VenueSettings(coins=COINS, block_ms=20, ip_limit=True)
    async with rig(tmp_path, settings) as made:
        await made.start()
        _, coin = await made.trading()
        keys = [coin.place(BUY, 0.97 * made.mid("BTC"), 100.0, level=level) for level in range(3)]
        for key in keys:
            await coin.hears(OrderEvent.ACCEPTED, key)
        ip, now_s = budgets_of(made).ip, time.monotonic()
        ip.spend(ip.cap - ip.cancels - ip.used(now_s) + beyond, now_s)
        late = coin.place(SELL, 1.03 * made.mid("BTC"), 100.0)
        row = await coin.hears(OrderEvent.REFUSED, late)
        assert (row["oid"], row["tid"] > 30 * SECOND) == (Refusal.RATE_LIMIT, True)
        for key in keys:
            coin.cancel(key)
            await coin.hears(OrderEvent.CANCELLED, key)


async def test_a_gateway_that_comes_back_counts_what_its_last_life_spent(tmp_path: Path) -> None:
    """Else a few restarts in a minute use up the weight that cancels need."""
    settings = VenueSettings(coins=COINS, block_ms=20, ip_limit=True)
    async with rig(tmp_path, settings) as made:
        await made.start()
        await made.trading()
        before = budgets_of(made).ip.used(time.monotonic())
        await asyncio.sleep(0.2)
        await made.crash()
        await made.start()
        await made.trading()
        assert budgets_of(made).ip.used(time.monotonic()) > before + 150


async def test_what_the_watchdog_used_of_the_address_keeps_orders_back_and_no_cancel(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.start()
        _, coin = await made.trading()
        watchdog = await made.peer("watchdog")
        key = coin.place(BUY, 0.97 * made.mid("BTC"), 100.0)
        await coin.hears(OrderEvent.ACCEPTED, key)
        watchdog.peer.send_message(Heartbeat(1, weight=1_100))
        await until(lambda: budgets_of(made).ip.used(time.monotonic()) > 1_140, "its weight is counted")
        late = coin.place(BUY, 0.96 * made.mid("BTC"), 100.0)
        assert (await coin.hears(OrderEvent.REFUSED, late))["oid"] == Refusal.RATE_LIMIT
        coin.cancel(key)
        await coin.hears(OrderEvent.CANCELLED, key)


def test_a_life_that_is_killed_while_it_reads_has_its_reading_written_ahead(tmp_path: Path) -> None:
    path, first, second = tmp_path / "weight.json", IpBudget(), IpBudget()
    WeightFile(path, first).begin(5_000.0, 1_000.0)
    assert first.used(1_000.0) == 0
    WeightFile(path, second).begin(5_002.0, 1_002.0)
    assert second.used(1_002.0) == LIFE_WEIGHT


def test_weight_of_another_minute_or_a_torn_file_counts_for_nothing(tmp_path: Path, caplog: Any) -> None:
    path, spent = tmp_path / "weight.json", IpBudget()
    spent.spend(100, 970.0)
    spent.spend(40, 1_000.0)
    spent.spend(20, 1_005.0)  # a read that has to wait
    file = WeightFile(path, spent)
    file.keep(file.now(5_000.0, 1_000.0))
    for later_s, used in ((0.0, 160), (31.0, 60), (70.0, 0)):
        found = IpBudget()
        WeightFile(path, found).resume(5_000.0 + later_s, 20.0)  # another boot: its clock began anew
        assert found.used(20.0) == used
    path.write_bytes(path.read_bytes()[:-4])
    found = IpBudget()
    WeightFile(path, found).resume(5_000.0, 20.0)
    assert found.used(20.0) == 0
    assert "counted from zero" in caplog.text
    WeightFile(tmp_path / "none.json", found).resume(5_000.0, 20.0)
    WeightFile(tmp_path / "no folder" / "weight.json", spent).keep([(5_000.0, 1)])
    assert "could not be kept" in caplog.text
