"""Every monitor is called, and what it says changes the permit."""

import importlib
import pkgutil
from collections.abc import Iterator

import msgspec
import pytest

from portfolio_mm.domain.limits import RiskState
from portfolio_mm.risk import monitors
from portfolio_mm.risk.aggregate import MONITORS, Standing, assess_all
from portfolio_mm.risk.kill_switch import Latch
from portfolio_mm.risk.permit import decide
from portfolio_mm.risk.snapshot import PotSnapshot, Snapshot
from tests.risk.sample import LIMITS, NEVER, NOW_NS, RULES, SECOND_NS, account, after_loss, coin

GREEN, YELLOW, REDUCE, CANCEL, KILLED = RiskState


def permit_state(snapshot: Snapshot, now_ns: int = NOW_NS) -> RiskState:
    outlook = assess_all(snapshot, LIMITS, RULES, now_ns)
    standing = Standing(min(outlook.state, CANCEL))
    permit = decide(epoch=1, latch=Latch(), outlook=outlook, standing=standing, limits=LIMITS, rules=RULES)
    assert (permit.ttl_ns > 0) == (permit.state < CANCEL)
    assert bool(permit.reasons) == (permit.state != GREEN or bool(permit.reduce_only_coins or permit.cancel_only_coins))
    return permit.state


def test_a_healthy_account_has_a_full_permit() -> None:
    assert permit_state(account()) == GREEN


def test_the_aggregator_calls_every_module_of_the_room() -> None:
    found = {f"{monitors.__name__}.{info.name}" for info in pkgutil.iter_modules(monitors.__path__)}
    called = {getattr(monitor, "__name__", "") for monitor in MONITORS}
    assert found == called


def bent() -> Iterator[tuple[str, Snapshot, RiskState]]:
    """Monitor, a snapshot bent in one place, and the state its verdict must have."""
    yield "loss", account(marks=after_loss(310.0)), YELLOW
    yield "loss", account(marks=after_loss(430.0)), REDUCE
    yield "loss", account(marks=after_loss(500.0)), KILLED
    yield "drawdown", account(marks=after_loss(1_001.0)), KILLED
    yield "position", account(coins=(coin("BTC", 4_100.0),)), KILLED
    yield "position", account(coins=(coin("BTC", -1_500.0), coin("ETH", -900.0))), REDUCE
    yield "position", account(margin_used_usd=5_200.0), REDUCE
    yield "staleness", account(user_stream_age_s=21.0), CANCEL
    yield "staleness", account(account_age_s=NEVER), CANCEL
    yield "staleness", account(reconciled=False), CANCEL
    yield "forced", account(liquidated_age_s=1.0), KILLED
    yield "forced", account(deleveraged_age_s=100.0), REDUCE
    yield "rate", account(address_used=8_500), YELLOW
    yield "rate", account(day_used=49_900), CANCEL
    yield "watchdog", account(watchdog_age_s=6.0), CANCEL
    yield "watchdog", account(watchdog_age_s=NEVER), CANCEL
    yield "watchdog", account(watchdog_age_s=-1.0), CANCEL
    yield "headroom", account(pots=(PotSnapshot("perps", ("BTC", "ETH"), 149.0, 100.0, 0.01),)), GREEN
    yield "user_kill", account(user_kill="lunch"), KILLED


@pytest.mark.parametrize(("monitor", "snapshot", "state"), list(bent()))
def test_each_verdict_changes_the_permit(monitor: str, snapshot: Snapshot, state: RiskState) -> None:
    module = importlib.import_module(f"portfolio_mm.risk.monitors.{monitor}")
    verdict = module.assess(snapshot, LIMITS, RULES, NOW_NS)
    assert verdict.monitor == monitor
    assert verdict.state == state
    assert verdict.text
    assert permit_state(snapshot) == min(state, CANCEL)


def test_every_monitor_has_a_case_that_changes_the_permit() -> None:
    assert {case[0] for case in bent()} == {str(getattr(m, "__name__", "")).rsplit(".", 1)[-1] for m in MONITORS}


