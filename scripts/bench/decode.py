"""Cost of decoding market frames into event records, against json.loads of the same bytes."""

import json
from functools import partial

import numpy as np

from portfolio_mm.domain.events import EVENT
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.parse import MarketParser
from scripts.bench.row import Row, best_us

BTC = Instrument(coin="BTC", asset=0, index=0, sz_decimals=5, max_leverage=40)


def _level(px: int) -> dict[str, object]:
    return {"px": f"{px}.0", "sz": f"{px % 97 / 7 + 0.1:.5f}", "n": px % 40 + 1}


def book(levels: int) -> bytes:
    """An l2Book frame as the venue sends it."""
    sides = [[_level(83767 - i) for i in range(levels)], [_level(83768 + i) for i in range(levels)]]
    data = {"coin": "BTC", "time": 1790358575700, "levels": sides, "fast": True}
    return json.dumps({"channel": "l2Book", "data": data}, separators=(",", ":")).encode()


def bbo() -> bytes:
    """A bbo frame."""
    data = {"coin": "BTC", "time": 1790358617881, "bbo": [_level(83757), _level(83758)]}
    return json.dumps({"channel": "bbo", "data": data}, separators=(",", ":")).encode()


def run() -> list[Row]:
    """Measure bbo, five-level and twenty-level books."""
    parser, out = MarketParser([BTC]), np.zeros(64, EVENT)
    rows = []
    for what, raw in (("bbo", bbo()), ("l2Book 5 levels", book(5)), ("l2Book 20 levels", book(20))):
        ours = best_us(partial(parser.parse, raw, 1, out), 5_000)
        plain = best_us(partial(json.loads, raw), 5_000)
        rows.append(Row(f"decode {what} to a record", ours, "us", plain, "json.loads of the same bytes"))
    return rows
