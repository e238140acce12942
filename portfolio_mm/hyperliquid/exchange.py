"""Signed actions to the venue: over the websocket when it is up, else over HTTP; never the same action twice by itself.

What a failure means decides everything after it: VenueUnreachable (nothing was sent), VenueRefused (it was refused
before it was looked at), OutcomeUnknown (it may have happened: resend the same bytes, or ask).
"""

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import aiohttp
import msgspec

from portfolio_mm.domain.errors import OutcomeUnknown, VenueError, VenueRefused, VenueUnreachable
from portfolio_mm.hyperliquid.answer import ActionAnswer, read_legs
from portfolio_mm.hyperliquid.encode import Action, frees, legs
from portfolio_mm.hyperliquid.limits import IpBudget, exchange_weight
from portfolio_mm.hyperliquid.signer import Signature, Signer
from portfolio_mm.hyperliquid.websocket import VenueSocket

_ENCODER: Final = msgspec.json.Encoder()


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """Body of `POST /exchange` and payload of a post of type `action` (HL §2.1)."""

    action: Action
    nonce: int
    signature: Signature
    vault_address: str | None
    expires_after: int | None


class Signed(msgspec.Struct, frozen=True):
    """A signed action: its envelope, and how many legs it has. Sending it again sends the same bytes."""

    envelope: Envelope
    legs: int

    @property
    def nonce(self) -> int:
        """The nonce it was signed with."""
        return self.envelope.nonce


class Meter(Protocol):
    """Told how every action fared, whoever sent it."""

    def answered(self, error: str, count: int, *, cancel: bool) -> None:
        """The venue took an action of `count` legs, or refused it whole with `error`."""
        ...

    def failed(self, error: VenueError, count: int) -> None:
        """It was not answered."""
        ...


class Unmetered:
    """Nobody counts."""

    def answered(self, error: str, count: int, *, cancel: bool) -> None:
        """Nothing."""

    def failed(self, error: VenueError, count: int) -> None:
        """Nothing."""


UNMETERED: Final = Unmetered()


class ExchangeClient:
    """The only way out for actions. One signer, one account; `vault` is the sub-account or vault traded for."""

    def __init__(
        self,
        ws: VenueSocket,
        session: aiohttp.ClientSession,
        signer: Signer,
        base_url: str,
        *,
        mainnet: bool,
        vault: str | None = None,
        budget: IpBudget | None = None,
        timeout_s: float = 5.0,
        meter: Meter = UNMETERED,
    ) -> None:
        self._meter = meter
        self._ws = ws
        self._session = session
        self._signer = signer
        self._url = base_url.rstrip("/") + "/exchange"
        self._mainnet = mainnet
        self._vault = None if vault is None else vault.lower()
        self._budget = IpBudget() if budget is None else budget
        self._timeout_s = timeout_s

    @property
    def address(self) -> str:
        """Address of the signing key (usually an agent's)."""
        return self._signer.address

    def sign(self, action: Action, nonce: int, expires_after: int | None = None) -> Signed:
        """Sign without sending; times in Unix ms."""
        signature = self._signer.sign_l1(
            action, nonce, vault=self._vault, expires_after=expires_after, mainnet=self._mainnet
        )
        return Signed(Envelope(action, nonce, signature, self._vault, expires_after), legs(action))

    async def send(self, action: Action, nonce: int, expires_after: int | None = None) -> ActionAnswer:
        """Sign and send.

        Raises:
            VenueUnreachable: nothing was sent.
            VenueRefused: HTTP 4xx or a full queue: the action was not looked at.
            OutcomeUnknown: sent, and no readable answer came.
        """
        return await self.send_signed(self.sign(action, nonce, expires_after))

    async def send_signed(self, signed: Signed, written: Callable[[], None] | None = None) -> ActionAnswer:
        """Send what is signed; HTTP only when the websocket sent nothing. Raises as `send`.

        `written` is called once the websocket has taken the bytes, or before they are given to HTTP.
        """
        sent_ns = time.monotonic_ns()
        self._budget.spend(exchange_weight(signed.legs), time.monotonic())
        cancel = frees(signed.envelope.action)
        try:
            try:
                request = {"type": "action", "payload": signed.envelope}
                payload = await self._ws.post(request, self._timeout_s, written, cancel=cancel)
            except VenueUnreachable:
                sent_ns = time.monotonic_ns()
                if written is not None:
                    written()
                payload = await self._post(signed)
            answered, error = read_legs(payload, signed.legs)
        except VenueError as failure:
            self._meter.failed(failure, signed.legs)
            raise
        self._meter.answered(error, signed.legs, cancel=cancel)
        return ActionAnswer(answered, error, signed.nonce, sent_ns, time.monotonic_ns())

    async def resend(self, signed: Signed) -> ActionAnswer:
        """Send the same bytes again: the nonce makes it idempotent. Raises as `send`.

        A "duplicate nonce" error then means the first one arrived, not that nothing happened.
        """
        return await self.send_signed(signed)

    async def _post(self, signed: Signed) -> Any:
        """One HTTP attempt."""
        body = _ENCODER.encode(signed.envelope)
        timeout = aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=self._timeout_s / 2)
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(self._url, data=body, headers=headers, timeout=timeout) as response:
                status, text = response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            msg = f"{self._url}: {error}; nothing was sent"
            raise VenueUnreachable(msg) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            msg = f"{self._url}: {type(error).__name__} {error} after sending nonce {signed.nonce}"
            raise OutcomeUnknown(msg) from error
        return _decoded(status, text, f"{self._url} nonce {signed.nonce}")


def _decoded(status: int, text: bytes, what: str) -> Any:
    """Payload of an HTTP answer, or the error its status stands for."""
    if 400 <= status < 500:
        msg = f"{what}: HTTP {status}: {text[:200]!r}"
        raise VenueRefused(msg)
    if status != 200:
        msg = f"{what}: HTTP {status}: {text[:200]!r}"
        raise OutcomeUnknown(msg)
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        msg = f"{what}: unreadable answer {text[:200]!r}"
        raise OutcomeUnknown(msg) from error
