"""The risk actor: permits answer requests, kills are on disk before they are said, a restart stays killed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from portfolio_mm.actors.messages import Answer, Ask, KillOrder, PermitAnswer, PermitRequest, View
from portfolio_mm.actors.risk import Risk, RiskConfig
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.domain.errors import StateError
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.storage.state_store import StateStore
from tests.actors.hub import Hub
from tests.actors.sample import INSTRUMENTS, view, with_feed_age
from tests.actors.test_fallbacks import full_disk
from tests.actors.waiting import until
from tests.risk.sample import LIMITS, RULES


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    folder = RunFolder(tmp_path)
    folder.create()
    hub = Hub(folder.sockets)
    await hub.start()
    yield hub
    await hub.stop()


@contextlib.asynccontextmanager
async def running(hub: Hub, folder: Path) -> AsyncIterator[Risk]:
    config = RiskConfig(
        account="0xabc",
        state_db=str(folder / "state.db"),
        token_file=str(hub.token_file),
        limits=LIMITS,
        rules=RULES,
        instruments=INSTRUMENTS,
    )
    risk = Risk(config, hub.directory)
    task = asyncio.create_task(risk.run())
    try:
        await until(lambda: "risk" in hub.peers, "risk joins")
        yield risk
    finally:
        await risk.stop()
        await task
        await until(lambda: "risk" not in hub.peers, "risk leaves")


async def permit(hub: Hub, whole: View, asked_ns: int) -> PermitAnswer:
    hub.say("risk", PermitRequest(gateway_epoch=1, asked_ns=asked_ns, view=whole))

    def answered() -> bool:
        answer = hub.last("risk", PermitAnswer)
        return answer is not None and answer.asked_ns == asked_ns

    await until(answered, "an answer")
    found = hub.last("risk", PermitAnswer)
    assert found is not None
    return found


async def test_a_healthy_account_gets_a_permit_that_returns_the_askers_clock(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        answer = await permit(hub, view(), asked_ns=41)
        assert answer.permit.state == RiskState.GREEN
        assert answer.permit.ttl_ns == 3_000_000_000
        assert answer.permit.epoch == hub.hellos[-1].epoch == 1


async def test_an_account_not_reconciled_gets_none(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        assert (await permit(hub, view(reconciled=False), asked_ns=1)).permit.ttl_ns == 0


async def test_a_silent_feed_restricts_its_coin(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        answer = await permit(hub, with_feed_age(view(), "ETH", 7.0), asked_ns=1)
        assert answer.permit.reduce_only_coins == ("ETH",)


async def test_a_kill_is_on_disk_before_it_is_said_and_survives_a_restart(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path) as risk:
        await permit(hub, view(), asked_ns=1)
        assert "smells wrong" in await risk.kill("smells wrong")
        killed = StateStore(tmp_path / "state.db").kill_state()
        assert killed is not None
        assert killed.reason == "smells wrong"
        await until(lambda: hub.last("risk", KillOrder) is not None, "the order to kill")
    async with running(hub, tmp_path) as risk:
        answer = await permit(hub, view(), asked_ns=2)
        assert answer.permit.state == RiskState.KILLED
        assert answer.permit.ttl_ns == 0
        assert answer.permit.epoch == 2
        assert await risk.resume("") != ""
        assert await risk.resume("ada") == ""
        assert (await permit(hub, view(), asked_ns=3)).permit.ttl_ns > 0


async def test_kill_and_resume_are_also_asked_over_the_hub(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        await permit(hub, view(), asked_ns=1)
        hub.say("risk", Ask("kill", "drill"))
        await until(lambda: hub.last("risk", Answer) is not None, "an answer")
        assert (await permit(hub, view(), asked_ns=2)).permit.state == RiskState.KILLED
        hub.say("risk", Ask("resume", "ada"))
        await until(lambda: (hub.last("risk", Answer) or Answer("", done=False, text="")).what == "resume", "resumed")
        assert (await permit(hub, view(), asked_ns=3)).permit.state < RiskState.KILLED


async def test_a_latch_set_by_another_process_is_seen(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        await permit(hub, view(), asked_ns=1)
        StateStore(tmp_path / "state.db").latch_kill("by hand, gateway dead", 5)
        await until(lambda: hub.last("risk", KillOrder) is not None, "the order to kill")
        assert (await permit(hub, view(), asked_ns=2)).permit.state == RiskState.KILLED


async def test_loss_while_away_counts_and_kills_after_a_second_reading(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        await permit(hub, view(equity_usd=10_000.0), asked_ns=1)
    async with running(hub, tmp_path):
        first = await permit(hub, view(equity_usd=9_400.0), asked_ns=2)
        assert first.permit.ttl_ns == 0
        assert StateStore(tmp_path / "state.db").kill_state() is None
        hub.say("risk", view(equity_usd=9_400.0))
        for asked in range(3, 200):
            if (await permit(hub, view(equity_usd=9_400.0), asked_ns=asked)).permit.state == RiskState.KILLED:
                break
            await asyncio.sleep(0.05)
        assert StateStore(tmp_path / "state.db").kill_state() is not None
        assert hub.last("risk", KillOrder) is not None


async def test_a_peak_is_on_disk_before_it_is_answered_for(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        await permit(hub, view(equity_usd=10_000.0), asked_ns=1)
        await permit(hub, view(equity_usd=12_000.0), asked_ns=2)
        with contextlib.closing(StateStore(tmp_path / "state.db")) as store:
            marks = store.high_water("0xabc")
        assert marks is not None
        assert (marks.peak_earned_usd, marks.equity_usd) == (12_000.0, 12_000.0)
    async with running(hub, tmp_path):
        answer = await permit(hub, view(equity_usd=10_700.0), asked_ns=3)
        assert any("drawdown" in reason for reason in answer.permit.reasons)


async def test_a_withdrawal_while_away_is_no_loss(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        await permit(hub, view(equity_usd=10_000.0, transfers_usd=500.0), asked_ns=1)
    async with running(hub, tmp_path):
        answer = await permit(hub, view(equity_usd=7_000.0, transfers_usd=-2_500.0, run=8), asked_ns=2)
        assert answer.permit.state == RiskState.GREEN
        assert answer.permit.reasons == ()


async def test_a_position_without_a_mark_is_not_taken_for_none(hub: Hub, tmp_path: Path) -> None:
    whole = view()
    odd = msgspec.structs.replace(whole.positions[0], szi_lots=10_000, mark_px=0.0)
    async with running(hub, tmp_path):
        answer = await permit(hub, msgspec.structs.replace(whole, positions=(odd, *whole.positions[1:])), asked_ns=1)
        assert answer.permit.ttl_ns == 0


async def test_a_kill_the_disk_refuses_is_said_at_once_and_latched_when_the_disk_is_back(
    hub: Hub, tmp_path: Path
) -> None:
    async with running(hub, tmp_path) as risk:
        await permit(hub, view(), asked_ns=1)
        with full_disk(), pytest.raises(StateError):
            await risk.kill("a drill")
        await until(lambda: hub.last("risk", KillOrder) is not None, "the order to kill")
        with contextlib.closing(StateStore(tmp_path / "state.db")) as store:
            await until(lambda: store.kill_state() is not None, "the latch")
            assert store.kill_state().reason == "a drill"  # type: ignore[union-attr]
        assert (await permit(hub, view(), asked_ns=2)).permit.state == RiskState.KILLED


async def test_a_risk_actor_that_was_superseded_ends_and_leaves_the_marks_alone(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path) as former:
        await permit(hub, view(equity_usd=10_000.0), asked_ns=1)
        with contextlib.closing(StateStore(tmp_path / "state.db")) as store:
            store.take("risk", "0xabc", "its successor", 5)
            kept = store.high_water("0xabc")
            hub.say("risk", PermitRequest(gateway_epoch=1, asked_ns=2, view=view(equity_usd=11_000.0)))
            await until(lambda: not former.status()["hub"], "the former one hangs up")
            assert store.high_water("0xabc") == kept
        last = hub.last("risk", PermitAnswer)
        assert last is not None
        assert last.asked_ns == 1


async def test_the_hub_may_restart(hub: Hub, tmp_path: Path) -> None:
    async with running(hub, tmp_path):
        await permit(hub, view(), asked_ns=1)
        await hub.stop()
        await until(lambda: "risk" not in hub.peers, "risk lost")
        await hub.start()
        await until(lambda: "risk" in hub.peers, "risk joins again")
        assert (await permit(hub, view(), asked_ns=2)).permit.ttl_ns > 0
