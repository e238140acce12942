"""A start that is killed (`kill -9`) at one step of its transfer: `python -m tests.actors.transfer_child ...`."""

import asyncio
import os
import signal
import sys
from typing import Any

from portfolio_mm.actors.auto_transfer import AutoTransfer, Wallet
from portfolio_mm.hyperliquid.account import read_account
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.storage.transfer_store import TransferStore

BEFORE, AFTER = "before", "after"
STEPS = {
    "signed, not on disk": (TransferStore, "intend_transfer", BEFORE),
    "on disk, not sent": (TransferStore, "intend_transfer", AFTER),
    "sent, answer not heard": (ExchangeClient, "send_signed", AFTER),
    "answered, not looked for": (AutoTransfer, "_send", AFTER),
    "seen, not closed": (TransferStore, "close_transfer", BEFORE),
    "closed": (TransferStore, "close_transfer", AFTER),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str) -> None:
    """Let the step kill this process."""
    owner, name, when = STEPS[step]
    before: Any = getattr(owner, name)

    def plain(self: Any, *given: Any) -> Any:
        if when == BEFORE:
            die()
        before(self, *given)
        die()

    async def later(self: Any, *given: Any) -> Any:
        await before(self, *given)
        die()

    setattr(owner, name, later if asyncio.iscoroutinefunction(before) else plain)


async def start(wallet: Wallet, db: str) -> None:
    """What a start does about money."""
    store = TransferStore(db)
    async with InfoClient(wallet.url, None, IpBudget()) as info:
        transfer = AutoTransfer(wallet, info, store, print)
        await transfer.settle()
        truth = await read_account(info, wallet.account)
        if truth.equity_usd < 10.0:
            await transfer.top_up(truth)
    store.close()


if __name__ == "__main__":
    step, url, account, key_path, db = sys.argv[1:]
    arm(step)
    asyncio.run(start(Wallet(account, url, url.replace("http", "ws", 1) + "/ws", False, key_path, False, 100.0), db))  # noqa: FBT003
