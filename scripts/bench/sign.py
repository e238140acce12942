"""Cost of signing a batch of orders, against the official SDK with the same curve library installed."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import eth_account
from hyperliquid.utils.signing import sign_l1_action

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.encode import order_action, order_wire
from portfolio_mm.hyperliquid.signer import Signer
from scripts.bench.row import Row, best_us

KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
"""A published test key (official SDK, tests/signing_test.py)."""
NONCE = 1_700_000_000_000
ETH = Instrument(coin="ETH", asset=1, index=0, sz_decimals=4, max_leverage=25)


def _batch(size: int) -> Any:
    wires = [
        order_wire(ETH, 0, px_ticks=410_000 + 10 * i, sz_lots=500, cloid=((7 << 32) | 0xA7, i)) for i in range(size)
    ]
    return order_action(wires)


def plain_batch(size: int) -> dict[str, Any]:
    """Orders as the official SDK takes them."""
    orders = [
        {
            "a": 1,
            "b": True,
            "p": f"{4100 + i}",
            "s": "0.05",
            "r": False,
            "t": {"limit": {"tif": "Alo"}},
            "c": f"0x{i:032x}",
        }
        for i in range(size)
    ]
    return {"type": "order", "orders": orders, "grouping": "na"}


def run() -> list[Row]:
    """Measure batches of 1, 6 and 40 orders."""
    wallet = eth_account.Account.from_key(KEY)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        path.touch(mode=0o600)
        path.write_text(KEY)
        signer = Signer.from_file(path)
    rows = []
    for size in (1, 6, 40):
        action, plain = _batch(size), plain_batch(size)
        ours = best_us(partial(signer.sign_l1, action, NONCE, mainnet=True), 300)
        sdk = best_us(partial(sign_l1_action, wallet, plain, None, NONCE, None, is_mainnet=True), 20)
        rows.append(Row(f"sign a batch of {size}", ours, "us", sdk, "official SDK 0.24 with coincurve"))
    return rows
