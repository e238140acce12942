"""Reads over `POST /info`: weighed against the IP budget, with time-outs, and retried: a read changes nothing."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from portfolio_mm.domain.errors import MalformedMessage, VenueRefused, VenueUnreachable
from portfolio_mm.hyperliquid.limits import IpBudget, info_weight, item_weight

logger = logging.getLogger(__name__)

RETRIES: Final = 4
FIRST_BACKOFF_S: Final = 0.25
LONGEST_BACKOFF_S: Final = 8.0


class InfoClient:
    """Typed reads. `user` is always the master or sub-account address, never an agent's (HL §12.2)."""

    def __init__(
        self,
        base_url: str,
        session: aiohttp.ClientSession | None,
        budget: IpBudget,
        *,
        timeout_s: float = 5.0,
        max_wait_s: float = 15.0,
    ) -> None:
        self._url = base_url.rstrip("/") + "/info"
        self._session = session
        self._owned = session is None
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._max_wait_s = max_wait_s
        self.budget: Final = budget

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the HTTP session, when it is ours."""
        if self._owned and self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, request: Mapping[str, Any], *, urgent: bool = False) -> Any:
        """Ask, and give the decoded reply.

        Args:
            request: the body; `type` decides its weight.
            urgent: may use the weight kept in reserve (reconciliation, looking for lost orders).

        Raises:
            VenueUnreachable: no answer after retries, or the IP budget would need too long a wait.
            VenueRefused: the venue understood and said no (HTTP 4xx).
            MalformedMessage: the reply is not JSON.
        """
        kind = str(request.get("type", ""))
        pause, reason = FIRST_BACKOFF_S, ""
        for attempt in range(RETRIES + 1):
            await self._afford(info_weight(kind), urgent=urgent)
            status, body, reason = await self._ask(request)
            if status == 200:
                return self._decoded(kind, body)
            if status == 429:
                self.budget.throttled(time.monotonic())
            elif 400 <= status < 500:
                msg = f"/info {kind}: HTTP {status}: {body[:200]!r}"
                raise VenueRefused(msg)
            if attempt < RETRIES:
                logger.warning("/info %s: %s; again in %.2f s", kind, reason, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_BACKOFF_S)
        msg = f"/info {kind}: {reason}, {RETRIES + 1} times"
        raise VenueUnreachable(msg)

    async def _afford(self, weight: int, *, urgent: bool) -> None:
        """Wait for room in the IP budget, then book the weight."""
        now_s = time.monotonic()
        wait_s = self.budget.wait_s(weight, now_s, urgent=urgent)
        if wait_s > self._max_wait_s:
            msg = (
                f"IP budget: {self.budget.used(now_s)} of {self.budget.cap} weight used this minute, "
                f"{weight} more must wait {wait_s:.0f} s (limit {self._max_wait_s:.0f} s)"
            )
            raise VenueUnreachable(msg)
        self.budget.spend(weight, now_s + wait_s)
        if wait_s > 0.0:
            await asyncio.sleep(wait_s)

    async def _ask(self, request: Mapping[str, Any]) -> tuple[int, bytes, str]:
        """One HTTP exchange: status (0 when there was none), body, and what went wrong in words."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with self._session.post(self._url, json=dict(request), timeout=self._timeout) as response:
                return response.status, await response.read(), f"HTTP {response.status}"
        except TimeoutError:
            return 0, b"", f"no answer from {self._url} in {self._timeout.total} s"
        except aiohttp.ClientError as error:
            return 0, b"", f"{self._url}: {type(error).__name__} {error}"

    def _decoded(self, kind: str, body: bytes) -> Any:
        try:
            reply = json.loads(body)
        except ValueError as error:
            msg = f"/info {kind}: not JSON: {body[:160]!r}"
            raise MalformedMessage(msg) from error
        if isinstance(reply, list):
            extra = item_weight(kind, len(reply))
            if extra:
                self.budget.spend(extra, time.monotonic())
        return reply

    async def clearinghouse_state(self, user: str, dex: str = "") -> dict[str, Any]:
        """Perp positions and margin (HL §1.7)."""
        return _mapping(await self.post({"type": "clearinghouseState", "user": user, **_dex(dex)}, urgent=True))

    async def spot_state(self, user: str) -> dict[str, Any]:
        """Token balances (HL §1.8): the collateral in unified and portfolio-margin mode."""
        return _mapping(await self.post({"type": "spotClearinghouseState", "user": user}, urgent=True))

    async def open_orders(self, user: str, dex: str = "") -> list[dict[str, Any]]:
        """Resting orders, no more of them than coin, price and size (HL §1.9)."""
        return _rows(await self.post({"type": "openOrders", "user": user, **_dex(dex)}))

    async def frontend_open_orders(self, user: str, dex: str = "") -> list[dict[str, Any]]:
        """Resting orders with trigger fields and reduce-only (HL §1.9)."""
        return _rows(await self.post({"type": "frontendOpenOrders", "user": user, **_dex(dex)}, urgent=True))

    async def user_fills_by_time(self, user: str, start_ms: int, end_ms: int | None = None) -> list[dict[str, Any]]:
        """Fills from `start_ms` on, at most 2000 a reply (HL §1.12); `user.fills_of` makes structs of them."""
        end = {} if end_ms is None else {"endTime": end_ms}
        request = {"type": "userFillsByTime", "user": user, "startTime": start_ms, **end}
        return _rows(await self.post(request, urgent=True))

    async def order_status(self, user: str, oid: int | str) -> dict[str, Any]:
        """One order by oid or cloid text (HL §1.10); an old one may be `unknownOid` although it existed."""
        return _mapping(await self.post({"type": "orderStatus", "user": user, "oid": oid}, urgent=True))

    async def user_rate_limit(self, user: str) -> dict[str, Any]:
        """Address budget (HL §1.13)."""
        return _mapping(await self.post({"type": "userRateLimit", "user": user}))

    async def user_fees(self, user: str) -> dict[str, Any]:
        """Effective fee rates, as fractions in text (HL §1.14)."""
        return _mapping(await self.post({"type": "userFees", "user": user}))

    async def user_abstraction(self, user: str) -> str:
        """Account mode word (HL §8.6)."""
        return str(await self.post({"type": "userAbstraction", "user": user}))

    async def user_role(self, user: str) -> dict[str, Any]:
        """Role of an address; weight 60, ask once (HL §1.17)."""
        return _mapping(await self.post({"type": "userRole", "user": user}))

    async def exchange_status(self) -> dict[str, Any]:
        """Block time of the answering node and special windows (HL §1.19)."""
        return _mapping(await self.post({"type": "exchangeStatus"}))

    async def meta_and_ctxs(self, dex: str = "") -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Universe and contexts, index by index (HL §1.2, §1.3)."""
        reply = _rows(await self.post({"type": "metaAndAssetCtxs", **_dex(dex)}))
        if len(reply) != 2:
            msg = f"metaAndAssetCtxs: {len(reply)} parts, expected 2"
            raise MalformedMessage(msg)
        return _mapping(reply[0]), _rows(reply[1])

    async def meta(self, dex: str = "", *, urgent: bool = False) -> dict[str, Any]:
        """Universe and margin tables of a dex (HL §1.2)."""
        return _mapping(await self.post({"type": "meta", **_dex(dex)}, urgent=urgent))

    async def perp_dexs(self, *, urgent: bool = False) -> list[dict[str, Any] | None]:
        """Builder-deployed dexes; the place is the number, and the first is null (HL §1.1)."""
        return _rows(await self.post({"type": "perpDexs"}, urgent=urgent))

    async def coins_at_cap(self, dex: str = "") -> list[str]:
        """Coins at their cap of open interest (HL §1.19)."""
        return [str(coin) for coin in _rows(await self.post({"type": "perpsAtOpenInterestCap", **_dex(dex)}))]

    async def all_mids(self, dex: str = "", *, urgent: bool = False) -> dict[str, str]:
        """Mid by coin; the last price where the book is empty (HL §1.6)."""
        return _mapping(await self.post({"type": "allMids", **_dex(dex)}, urgent=urgent))

    async def user_funding(self, user: str, start_ms: int) -> list[dict[str, Any]]:
        """Funding payments from `start_ms` on (HL §1.15)."""
        return _rows(await self.post({"type": "userFunding", "user": user, "startTime": start_ms}))

    async def ledger_updates(self, user: str, start_ms: int) -> list[dict[str, Any]]:
        """Deposits, withdrawals, transfers from `start_ms` on, oldest first, at most 500 a reply (HL §1.1)."""
        request = {"type": "userNonFundingLedgerUpdates", "user": user, "startTime": start_ms}
        return _rows(await self.post(request, urgent=True))

    async def extra_agents(self, user: str) -> list[dict[str, Any]]:
        """Named agents and until when they are valid (HL §1.17)."""
        return _rows(await self.post({"type": "extraAgents", "user": user}))


def _dex(dex: str) -> dict[str, str]:
    return {"dex": dex} if dex else {}


def _mapping(reply: Any) -> dict[str, Any]:
    if isinstance(reply, dict):
        return reply
    msg = f"reply is {type(reply).__name__}, expected an object: {str(reply)[:120]}"
    raise MalformedMessage(msg)


def _rows(reply: Any) -> list[Any]:
    if isinstance(reply, list):
        return reply
    msg = f"reply is {type(reply).__name__}, expected a list: {str(reply)[:120]}"
    raise MalformedMessage(msg)
