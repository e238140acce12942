"""The authority between snapshots: two readings to kill, a latch only a person opens, better only in steps."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.domain.limits import RiskState
from portfolio_mm.risk.aggregate import Standing, settle
from portfolio_mm.risk.authority import FRESH_S, Authority
from portfolio_mm.risk.kill_switch import Latch, Suspicion, judge
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict
from tests.risk.sample import LIMITS, NOW_MS, NOW_NS, RULES, SECOND_NS, account, after_loss, coin

GREEN, YELLOW, REDUCE, CANCEL, KILLED = RiskState
LOST = after_loss(600.0)


def authority(latch: Latch = Latch()) -> Authority:  # noqa: B008 immutable
    return Authority(7, LIMITS, RULES, latch)


def look(judge_: Authority, snapshot: Snapshot | None, after_s: float = 0.0):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Review the snapshot as taken `after_s` later than the start."""
    now_ns = NOW_NS + round(after_s * SECOND_NS)
    moved = None if snapshot is None else msgspec.structs.replace(snapshot, taken_ns=now_ns)
    return judge_.review(moved, now_ns, NOW_MS)


def test_nothing_known_means_no_permit() -> None:
    assert look(authority(), None).permit.ttl_ns == 0


def test_an_old_snapshot_means_no_permit() -> None:
    risk = authority()
    assert look(risk, account()).permit.ttl_ns > 0
    late_ns = NOW_NS + round((FRESH_S + 0.1) * SECOND_NS)
    assert risk.review(account(), late_ns, NOW_MS).permit.ttl_ns == 0


def test_a_snapshot_of_another_clock_means_no_permit() -> None:
    early_ns = NOW_NS - round((FRESH_S + 0.1) * SECOND_NS)
    assert authority().review(account(), early_ns, NOW_MS).permit.ttl_ns == 0


def test_money_that_is_not_a_number_means_no_permit_and_no_kill() -> None:
    review = look(authority(), account(equity_usd=float("nan")))
    assert (review.permit.ttl_ns, review.kill) == (0, "")


def test_a_permit_carries_epoch_and_lifetime() -> None:
    permit = look(authority(), account()).permit
    assert (permit.epoch, permit.ttl_ns, permit.state) == (7, 3 * SECOND_NS, GREEN)


def test_a_kill_needs_a_second_reading_and_trading_stops_meanwhile() -> None:
    risk = authority()
    first = look(risk, account(marks=LOST))
    assert (first.kill, first.permit.state, first.permit.ttl_ns) == ("", CANCEL, 0)
    assert not look(risk, account(marks=LOST), 0.5).kill
    second = look(risk, account(marks=LOST), 1.1)
    assert "loss of the day 600.00 USD" in second.kill
    assert (second.permit.state, second.permit.ttl_ns) == (KILLED, 0)


def test_the_same_reading_twice_confirms_nothing() -> None:
    risk = authority()
    snapshot = account(marks=LOST)
    risk.review(snapshot, NOW_NS, NOW_MS)
    assert not risk.review(snapshot, NOW_NS + round(1.2 * SECOND_NS), NOW_MS).kill


def test_one_healthy_reading_between_takes_the_suspicion_back() -> None:
    risk = authority()
    look(risk, account(marks=LOST))
    look(risk, account(), 0.6)
    assert not look(risk, account(marks=LOST), 1.2).kill


@pytest.mark.parametrize("snapshot", [account(user_kill="enough"), account(marks=after_loss(760.0))])
def test_an_urgent_kill_needs_no_second_reading(snapshot: Snapshot) -> None:
    assert look(authority(), snapshot).kill


def test_a_kill_is_reported_once_and_stays() -> None:
    risk = authority()
    assert look(risk, account(user_kill="enough")).kill
    later = look(risk, account(), 10_000.0)
    assert (later.kill, later.permit.state) == ("", KILLED)
    assert later.permit.reasons == ("killed: user_kill: asked by a person: enough",)


def test_a_latch_read_from_disk_kills_from_the_first_look() -> None:
    assert look(authority(Latch("before the crash", NOW_MS)), account()).permit.state == KILLED


def test_the_first_reason_stays() -> None:
    risk = authority()
    risk.kill("first", NOW_MS)
    assert risk.kill("second", NOW_MS + 1).reason == "first"


@pytest.mark.parametrize("who", ["", "  "])
def test_nobody_cannot_resume(who: str) -> None:
    risk = authority(Latch("loss", NOW_MS))
    assert risk.resume(who)
    assert risk.latch.killed


def test_a_person_resumes_and_trading_returns() -> None:
    risk = authority(Latch("loss", NOW_MS))
    look(risk, account())
    assert risk.resume("ada") == ""
    assert look(risk, account(), 0.25).permit.state == GREEN


def test_resuming_is_refused_while_the_cause_is_there() -> None:
    risk = authority(Latch("position", NOW_MS))
    look(risk, account(coins=(coin("BTC", 5_000.0),)))
    assert "far above its limit" in risk.resume("ada")
    assert risk.latch.killed


def test_resuming_what_is_not_killed_is_refused() -> None:
    assert authority().resume("ada")


def test_the_first_start_has_nothing_to_return_from() -> None:
    risk = authority()
    assert look(risk, account(reconciled=False)).permit.ttl_ns == 0
    assert look(risk, account(), 0.25).permit.state == GREEN


def test_after_an_outage_trading_returns_in_steps() -> None:
    risk = authority()
    look(risk, account())
    assert look(risk, account(reconciled=False), 1.0).permit.state == CANCEL
    states = [look(risk, account(), 1.0 + 0.5 * i).permit.state for i in range(1, 20)]
    assert states == sorted(states, reverse=True)
    assert {CANCEL, REDUCE, YELLOW, GREEN} == set(states)
    assert states.index(GREEN) == 12


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(RiskState)), st.floats(0.0, 5.0)), max_size=60))
def test_the_standing_is_never_milder_than_the_verdicts_and_improves_one_step_at_a_time(
    path: list[tuple[RiskState, float]],
) -> None:
    standing, now_ns = Standing(GREEN), 0
    for state, wait_s in path:
        now_ns += round(wait_s * SECOND_NS)
        later = settle(standing, state, now_ns, 2.0)
        assert later.state >= state
        assert later.state >= standing.state - 1
        standing = later


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 3.0)), min_size=1, max_size=40))
def test_a_latch_follows_an_unbroken_row_of_readings_that_lasts(path: list[tuple[bool, float]]) -> None:
    pending: tuple[Suspicion, ...] = ()
    now_ns, since_ns = 0, None
    for bad, wait_s in path:
        now_ns += round(wait_s * SECOND_NS)
        since_ns = (now_ns if since_ns is None else since_ns) if bad else None
        verdict = Verdict("loss", KILLED if bad else GREEN, text="lost")
        judgement = judge(pending, (verdict,), now_ns, 1.0)
        assert bool(judgement.reason) == (since_ns is not None and now_ns - since_ns >= SECOND_NS)
        pending = judgement.pending