def test_near_liquidation_the_coins_of_that_money_reduce_and_no_others() -> None:
    pots = (PotSnapshot("perps", ("BTC",), 149.0, 100.0, 0.01), PotSnapshot("dex xyz", ("ETH",), 150.0, 100.0, 0.02))
    outlook = assess_all(account(pots=pots), LIMITS, RULES, NOW_NS)
    assert (outlook.state, outlook.reduce_only) == (GREEN, ("BTC",))
    assert "perps: equity 149.00 USD is under 1.5 times its maintenance margin 100.00 USD" in outlook.reasons[0]
    calm = (PotSnapshot("perps", ("BTC",), 5.0, 0.0, 10.0),)
    assert assess_all(account(pots=calm), LIMITS, RULES, NOW_NS).reduce_only == ()


def test_a_small_drawdown_never_kills_however_large_its_share() -> None:
    limits = msgspec.structs.replace(LIMITS, max_loss_usd=1e9, min_drawdown_usd=2_000.0)
    outlook = assess_all(account(marks=after_loss(1_100.0)), limits, RULES, NOW_NS)
    assert outlook.state == GREEN
    outlook = assess_all(account(marks=after_loss(2_000.0)), limits, RULES, NOW_NS)
    assert outlook.state == KILLED


@pytest.mark.parametrize(("age_s", "reduce", "cancel"), [(4.0, (), ()), (6.0, ("ETH",), ()), (NEVER, (), ("ETH",))])
def test_a_silent_coin_stops_alone(age_s: float, reduce: tuple[str, ...], cancel: tuple[str, ...]) -> None:
    outlook = assess_all(account(coins=(coin("BTC"), coin("ETH", feed_age_s=age_s))), LIMITS, RULES, NOW_NS)
    permit = decide(epoch=1, latch=Latch(), outlook=outlook, standing=Standing(GREEN), limits=LIMITS, rules=RULES)
    assert (permit.state, permit.reduce_only_coins, permit.cancel_only_coins) == (GREEN, reduce, cancel)


def test_a_coin_above_its_limit_only_reduces_and_the_others_go_on() -> None:
    outlook = assess_all(account(coins=(coin("BTC"), coin("ETH", 1_050.0))), LIMITS, RULES, NOW_NS)
    assert (outlook.state, outlook.reduce_only) == (GREEN, ("ETH",))


def test_a_hedged_book_is_not_above_its_net_limit() -> None:
    limits = msgspec.structs.replace(LIMITS, max_gross_usd=5_000.0, max_net_usd=400.0)
    hedged = account(coins=(coin("BTC", 900.0), coin("ETH", -900.0)))
    assert assess_all(hedged, limits, RULES, NOW_NS).state == GREEN
    turning = account(coins=(coin("BTC", 900.0), coin("ETH", -300.0, resting_usd=500.0)))
    assert assess_all(turning, limits, RULES, NOW_NS).state == REDUCE


def test_a_coin_without_a_limit_may_not_grow() -> None:
    outlook = assess_all(account(coins=(coin("BTC"), coin("DOGE", 10.0))), LIMITS, RULES, NOW_NS)
    assert outlook.reduce_only == ("DOGE",)


def test_ages_grow_with_the_age_of_the_snapshot() -> None:
    snapshot = account(watchdog_age_s=4.5)
    assert permit_state(snapshot) == GREEN
    assert permit_state(snapshot, NOW_NS + SECOND_NS) == CANCEL


def test_yellow_tightens_what_positions_may_grow_to_under_its_own_version() -> None:
    full = decide_for(account())
    yellow = decide_for(account(marks=after_loss(310.0)))
    assert (full.version, yellow.version) == (6, 7)
    assert yellow.coin("BTC").max_position_usd == 1_000.0
    assert yellow.max_gross_usd == 1_250.0
    assert yellow.coin("BTC").max_order_usd == full.coin("BTC").max_order_usd
    assert yellow.max_loss_usd == full.max_loss_usd


def decide_for(snapshot: Snapshot):  # type: ignore[no-untyped-def]  # noqa: ANN201 the limit set of a permit
    outlook = assess_all(snapshot, LIMITS, RULES, NOW_NS)
    standing = Standing(outlook.state)
    return decide(epoch=1, latch=Latch(), outlook=outlook, standing=standing, limits=LIMITS, rules=RULES).limits


def test_without_an_outlook_there_is_no_permit() -> None:
    permit = decide(epoch=1, latch=Latch(), outlook=None, standing=Standing(GREEN), limits=LIMITS, rules=RULES)
    assert permit.ttl_ns == 0
    assert permit.state == CANCEL
