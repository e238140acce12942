"""Speaking to a run, as a person does: the real command against a real gateway, without Ray."""

import asyncio
import json
from pathlib import Path

from portfolio_mm.actors.run_folder import RUN_LOCK
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.venue.settings import VenueSettings
from tests.actors.harness import Run, whole_run
from tests.cli.command import run


async def say(live: Run, *arguments: str) -> tuple[int, str]:
    return await asyncio.to_thread(run, *arguments, "--state-folder", live.spec.folder)


def latched(live: Run) -> str:
    store = StateStore(live.spec.files.state_db)
    try:
        state = store.kill_state()
        return "" if state is None else state.reason
    finally:
        store.close()


async def test_status_kill_resume_and_flatten_of_a_live_run(folder: Path) -> None:
    async with whole_run(folder, ("BTC",)) as live:
        await live.until(live.two_sided, "two-sided quotes")

        code, said = await say(live, "status", "--json")
        view = json.loads(said)
        assert code == 0
        assert view["coins"][0]["coin"] == "BTC"
        assert view["risk_state"] == RiskState.GREEN
        code, said = await say(live, "status")
        assert code == 0
        assert "BTC" in said
        assert "…" not in said

        code, said = await say(live, "kill", "--reason", "a drill", "--json")
        assert code == 0, said
        assert json.loads(said)["done"] is True
        assert "no open order" in said
        assert latched(live) == "a drill"
        assert await live.resting() == 0

        code, said = await say(live, "resume")
        assert code == 0, said
        assert latched(live) == ""
        await live.until(live.two_sided, "quotes after a resume")

        code, said = await say(live, "flatten")
        assert code == 0, said
        assert "closed" in said


async def test_a_kill_is_latched_although_the_gateway_is_dead(folder: Path) -> None:
    quiet = VenueSettings(coins=("BTC",), block_ms=50, ip_limit=False, fee_tier="rebate3")
    async with whole_run(folder, ("BTC",), without=("portfolio",), venue=quiet) as live:
        await live.until(lambda: live.view is not None, "a gateway")
        lock = live.spec.files.lock(RUN_LOCK)
        lock.take()  # a supervisor holds the folder
        await live.kill("gateway")
        code, said = await say(live, "status")
        assert code == 7
        assert "try again" in said
        code, said = await say(live, "kill", "--reason", "nobody answers")
        assert code == 1
        assert "latched in" in said
        assert "watchdog" in said
        assert latched(live) == "nobody answers"
        code, said = await say(live, "resume")
        assert code == 1
        assert "does not answer" in said
        assert latched(live) == "nobody answers"
        lock.release()


async def test_a_latch_that_cannot_be_written_does_not_keep_the_gateway_from_cancelling(folder: Path) -> None:
    async with whole_run(folder, ("BTC",)) as live:
        await live.until(live.two_sided, "two-sided quotes")
        live.spec.files.state_db.chmod(0o622)  # not to be trusted any more
        code, said = await say(live, "kill", "--reason", "a drill")
        assert code == 6
        assert "NOT latched" in said
        assert "chmod 600" in said
        await live.nothing_rests(5.0)
        live.spec.files.state_db.chmod(0o600)
