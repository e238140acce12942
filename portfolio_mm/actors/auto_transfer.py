"""Money in the wrong wallet, cured by the agent itself: USDC from spot to perps before a start (HL §2.8, §8.7).

Off unless asked for, standard mode only, never beyond `account.auto_transfer_max_usd`, never to another user. The
signed bytes are on disk before they are sent, and no second transfer is made while one is open. An open one, of this
start or of one that was killed, is closed only by

- its row in the account's ledger, which carries its nonce: done;
- the venue's refusal: void, it said why;
- an accepted `noop` with its nonce: void, it can never land;
- a used nonce without any row for LEDGER_S: void, the venue refused it then.

An answer that is lost is asked for again with the same bytes: their nonce lets them happen at most once.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from portfolio_mm.domain.errors import MalformedMessage, OutcomeUnknown, PreflightError, VenueError, VenueUnreachable
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import grid_text, usd_1e8
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.account import MODE_WORDS, AccountTruth, read_account
from portfolio_mm.hyperliquid.answer import ActionAnswer
from portfolio_mm.hyperliquid.encode import agent_spot_to_perps_action, noop_action
from portfolio_mm.hyperliquid.exchange import Envelope, ExchangeClient, Signed
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.storage.transfer_store import TransferIntent, TransferStore

LEAST_1E8: Final = USD_1E8
"""Less than a dollar is not worth an action."""
CENT_1E8: Final = 1_000_000
SEEN_S: Final = 15.0
LEDGER_S: Final = 600.0
"""A row of the ledger was seen minutes after the money had moved."""
ROWS_BACK_MS: Final = 60_000
STEP_S: Final = 0.3
RESENDS: Final = 3
USED: Final = "Invalid nonce: duplicate nonce"
Say = Callable[[str], None]


class NothingToMove(PreflightError):
    """The mode, the bound or an empty spot wallet leaves nothing to transfer; nothing was signed."""


class Wallet(NamedTuple):
    """Where the money is and who signs. `sub`: the account is a sub-account of the agent's master."""

    account: str
    url: str
    ws_url: str
    mainnet: bool
    key_path: str
    sub: bool
    max_usd: float


