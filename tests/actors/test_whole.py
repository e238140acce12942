"""The whole run, without Ray, on the synthetic market of the local venue."""

import asyncio
from pathlib import Path

from portfolio_mm.actors.messages import Ask
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.storage.state_store import StateStore
from tests.actors.harness import Run, whole_run


def no_quotes(run: Run) -> bool:
    """Nothing rests, as the gateway knows it."""
    return run.view is not None and run.view.orders_open == 0


async def test_quotes_appear_on_both_sides_and_fills_change_positions(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        async with asyncio.timeout(30):  # of the moments after the view, some are those of a fill
            found = await run.resting()
            while found < 4:
                await asyncio.sleep(0.05)
                found = await run.resting()
        await run.until(lambda: run.view is not None and run.view.fills > 0, "a fill", 60)
        await run.until(
            lambda: run.view is not None and any(coin.fills and coin.inventory_lots for coin in run.view.coins),
            "a position in the coin that was filled",
        )
        await run.until(lambda: all(coin.allocation_version > 0 for coin in run.view.coins), "allocations")  # type: ignore[union-attr]


async def test_without_permits_everything_is_cancelled_and_returns_with_them(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.kill("risk")
        await run.until(lambda: no_quotes(run), "nothing resting without a permit", 10)
        assert await run.resting() == 0
        run.start("risk")
        await run.until(run.two_sided, "quotes again", 30)


async def test_a_kill_latches_and_survives_a_restart_of_risk_and_gateway(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        run.ask(Ask("kill", "a drill"))
        await run.until(lambda: any(answer.what == "kill" and answer.done for answer in run.answers), "killed")
        assert await run.resting() == 0
        assert StateStore(run.spec.files.state_db).kill_state() is not None
        for name in ("risk", "gateway"):
            await run.kill(name)
            run.start(name)
            await asyncio.sleep(0.5)
        await run.until(
            lambda: run.view is not None and run.view.reconciled and run.view.risk_state == RiskState.KILLED,
            "killed after the restart",
            30,
        )
        await asyncio.sleep(1.0)
        assert await run.resting() == 0
        async with asyncio.timeout(30):  # "try again" is the answer until risk has found the new gateway
            while not any(answer.what == "resume" and answer.done for answer in run.answers):
                run.ask(Ask("resume", "ada"))
                await asyncio.sleep(0.5)
        await run.until(run.two_sided, "quotes after a person resumed", 30)


async def test_a_flatten_holds_the_coins_until_a_person_resumes(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        run.ask(Ask("flatten"))
        await run.until(lambda: any(answer.what == "flatten" and answer.done for answer in run.answers), "flat", 40)
        assert await run.resting() == 0
        run.ask(Ask("resume", "ada"))
        await run.until(run.two_sided, "quotes after a person resumed", 30)


async def test_loss_of_the_relay_pulls_quotes_until_it_is_back(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.kill("relay")
        await run.until(lambda: no_quotes(run), "quotes pulled", 5)
        run.start("relay")
        await run.until(run.two_sided, "quotes again", 30)


async def test_a_coin_that_dies_loses_its_orders_and_resumes_what_it_learned(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        seen = {part.part: part.seen for part in run.coin("BTC").parts}
        await run.kill("coin:BTC")
        await run.until(
            lambda: run.view is not None and run.view.positions[0].open_orders == 0, "the gateway cancels for it", 5
        )
        run.start("coin:BTC")
        await run.until(run.two_sided, "quotes again", 30)
        now = {part.part: part.seen for part in run.coin("BTC").parts}
        assert now["vol"] >= seen["vol"]


async def test_a_gateway_that_dies_loses_its_orders_to_the_watchdog_and_trades_again(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        before = run.view.gateway_epoch if run.view is not None else 0
        await run.kill("gateway")
        await run.nothing_rests(15)
        run.start("gateway")
        await run.until(
            lambda: run.two_sided() and run.view is not None and run.view.gateway_epoch > before, "quotes again", 40
        )


async def test_without_a_watchdog_no_order_is_sent(tmp_path: Path) -> None:
    async with whole_run(tmp_path, without=("watchdog",)) as run:
        await run.until(lambda: run.view is not None and run.view.reconciled and len(run.view.coins) == 2, "a view")
        await asyncio.sleep(3.0)
        assert await run.resting() == 0
        assert run.view is not None
        assert any("watchdog" in reason for reason in run.view.risk_reasons)


async def test_an_orderly_stop_leaves_nothing_at_the_venue(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        run.ask(Ask("stop"))
        await run.until(lambda: any(answer.what == "stop" and answer.done for answer in run.answers), "stopped")
        assert await run.resting() == 0
