"""The gateway actor: takes the account, cancels what it finds, reads the truth, then trades for the coins.

gateway = Gateway(config)       only stores
await gateway.run()             one life; raises when the world fails, and may be called again
gateway.endpoint()              where the hub listens, empty before it does
await gateway.stop()            orderly: cancel all, verify with the venue, let go of the account
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.others import started
from portfolio_mm.actors.gateway.own_order import key_of
from portfolio_mm.actors.gateway.parts import Parts, build
from portfolio_mm.actors.gateway.rhythm import MS_PER_DAY, Rhythm
from portfolio_mm.actors.gateway.session import Session
from portfolio_mm.actors.gateway.singleton import NodeLock, Ownership
from portfolio_mm.domain.cloid import MAX_RUN
from portfolio_mm.domain.errors import (
    AlreadyRunningError,
    MalformedMessage,
    OtherInstanceError,
    PreflightError,
    VenueError,
)
from portfolio_mm.domain.events import CoinMode
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.hyperliquid.encode import update_leverage_action
from portfolio_mm.hyperliquid.self_check import check_signing
from portfolio_mm.storage.state_store import StateStore

LOG: Final = logging.getLogger(__name__)
CONNECT_S: Final = 10.0
WATCH_STEP_S: Final = 1.0
YIELD_LOOK_S: Final = 0.1
YIELD_S: Final = 5.0
"""How long the last cancels may take when we leave the account to an older instance."""
GOODBYE_S: Final = 0.3
"""How long peers may read that this is an orderly end."""


class Gateway:
    """The only writer to the venue for one account."""

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._endpoint = ""
        self._stopping = asyncio.Event()
        self._stopped_text = ""
        self._rhythm: Rhythm | None = None
        self._ready = asyncio.Event()
        self._signs = False
        self.now_s: Callable[[], float] = time.time
        """Wall clock that names the run."""

    def endpoint(self) -> str:
        """Where the hub listens; empty before it does."""
        return self._endpoint

    async def ready(self) -> None:
        """Wait until the hub listens and the ledger equals venue truth."""
        await self._ready.wait()

    def status(self) -> dict[str, object]:
        """A few words for supervisors."""
        view = self._rhythm.view() if self._rhythm is not None else None
        return {
            "endpoint": self._endpoint,
            "reconciled": view is not None and view.reconciled,
            "orders_open": 0 if view is None else view.orders_open,
            "risk_state": "" if view is None else view.risk_state.name,
            "malformed": 0 if view is None else view.malformed,
        }

    async def stop(self) -> str:
        """End in order; gives what the venue said about open orders. Without a running life nothing is done."""
        if self._rhythm is None:
            self._stopping.set()
            return "the gateway was not running"
        answer = await self._rhythm.requests.stop()
        await asyncio.sleep(GOODBYE_S)
        self._stopped_text = answer.text
        self._stopping.set()
        return answer.text

    async def run(self) -> None:
        """One life, until `stop`.

        Raises:
            AlreadyRunningError: another gateway holds the account and cannot be ended.
            SignatureMismatch: our signatures are not the official SDK's; nothing was sent.
            OtherInstanceError: one with another state folder trades on it.
            PreflightError, ConfigurationError, StateError, VenueError: the account cannot be traded on now.
        """
        lock = NodeLock(Path(self._config.lock_file))
        await lock.take()
        try:
            async with contextlib.AsyncExitStack() as stack:
                await self._live(stack)
        finally:
            self._rhythm = None
            self._ready.clear()
            lock.release()

    async def _live(self, stack: contextlib.AsyncExitStack) -> None:
        config, now_s = self._config, self.now_s()
        store = StateStore(config.state_db)
        stack.callback(store.close)
        owner = Ownership(store, config.account.lower())
        epoch = owner.take(int(now_s * 1000))
        session = Session(config.token_file)
        parts = await build(config, store, session.hub, stack, epoch=epoch, run=int(now_s) & MAX_RUN)
        checking = asyncio.ensure_future(asyncio.to_thread(self._check_signing))  # beside the first readings
        stack.callback(checking.cancel)
        rhythm = Rhythm(parts, session)
        session.begin(parts, rhythm.requests)
        self._endpoint = await session.hub.start(config.hub, config.tls)
        if config.outpost is not None:
            await session.hub.open_outpost(config.outpost.address, config.outpost.tls, config.outpost.token)
        stack.push_async_callback(session.close)
        await self._work(parts, rhythm, owner, checking)

    def _check_signing(self) -> None:
        """Once in a process: what the official SDK signs, we sign."""
        if not self._signs:
            config, began_s = self._config, time.monotonic()
            count = check_signing(config.key_path, config.instruments, mainnet=config.mainnet, vault=config.vault)
            LOG.info("%d signatures equal the official SDK's (%.2f s)", count, time.monotonic() - began_s)
            self._signs = True

    async def _work(self, parts: Parts, rhythm: Rhythm, owner: Ownership, checking: "asyncio.Future[None]") -> None:
        """All loops at once; the first that fails ends the life."""
        self._rhythm = rhythm
        loops = [
            asyncio.ensure_future(loop)
            for loop in (
                self._begin(parts, rhythm, owner, checking),
                rhythm.listen(),
                rhythm.reconcile(),
                rhythm.watch_account(),
                parts.lookout.run(),
                parts.weight.run(),
                rhythm.hold(),
                rhythm.pulse(),
                rhythm.keep(),
                rhythm.settle(),
                self._guard_ownership(owner),
                self._yield_to_others(parts),
            )
        ]
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            done, _ = await asyncio.wait([stopped, *loops], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, *loops):
                task.cancel()
            await asyncio.gather(stopped, *loops, return_exceptions=True)
        for task in done:
            task.result()
        owner.release(int(time.time() * 1000))
        LOG.info("stopped: %s", self._stopped_text)

    async def _begin(self, parts: Parts, rhythm: Rhythm, owner: Ownership, checking: "asyncio.Future[None]") -> None:
        """Clear the account; the loops that wait for this then read the truth and trade."""
        await parts.socket.wait_connected(CONNECT_S)
        truth = await parts.reconciler.begin()
        await self._look_for_others(parts)
        now_ms = parts.clock.now_ms(time.monotonic_ns())
        parts.budgets.day.restore(parts.store.day_actions(parts.config.account, now_ms // MS_PER_DAY), now_ms)
        await checking  # nothing is signed for the venue before
        await self._clear(parts)
        if not owner.was_released:  # what the predecessor had in flight lands or expires within its last permit
            LOG.warning("the account was not released in order: waiting %.0f s", parts.config.permit_ttl_s)
            await asyncio.sleep(parts.config.permit_ttl_s)
            await self._clear(parts)
        await _set_leverage(parts, truth)
        rhythm.cleared.set()
        await rhythm.ready.wait()
        self._ready.set()
        await self._stopping.wait()

    async def _clear(self, parts: Parts) -> None:
        left = await parts.reconciler.clear()
        if left:
            msg = f"{len(left)} orders on our coins could not be cancelled; nothing is traded until they are"
            raise PreflightError(msg)

    async def _look_for_others(self, parts: Parts) -> None:
        """Orders of another run of this program: left over by a crash, or is it alive? Nothing is cancelled before.

        Raises:
            OtherInstanceError: new ones appeared while we watched.
        """
        others, began_ms = parts.others, parts.clock.now_ms(time.monotonic_ns())
        late_ms = began_ms + int(parts.config.permit_ttl_s * 1_000)  # what a crashed one had in flight lands before
        rows = await parts.reconciler.open_on_our_coins()
        if any(others.foreign_run(key_of(row.cloid)) for row in rows):
            LOG.warning("orders of another run of this program rest here: watching for %.0f s", parts.config.watch_s)
            until_s = time.monotonic() + parts.config.watch_s
            while time.monotonic() < until_s:
                await asyncio.sleep(WATCH_STEP_S)
                for row in await parts.reconciler.open_on_our_coins():
                    run = others.foreign_run(key_of(row.cloid))
                    if run and row.placed_ms > late_ms:
                        seen = f"{row.coin} order {row.oid} was placed by its run {started(run)} while we watched"
                        await self._give_up(seen)
            LOG.warning("nothing new came: the other run is taken for dead, its orders are cancelled")
        others.alive_from_ms = max(late_ms, parts.clock.now_ms(time.monotonic_ns()))

    async def _give_up(self, seen: str) -> NoReturn:
        if self._rhythm is not None:
            self._rhythm.refused = True
        await asyncio.sleep(GOODBYE_S)  # the watchdog must hear that these orders are not its own
        msg = (
            f"another instance trades on account {self._config.account} (not from {self._config.state_db}): {seen}. "
            "Stop it first, or give this one another account or sub-account"
        )
        raise OtherInstanceError(msg)

    async def _yield_to_others(self, parts: Parts) -> None:
        """Of two living instances the younger one leaves: it cancels its own orders, and no others.

        Raises:
            OtherInstanceError: an older one is alive.
        """
        while not parts.others.superior:  # noqa: ASYNC110 - it comes with a row of a stream
            await asyncio.sleep(YIELD_LOOK_S)
        parts.guard.modes[:] = [CoinMode.CANCEL_ONLY] * len(parts.guard.modes)
        until_s = time.monotonic() + YIELD_S
        while time.monotonic() < until_s:
            parts.desk.cancel_all()
            parts.dispatch.wake()
            if all(order.over for order in parts.ledger.orders()):
                break
            await asyncio.sleep(YIELD_LOOK_S)
        await self._give_up(parts.others.superior)

    async def _guard_ownership(self, owner: Ownership) -> None:
        """A gateway that was superseded ends at once."""
        while True:
            await asyncio.sleep(1.0)
            if not await asyncio.to_thread(owner.holds):
                msg = "another gateway took over this account"
                raise AlreadyRunningError(msg)


async def _set_leverage(parts: Parts, truth: AccountTruth) -> None:
    """Leverage fixes initial margin; where it cannot be set, margin is counted with what is known, or in full."""
    held = {position.coin: position.leverage for position in truth.positions}
    for instrument in parts.ledger.instruments:
        wanted = min(parts.market.leverage[instrument.index], instrument.max_leverage)
        if held.get(instrument.coin) == wanted:
            continue
        action = update_leverage_action(instrument.asset, wanted, is_cross=not instrument.only_isolated)
        nonce = parts.nonces.next(parts.clock.now_ms(time.monotonic_ns()))
        try:
            answer = await parts.exchange.send(action, nonce)
            problem = "" if answer.accepted else answer.error
        except (VenueError, MalformedMessage) as error:
            problem = str(error)
        if problem:
            LOG.warning("%s: leverage %d was not set: %s", instrument.coin, wanted, problem)
            parts.market.leverage[instrument.index] = min(wanted, held.get(instrument.coin, 1))
