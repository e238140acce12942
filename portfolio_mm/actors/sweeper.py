"""Cancelling everything an account has resting, over REST, with an agent key of its own: the last line of defence."""

import time
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import msgspec

from portfolio_mm.domain.errors import MalformedMessage, VenueError, VenueRefused
from portfolio_mm.hyperliquid.answer import ActionAnswer
from portfolio_mm.hyperliquid.encode import Action, cancel_action, schedule_cancel_action
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_assets
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.websocket import VenueSocket

BATCH: Final = 39
"""Cancels in one action: more would cost more than one IP weight (HL §2.2)."""
SPOT_ASSETS: Final = 10_000
FIRST_SPOT: Final = "PURR/USDC"


class Target(msgspec.Struct, frozen=True):
    """Which account at which venue, and the path of the key to cancel with."""

    account: str
    url: str
    ws_url: str
    mainnet: bool
    key_path: str
    vault: str | None = None
    dexes: tuple[str, ...] = ("",)
    """Perp dexes to look at; the venue lists the orders of one at a time."""


class Sweeper:
    """Use as `async with`. Every method raises VenueError when the venue cannot be reached or refuses."""

    def __init__(self, target: Target, budget: IpBudget | None = None) -> None:
        self._target = target
        self._budget = IpBudget() if budget is None else budget
        self._session: aiohttp.ClientSession | None = None
        self._assets: dict[str, int] = {}
        self._known: set[str] = set()
        self._nonce = 0

    async def __aenter__(self) -> Self:
        target = self._target
        self._session = aiohttp.ClientSession()
        self._info = InfoClient(target.url, self._session, self._budget, max_wait_s=2.0, timeout_s=3.0)
        self._exchange = ExchangeClient(
            VenueSocket(target.ws_url, ()),  # never started: all goes over HTTP
            self._session,
            Signer.from_file(Path(target.key_path)),
            target.url,
            mainnet=target.mainnet,
            vault=target.vault,
            budget=self._budget,
            timeout_s=3.0,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    @property
    def info(self) -> InfoClient:
        """Reads, impatient ones."""
        return self._info

    async def send(self, action: Action, expires_ms: int | None = None) -> ActionAnswer:
        """Sign with the next nonce and send; raises as `ExchangeClient.send`."""
        return await self._exchange.send(action, self._next_nonce(), expires_ms)

    async def resting(self) -> list[dict[str, Any]]:
        """Open orders as the venue lists them, of every dex of the target."""
        lists = [await self._resting_on(dex) for dex in self._target.dexes]
        return [order for orders in lists for order in orders]

    async def _resting_on(self, dex: str) -> list[dict[str, Any]]:
        return await self._info.frontend_open_orders(self._target.account, dex)

    async def sweep(self) -> int:
        """Cancel everything that rests now; how many orders there were. Call again until it says 0.

        Raises:
            VenueRefused: the venue would not cancel.
            MalformedMessage: an order has no asset number here. All others were cancelled first.
            VenueError: a dex could not be read. The others were swept first.
        """
        count, failed = 0, None
        for dex in self._target.dexes:
            try:
                count += await self._sweep_dex(dex)
            except (VenueError, MalformedMessage) as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return count

    async def _sweep_dex(self, dex: str) -> int:
        orders = await self._resting_on(dex)
        if orders and dex not in self._known:
            self._assets |= await load_assets(self._info, (dex,))
            self._known.add(dex)
        found = [(self._asset(order["coin"]), int(order["oid"])) for order in orders]
        cancels = [(asset, oid) for asset, oid in found if asset is not None]
        for start in range(0, len(cancels), BATCH):
            action = cancel_action(cancels[start : start + BATCH])
            answer = await self._exchange.send(action, self._next_nonce())
            if not answer.accepted:
                msg = f"cancel refused: {answer.error}"
                raise VenueRefused(msg)
        unknown = sorted({str(order["coin"]) for order, (asset, _) in zip(orders, found, strict=True) if asset is None})
        if unknown:
            msg = f"open orders on {', '.join(unknown)}, which the venue's universe does not list: cancel them by hand"
            raise MalformedMessage(msg)
        return len(orders)

    async def arm(self, ahead_s: float | None) -> str:
        """Set the venue's dead man's switch this far ahead, or clear it with None; empty, or why not (HL §2.6)."""
        when_ms = None if ahead_s is None else _now_ms() + round(ahead_s * 1_000)
        answer = await self._exchange.send(schedule_cancel_action(when_ms), self._next_nonce())
        return answer.error

    async def traded_usd(self) -> float:
        """Volume of the account's life, which the dead man's switch asks for."""
        return float((await self._info.user_rate_limit(self._target.account))["cumVlm"])

    def _asset(self, coin: str) -> int | None:
        """Asset number in actions; the first spot pair has a name, all others are called by their index (HL §1.4)."""
        if coin in self._assets:
            return self._assets[coin]
        if coin == FIRST_SPOT:
            return SPOT_ASSETS
        return SPOT_ASSETS + int(coin[1:]) if coin.startswith("@") and coin[1:].isdecimal() else None

    def _next_nonce(self) -> int:
        self._nonce = max(self._nonce + 1, _now_ms())
        return self._nonce


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
