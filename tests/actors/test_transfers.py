"""A withdrawal is no drawdown and a deposit hides no loss: the whole run, on money that really moves at the venue."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eth_account
import msgspec
import pytest
from hyperliquid.exchange import Exchange

from portfolio_mm.actors.ending import finish
from portfolio_mm.domain.limits import RiskState
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.venue.admin import AdminRequest, perform
from portfolio_mm.venue.flows.flow import CoinContext
from portfolio_mm.venue.settings import PriceSource
from portfolio_mm.venue.state import CoinState
from tests.actors.harness import Run, whole_run

PATIENT = {"risk.max_loss_usd": 5_000.0}
"""The drawdown decides, not the loss of the day."""


async def by_owner(run: Run, act: Callable[[Exchange], Any]) -> Any:
    """Something only the master key may do, or an order of the same account from outside; the SDK blocks."""

    def work() -> Any:
        wallet = eth_account.Account.from_key(run.venue.accounts[0].key)
        exchange = Exchange(wallet, run.venue.url, timeout=10.0)
        try:
            return act(exchange)
        finally:
            exchange.session.close()
            exchange.info.session.close()

    reply = await asyncio.to_thread(work)
    assert reply["status"] == "ok"
    return reply


async def withdraw(run: Run, usd: float) -> None:
    await by_owner(run, lambda exchange: exchange.withdraw_from_bridge(usd, run.spec.venue.account))


async def buy(run: Run, coin: str, usd: float) -> None:
    size = usd / (run.venue.venue.state.by_coin[coin].context.mark_px)
    await by_owner(run, lambda exchange: exchange.market_open(coin, is_buy=True, sz=round(size, 4)))


def fall(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """From now on the venue marks every coin lower."""
    take = CoinState.take

    def lower(self: CoinState, context: CoinContext, now_ms: int, _source: PriceSource) -> None:
        mark_px = self.coin.px(self.coin.ticks(context.mark_px * (1.0 - share)))
        take(self, context._replace(mark_px=mark_px), now_ms, "flow")

    monkeypatch.setattr(CoinState, "take", lower)


def transferred(run: Run, usd: float) -> Callable[[], bool]:
    return lambda: run.view is not None and abs(run.view.net_transfers_usd - usd) < 1e-6


def killed(run: Run) -> bool:
    return run.view is not None and run.view.risk_state is RiskState.KILLED


async def test_a_withdrawal_larger_than_the_drawdown_limit_keeps_quoting_and_a_loss_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with whole_run(tmp_path, settings=PATIENT) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await withdraw(run, 1_500.0)
        await run.until(transferred(run, -1_500.0), "the withdrawal")
        before = 0 if run.view is None else run.view.gateway_epoch
        for name in ("gateway", "risk"):
            await run.kill(name)
            run.start(name)
        await run.until(
            lambda: run.two_sided() and run.view is not None and run.view.gateway_epoch > before, "quotes go on", 40
        )
        assert transferred(run, -1_500.0)()
        store = StateStore(run.spec.files.state_db)
        marks = store.high_water(run.spec.venue.account)
        assert marks is not None
        assert marks.transfers_usd == -1_500.0
        assert 9_900.0 < marks.peak_earned_usd < 10_100.0
        assert store.kill_state() is None
        for coin in ("BTC", "ETH"):
            await buy(run, coin, 2_000.0)
        fall(monkeypatch, 0.5)  # the coins sell some before
        await run.until(lambda: killed(run), "a real loss of that size kills", 40)
        latched = store.kill_state()
        assert latched is not None
        assert "drawdown" in latched.reason
        store.close()


async def test_a_deposit_does_not_hide_the_loss_that_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with whole_run(tmp_path, settings={"risk.max_loss_usd": 500.0}) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        perform(run.venue.venue, AdminRequest("deposit", user=run.spec.venue.account, usd=5_000.0))
        await run.until(transferred(run, 5_000.0), "the deposit")
        await run.until(run.two_sided, "quotes go on", 40)
        await buy(run, "BTC", 2_500.0)
        fall(monkeypatch, 0.5)  # the coin sells some before
        await run.until(lambda: killed(run), "a loss of a twentieth of the account kills", 40)
        with contextlib.closing(StateStore(run.spec.files.state_db)) as store:
            latched = store.kill_state()
        assert latched is not None
        assert "loss of the day" in latched.reason


async def test_the_report_counts_what_came_and_went(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        perform(run.venue.venue, AdminRequest("deposit", user=run.spec.venue.account, usd=700.0))
        await withdraw(run, 1_500.0)
        await run.until(transferred(run, -800.0), "both")
        said = await finish(run.spec, "a test")
        assert said["problem"] == ""
        report = msgspec.json.decode(await asyncio.to_thread(Path(said["report"]).read_bytes))
        account, closing = report["account"], report["closing"]
        assert account["net_transfers_usd"] == -800.0
        change_usd = account["end_equity_usd"] - account["start_equity_usd"] + 800.0
        assert closing["change_1e8"] == pytest.approx(change_usd * 1e8, abs=2)
        assert abs(closing["gap_1e8"]) < 10**8
        assert f"{change_usd:+,.4f} USD in this run" in said["text"]
        assert account["drawdown_usd"] < 100.0
