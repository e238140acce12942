"""Ghosts: orders of one lot in the book of the synthetic venue, beside a coin that hears its market and may not quote.

Six every five seconds, at the touch and behind it on both sides; what the coin's forecast says of each when it is
placed is kept beside what became of it. The venue's own queues decide, and nobody of the market sees more than a lot.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.domain.events import EVENT, LAST, CoinMode, EventKind
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.engine import places
from portfolio_mm.estimators import queue
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.models import fill_bets
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from portfolio_mm.venue.scenario.file import load_scenario
from tests.engine.tape import MS, T0, Bench, event

SCENARIOS: Final = Path(__file__).parents[2] / "examples" / "scenarios"
EVERY: Final = 50
"""Blocks between two rounds of ghosts."""
DUE: Final = 50
"""Blocks of a forecast's horizon."""
WARM: Final = 900
"""Blocks before the first ghost."""
LEVELS: Final = 5


class Ghosts:
    """One coin of a scenario for `blocks` of 100 ms; `said` are forecasts, `came` 1 if filled in time, `block` when."""

    def __init__(self, scenario: str, coin: str, blocks: int, *, seed: int, twin: bool) -> None:
        planted = load_scenario(SCENARIOS / f"{scenario}.yaml").synthetic or SyntheticParams()
        coins = synthetic_params((coin,)).coins
        params = msgspec.structs.replace(planted, coins=coins, twin=twin, leads=(), seed=seed)
        self.flow, self.coin = SyntheticFlow(params), coin
        self.market = self.flow.markets()[coin]
        self.of = self.flow.instruments()[0]
        self.bench = Bench(n_coins=1, instrument=self.of)
        self.bench.start()
        self.bench.hear(event(EventKind.MODE, T0, status=CoinMode.REDUCE_ONLY))
        self._rng = np.random.default_rng(seed)
        self._waiting: list[tuple[int, int, float]] = []
        self._oid = -(10**12)
        rows: list[tuple[float, float, int]] = []
        for block in range(1, blocks + 1):
            self._block(block)
            rows += self._judge(block)
            if block >= WARM and block % EVERY == 0 and block + DUE <= blocks:
                self._place(block)
        self.said, self.came, self.block = np.array(rows).T

    def _block(self, block: int) -> None:
        """What the coin hears of a block: its prints, its top, its book, and that time passes."""
        done = self.flow.advance(self.flow.next_ms()).coins[0]
        now_ns, ms, scale = T0 + block * 100 * MS, T0 // MS + block * 100, 10.0**self.of.px_decimals
        lot = 10.0**-self.of.sz_decimals
        rows = np.zeros(len(done.prints) + 3, EVENT)
        rows["recv_ns"], rows["venue_ms"], rows["bits"] = now_ns, ms, LAST
        for row, deal in zip(rows, done.prints, strict=False):
            row["kind"], row["side"], row["tid"] = EventKind.TRADE, deal.aggressor_side, ms
            row["px"], row["sz"] = deal.px_ticks / scale, deal.sz_lots * lot
        for row, kind, levels in ((rows[-3], EventKind.BBO, 1), (rows[-2], EventKind.BOOK, LEVELS)):
            row["kind"] = kind
            for name, side in zip(("bid", "ask"), self.market.levels(levels), strict=True):
                row[f"{name}_ticks"] = side[0].px_ticks if side else 0
                row[f"{name}_px"][: len(side)] = [level.px_ticks / scale for level in side]
                row[f"{name}_sz"][: len(side)] = [level.sz_lots * lot for level in side]
        rows[-1]["kind"], rows[-1]["recv_ns"] = EventKind.TIMER, now_ns + 50 * MS
        self.bench.hear(rows)

    def _place(self, block: int) -> None:
        st = self.bench.st
        fair_ticks = float(st["fair"]["fair_px"]) * 10.0**self.of.px_decimals
        wide_bps = float(st["vol"]["sigma_bps"]) * 5.0**0.5 + 1.0 / float(st["intensity"]["k_per_bps"].mean())
        tops = [side[0].px_ticks for side in self.market.levels(1)]
        for side, sign in ((0, 1), (1, -1)):
            for depth_bps in (0.0, *(wide_bps * self._rng.uniform((0.0, 0.5), (1.0, 2.5)))):
                px = round_px(fair_ticks * (1.0 - sign * depth_bps * 1e-4), self.of.px_decimals, side == 1)
                px = tops[side] if sign * (px - tops[side]) > 0 else px
                ahead = sum(one.sz_lots for one in self.market.levels(100)[side] if one.px_ticks == px)
                self._oid -= 1
                if not self.market.place(NewOrder(self._oid, 0, side, px, 1, Tif.ALO)).crossed:
                    self._waiting.append((self._oid, block, self.said_of(side, px, float(ahead))))

    def said_of(self, side: int, px_ticks: int, ahead_lots: float) -> float:
        """P(fill in 5 s) of a new order."""
        st, p = self.bench.state[0], self.bench.params[0]
        places.reach(st, p, fill_bets.NEW, side, px_ticks)
        flow, usd_per_lot = st["arrivals"], float(st["quote"]["value_usd_per_lot"])
        rates, sizes = flow["bucket_per_s"], flow["bucket_usd"]
        said = queue.new_fill(st["queue"], p["queue"], fill_bets.NEW, side, ahead_lots, rates, sizes, usd_per_lot)
        return float(said)

    def _judge(self, block: int) -> list[tuple[float, float, int]]:
        """Ghosts that are filled, or whose time is over."""
        over: list[tuple[float, float, int]] = []
        for ghost in tuple(self._waiting):
            oid, since, said = ghost
            filled = self.market.remaining(oid) == 0
            if filled or block >= since + DUE:
                self.market.cancel(oid)
                self._waiting.remove(ghost)
                over.append((said, float(filled), since))
        return over


def times_ns(ghosts: Ghosts) -> Any:
    """When each forecast was made."""
    return ghosts.block.astype(np.int64) * 100 * MS
