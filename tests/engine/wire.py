"""A coin that hears raw frames, as the sockets bring them: what comes in is bytes, what goes out are orders."""

import json
from typing import Any

import numpy as np

from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.hyperliquid.parse import MAX_EVENTS, MarketParser
from tests.engine.tape import COIN, MS, T0, VENUE_MS, Bench, event


class Wire(Bench):
    """A Bench whose market comes as frames of the venue's public channels; `now_ns` is its receive clock."""

    def __init__(self, tuning: Tuning | None = None, **more: Any) -> None:
        super().__init__(tuning, **more)
        self._parser = MarketParser([COIN])
        self._rows = np.zeros(MAX_EVENTS, EVENT)
        self.now_ns = T0

    @property
    def ms(self) -> int:
        """Block time of what arrives now: the feed takes 100 ms."""
        return VENUE_MS + (self.now_ns - T0) // MS - 100

    def wait(self, seconds: float) -> None:
        """Time passes with a timer every 100 ms."""
        until_ns = self.now_ns + round(seconds * 1e9)
        while self.now_ns < until_ns:
            self.now_ns = min(self.now_ns + 100 * MS, until_ns)
            self.hear(event(EventKind.TIMER, self.now_ns))

    def frame(self, channel: str, data: Any) -> int:
        """One raw frame of a public channel; how many commands came out."""
        raw = json.dumps({"channel": channel, "data": data}).encode()
        count = self._parser.parse(raw, self.now_ns, self._rows)
        return self.hear(self._rows[:count].copy())

    def bbo(self, bid: float, ask: float, bid_sz: float = 40.0, ask_sz: float = 40.0) -> int:
        """Channel `bbo`."""
        sides = [
            {"px": f"{bid:.3f}", "sz": f"{bid_sz:.1f}", "n": 1},
            {"px": f"{ask:.3f}", "sz": f"{ask_sz:.1f}", "n": 1},
        ]
        return self.frame("bbo", {"coin": COIN.coin, "time": self.ms, "bbo": sides})

    def book(self, bid: float, ask: float, bid_sz: float = 40.0, ask_sz: float = 40.0) -> int:
        """Channel `l2Book`: five levels, 0.001 USD apart."""
        levels = [
            [{"px": f"{px + sign * 0.001 * i:.3f}", "sz": f"{sz:.1f}", "n": 1} for i in range(5)]
            for px, sz, sign in ((bid, bid_sz, -1), (ask, ask_sz, 1))
        ]
        return self.frame("l2Book", {"coin": COIN.coin, "time": self.ms, "levels": levels})

    def trade(self, side: str, px: float, sz: float = 3.0) -> int:
        """Channel `trades`, one print; `side` "B" or "A" is the aggressor's."""
        row = {"coin": COIN.coin, "side": side, "px": f"{px:.3f}", "sz": f"{sz:.1f}", "time": self.ms, "tid": self.ms}
        return self.frame("trades", [row])

    def sweep(self, side: str, prices: tuple[float, ...], sz: float = 3.0) -> int:
        """Channel `trades`, the prints of one market order, best price first."""
        same = {"coin": COIN.coin, "side": side, "sz": f"{sz:.1f}", "time": self.ms}
        rows = [same | {"px": f"{px:.3f}", "tid": 10 * self.ms + i} for i, px in enumerate(prices)]
        return self.frame("trades", rows)

    def context(self, mark: float, funding: float = 1e-5, open_interest: float = 1e6, **more: Any) -> int:
        """Channel `activeAssetCtx`."""
        ctx = {"markPx": f"{mark:.3f}", "oraclePx": f"{mark:.3f}", "funding": str(funding)}
        ctx |= {
            "openInterest": str(open_interest),
            "midPx": f"{mark:.3f}",
            "premium": "0.0",
            "prevDayPx": f"{mark:.3f}",
        }
        ctx |= {"dayNtlVlm": "1e6", "impactPxs": [f"{mark:.3f}", f"{mark:.3f}"]} | more
        return self.frame("activeAssetCtx", {"coin": COIN.coin, "ctx": ctx})