class AutoTransfer:
    """One account's transfers; `info` reads, `store` remembers, `say` hears what is done."""

    def __init__(self, wallet: Wallet, info: InfoClient, store: TransferStore, say: Say) -> None:
        self._wallet = wallet
        self._info = info
        self._store = store
        self._say = say

    async def settle(self) -> bool:
        """Close what an earlier start left open; whether there was anything.

        Raises:
            PreflightError: its outcome is still unknown; nothing else may be moved, trading may not begin.
        """
        intent = self._store.open_transfer(self._wallet.account)
        if intent is None:
            return False
        self._say(f"an earlier transfer of {usd(intent.amount_1e8)} USD (nonce {intent.nonce}) is looked up first")
        async with aiohttp.ClientSession() as session:
            if not await self._landed(intent, within_s=0.0):
                await self._burn(self._exchange(session), intent)
        return True

    async def top_up(self, truth: AccountTruth) -> AccountTruth:
        """Move what is missing up to the bound; the account as it is afterwards.

        Raises:
            NothingToMove: the mode has one wallet, or spot is empty.
            PreflightError: the venue refused, or nobody knows yet.
            StateError: the disk refuses; nothing was sent.
        """
        if truth.mode is not AccountMode.STANDARD:
            msg = (
                f"--auto-transfer has nothing to move: in {MODE_WORDS[truth.mode]} mode the spot USDC is the "
                "collateral already (the venue answers 'Unified account only supports sending assets through spot')"
            )
            raise NothingToMove(msg)
        spot = await self._info.spot_state(truth.user)
        bound_1e8 = round(self._wallet.max_usd * USD_1E8) - max(0, truth.equity_1e8)
        amount_1e8 = min(free_usdc_1e8(spot), bound_1e8) // CENT_1E8 * CENT_1E8
        if amount_1e8 < LEAST_1E8:
            msg = (
                f"--auto-transfer finds nothing to move for {truth.user}: {usd(free_usdc_1e8(spot))} USDC are free in "
                f"spot, perps have {truth.equity_usd:,.2f} USD of at most {self._wallet.max_usd:,.2f} "
                "(account.auto_transfer_max_usd)"
            )
            raise NothingToMove(msg)
        async with aiohttp.ClientSession() as session:
            exchange = self._exchange(session)
            intent = await self._intend(exchange, truth, amount_1e8)
            self._say(f"moving {usd(amount_1e8)} USD from spot to perps of {truth.user} (nonce {intent.nonce})")
            await self._send(exchange, intent)
        return await self._moved(intent)

    def _exchange(self, session: aiohttp.ClientSession) -> ExchangeClient:
        wallet = self._wallet
        return ExchangeClient(
            VenueSocket(wallet.ws_url, ()),  # never started: all goes over HTTP
            session,
            Signer.from_file(wallet.key_path),
            wallet.url,
            mainnet=wallet.mainnet,
            budget=self._info.budget,
        )

    async def _intend(self, exchange: ExchangeClient, truth: AccountTruth, amount_1e8: int) -> TransferIntent:
        """Sign, and have it on disk."""
        token = await self._usdc()
        now_ms = time.time_ns() // 1_000_000
        nonce = max(self._store.nonce_ceiling(exchange.address) + 1, now_ms)
        action = agent_spot_to_perps_action(truth.user, token, usd(amount_1e8), nonce, sub=self._wallet.sub)
        envelope = msgspec.json.encode(exchange.sign(action, nonce).envelope)
        intent = TransferIntent(truth.user, nonce, amount_1e8, truth.idle_spot_1e8, envelope, now_ms)
        self._store.intend_transfer(intent, exchange.address)
        return intent

    async def _usdc(self) -> str:
        """USDC as this network names it in transfers."""
        meta = await self._info.post({"type": "spotMeta"})
        try:
            return next(f"USDC:{row['tokenId']}" for row in meta["tokens"] if row["name"] == "USDC")
        except (KeyError, TypeError, StopIteration) as error:
            msg = f"spotMeta: no USDC ({error!r})"
            raise MalformedMessage(msg) from None

    async def _send(self, exchange: ExchangeClient, intent: TransferIntent) -> None:
        """Send until there is an answer; each time the same bytes."""
        signed = Signed(msgspec.json.decode(intent.envelope, type=Envelope), 1)
        for attempt in range(RESENDS):
            try:
                answer = await exchange.send_signed(signed)
            except VenueUnreachable as error:
                if attempt == 0:
                    self._close(intent, f"never sent: {error}")
                    msg = f"the transfer was not sent: {error}"
                    raise PreflightError(msg) from None
            except OutcomeUnknown as error:
                self._say(f"no answer to the transfer ({error}); asking again with the same bytes")
            except VenueError as error:
                self._refused(intent, str(error), again=attempt > 0)
                return
            else:
                self._judge(intent, answer, again=attempt > 0)
                return
            await asyncio.sleep(STEP_S)

    def _judge(self, intent: TransferIntent, answer: ActionAnswer, *, again: bool) -> None:
        if not answer.accepted and not answer.error.startswith(USED):
            self._refused(intent, answer.error, again=again)

    def _refused(self, intent: TransferIntent, words: str, *, again: bool) -> None:
        """A refusal of the first sending is final; of a later one it may be about the copy alone."""
        if again:
            return
        self._close(intent, f"refused: {words}")
        msg = f"the venue refused to move {usd(intent.amount_1e8)} USD from spot to perps: {words}"
        raise PreflightError(msg)

    async def _moved(self, intent: TransferIntent) -> AccountTruth:
        """Wait until ledger and balances show it."""
        if not await self._landed(intent, within_s=SEEN_S):
            raise PreflightError(self._unknown(intent))
        end_s = time.monotonic() + SEEN_S
        while True:
            truth = await read_account(self._info, intent.account)
            if truth.idle_spot_1e8 <= intent.idle_1e8 - intent.amount_1e8 or time.monotonic() > end_s:
                self._say(f"perps {truth.equity_usd:,.2f} USD, spot {truth.idle_spot_usd:,.2f} USD now")
                return truth
            await asyncio.sleep(STEP_S)

    async def _landed(self, intent: TransferIntent, *, within_s: float) -> bool:
        """Whether the ledger shows it; closes it then."""
        end_s = time.monotonic() + within_s
        while True:
            rows = await self._info.ledger_updates(intent.account, intent.made_ms - ROWS_BACK_MS)
            if any(is_row_of(row, intent) for row in rows):
                self._close(intent, "done, seen in the ledger")
                return True
            if time.monotonic() >= end_s:
                return False
            await asyncio.sleep(STEP_S)

    async def _burn(self, exchange: ExchangeClient, intent: TransferIntent) -> None:
        """Make sure that an old one can never land, or find out that it did."""
        old_bytes = msgspec.json.decode(intent.envelope, type=Envelope)
        ours = exchange.sign(old_bytes.action, intent.nonce).envelope.signature == old_bytes.signature
        try:  # nonces belong to a key: with another key than then, only the bytes themselves can be asked about
            answer = await (
                exchange.send(noop_action(), intent.nonce) if ours else exchange.send_signed(Signed(old_bytes, 1))
            )
        except VenueError as error:
            msg = f"{self._unknown(intent)} ({error})"
            raise PreflightError(msg) from None
        if ours and answer.accepted:
            self._close(intent, "void, its nonce was used up by a noop")
            return
        if await self._landed(intent, within_s=SEEN_S):
            return
        if not ours and not answer.accepted and not answer.error.startswith("Invalid nonce"):
            self._close(intent, f"void, refused: {answer.error}")
            return
        old = time.time_ns() // 1_000_000 - intent.made_ms > LEDGER_S * 1_000
        if not (answer.error.startswith("Invalid nonce") and old):
            msg = f"{self._unknown(intent)} ({answer.error})"
            raise PreflightError(msg)
        self._close(intent, f"void: {answer.error}, and no row within {LEDGER_S:.0f} s")

    def _close(self, intent: TransferIntent, outcome: str) -> None:
        self._store.close_transfer(intent, outcome, time.time_ns() // 1_000_000)

    def _unknown(self, intent: TransferIntent) -> str:
        return (
            f"a transfer of {usd(intent.amount_1e8)} USD from spot to perps (nonce {intent.nonce}) may be under way: "
            f"the ledger of {intent.account} does not show it. Start again in some minutes; it is never sent twice"
        )


def free_usdc_1e8(spot: Mapping[str, Any]) -> int:
    """Spot USDC that no order holds, 1e-8 USD."""
    try:
        return sum(
            usd_1e8(str(row["total"])) - usd_1e8(str(row["hold"])) for row in spot["balances"] if row["coin"] == "USDC"
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        msg = f"spotClearinghouseState: {error!r}"
        raise MalformedMessage(msg) from error


def is_row_of(row: Any, intent: TransferIntent) -> bool:
    """Whether a row of the ledger is this transfer: a `send` between own ledgers with its nonce."""
    match row:
        case {"delta": {"type": "send", "nonce": int(nonce), "amount": str(amount)}}:
            return nonce == intent.nonce and Decimal(amount) * USD_1E8 == intent.amount_1e8
    return False


def usd(amount_1e8: int) -> str:
    """Exact text of an amount.

    >>> usd(16_109_000_000), usd(5_000_000_000)
    ('161.09', '50')
    """
    return grid_text(amount_1e8, 8)
