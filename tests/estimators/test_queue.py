"""Fill probabilities of own orders against what the market model does with them, also when it is another model."""

import os
from typing import Any, Final

import numba as nb
import numpy as np
import pytest

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.estimators import arrivals, queue
from portfolio_mm.matching.fill_model import FillModel
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.matching.queue import QueueMarket
from portfolio_mm.matching.queue_tape import TAPE_EVENT, TapeKind
from portfolio_mm.models import burst, fill_bets
from portfolio_mm.models.cancel_split import CancelModel
from tests.estimators.feeds import START_NS, Floats, Ints, fresh

MINUTES: Final = 480 if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else 72
HOURS: Final = MINUTES / 60
PX: Final = (1000, 1010)
BLOCK_MS: Final = 100
USD_PER_LOT: Final = 200.0
WAIT_MS: Final = 40_000
"""How long an own order of the test waits before it is taken away."""


def tape(rng: np.random.Generator, blocks: int) -> tuple[Any, Ints]:
    """Two standing levels: 0.8 trades a second and side of 5 lots on average, arrivals of lots, cancels per lot.

    Returns:
        TAPE_EVENTs, and the level sizes after each block, shape (blocks, 2).
    """
    rows: list[tuple[int, ...]] = []
    sizes = np.zeros((blocks, 2), np.int64)
    lots = np.array([80, 80])
    for i in range(blocks):
        ms = (i + 1) * BLOCK_MS
        for side in range(2):
            for _ in range(rng.poisson(0.08)):
                size = int(min(rng.geometric(0.2), lots[side] - 1))
                if size > 0:
                    rows.append((ms, TapeKind.TRADE, 1 - side, PX[side], size, 0, 0, 0, 0, 0))
                    lots[side] -= size
            lots[side] += 5 * rng.poisson(0.2) - rng.binomial(lots[side] - 1, 0.0075)
        rows.append((ms, TapeKind.BBO, 0, PX[0], int(lots[0]), PX[1], int(lots[1]), 0, 1, 1))
        sizes[i] = lots
    return np.array(rows, TAPE_EVENT), sizes


@nb.njit
def block(st: Any, p: Any, flow: Any, flow_p: Any, ms: int, lots: Any, keys: Any, prints: Any) -> None:  # noqa: PLR0917
    """What the page does with one block: prints, frame, timer."""
    now_ns = START_NS + ms * 1_000_000
    for i in range(len(prints)):
        side = prints[i, 0]
        arrivals.update(flow[0], flow_p[0], now_ns, 1 - side, prints[i, 1] * USD_PER_LOT)
        queue.trade(st[0], p[0], 3 * side, now_ns, float(prints[i, 1]), False)  # noqa: FBT003
        fill_bets.passed(st[0], p[0].judging, side, now_ns, float(prints[i, 1]), PX[side])
        burst.hear_print(st[0].burst, side, now_ns, p[0].burst_s)
    for side in range(2):
        queue.stand(st[0], 3 * side, keys[side], PX[side], 2.0, now_ns)
        queue.see(st[0], p[0], 3 * side, now_ns, float(lots[side]))
    arrivals.update(flow[0], flow_p[0], now_ns, -1, 0.0)
    queue.update(st[0], p[0], now_ns, flow[0].bucket_per_s, flow[0].bucket_usd, USD_PER_LOT)


class Trial:
    """One own order of two lots on each side of a tape, replaced when filled or old; forecasts and outcomes."""

    def __init__(self, model: CancelModel, seed: int, hours: float = HOURS) -> None:
        rng = np.random.default_rng(seed)
        blocks = int(hours * 36_000)
        events, self.sizes = tape(rng, blocks)
        books = np.zeros((1, 2, 20, 3), np.int64)
        first = np.array([(0, TapeKind.BOOK, 0, 0, 0, 0, 0, 0, 0, 0)], TAPE_EVENT)
        for side in range(2):
            books[0, side, 0] = (PX[side], 80, 1)
        self.market = QueueMarket(np.concatenate([first, events]), books, FillModel(model, 2.0))
        self.market.advance(0)
        self.st, self.p = fresh(queue)
        self.flow, self.flow_p = fresh(arrivals)
        self.ended: dict[int, tuple[int, bool]] = {}
        self.bets: dict[tuple[int, int], float] = {}
        trades = events[events["kind"] == TapeKind.TRADE]
        self.prints = np.stack([1 - trades["side"], trades["sz_lots"]], axis=1).astype(np.int64)
        self.first = np.searchsorted(trades["ms"], np.arange(blocks + 2) * BLOCK_MS)
        self.keys, self.born, self.next_key = np.zeros(2, np.int64), [0, 0], 1
        for i in range(blocks):
            self.step(i, int(rng.integers(0, 3)))

    def step(self, i: int, pause: int) -> None:
        """One block; orders that ended come back after a while."""
        ms = (i + 1) * BLOCK_MS
        for fill in self.market.advance(ms).fills:
            self.fill(int(fill.maker_oid), ms)
        prints = self.prints[self.first[i + 1] : self.first[i + 2]]
        block(self.st, self.p, self.flow, self.flow_p, ms, self.sizes[i], self.keys.astype(np.uint64), prints)
        for side in range(2):
            made = self.st["bets"][0, 3 * side]
            if made["key"]:
                self.bets.setdefault((int(made["key"]), int(made["ns"])), float(made["said_probability"]))
            if self.keys[side] and ms - self.born[side] > WAIT_MS:
                self.market.cancel(int(self.keys[side]))
                self.end(int(self.keys[side]), ms, filled=False)
            if not self.keys[side] and pause == 0 and i % 10 == 0:
                self.keys[side], self.born[side] = self.next_key, ms
                self.next_key += 1
                order = NewOrder(int(self.keys[side]), 1, (BUY, SELL)[side], PX[side], 2, Tif.ALO)
                self.market.place(order)

    def fill(self, oid: int, ms: int) -> None:
        fill_bets.filled(self.st[0], self.p[0]["judging"], oid, START_NS + ms * 1_000_000)
        if oid in self.keys.tolist():
            self.market.cancel(oid)
            self.end(oid, ms, filled=True)

    def end(self, key: int, ms: int, *, filled: bool) -> None:
        self.ended[key] = (ms, filled)
        self.keys[self.keys == key] = 0

    def outcomes(self, from_share: float) -> tuple[Floats, Floats]:
        """Forecasts after a share of the tape, and whether the order was filled in 5 s; not when we took it away."""
        chance, came = [], []
        first_ns = START_NS + int(from_share * len(self.sizes) * BLOCK_MS) * 1_000_000
        for (key, bet_ns), p in self.bets.items():
            ended_ms, filled = self.ended.get(key, (1 << 50, False))
            left_ms = ended_ms - (bet_ns - START_NS) // 1_000_000
            if bet_ns >= first_ns and (filled or left_ms > 5_000):
                chance.append(p)
                came.append(float(filled and left_ms <= 5_000))
        return np.array(chance), np.array(came)


def slope_of(chance: Floats, came: Floats) -> float:
    """Reliability: slope of outcomes on forecasts by least squares."""
    x = chance - chance.mean()
    return float(np.sum(x * came) / np.sum(x * x))


@pytest.mark.parametrize("model", [CancelModel.POWER, CancelModel.LOG, CancelModel.RISK_AVERSE])
def test_fill_probabilities_are_calibrated_whichever_queue_is_true(model: CancelModel) -> None:
    """The estimator assumes the square power model; fills come from it, from the log model, and from no cancels ahead.

    Forecasts before their outcomes, in the last three fifths of the tape: slope 0.9 to 1.1, mean within 0.03.
    """
    trial = Trial(model, seed=int(model))
    chance, came = trial.outcomes(0.4)
    slope = slope_of(chance, came)
    assert len(chance) > 300
    assert 0.9 < slope < 1.1
    assert chance.mean() == pytest.approx(came.mean(), abs=0.03)
    assert np.mean((chance - came) ** 2) < 0.8 * came.mean() * (1.0 - came.mean())
    assert trial.st["skill"]["weight"][0] > 0.5
    assert trial.st["ready"][0] == 1


@nb.njit
def look(st: Any, p: Any, rates: Floats, usd: Floats, second: int) -> bool:
    return queue.update(st[0], p[0], START_NS + second * 10**9, rates, usd, USD_PER_LOT)  # type: ignore[no-any-return]


RATES: Final = np.full((2, arrivals.BUCKETS), 0.2)
SIZES: Final = np.repeat([[300.0, 900.0, 3_000.0, 30_000.0]], 2, axis=0)


def resting(level_lots: float) -> tuple[Any, Any]:
    """One order that has seen its level once."""
    st, p = fresh(queue)
    queue.stand(st[0], 0, 5, 1000, 2.0, START_NS)
    queue.see(st[0], p[0], 0, START_NS + 10**9, level_lots)
    look(st, p, RATES, SIZES, 2)
    return st, p


def test_what_is_not_known_is_nan_and_never_nothing_or_everything() -> None:
    st, p = fresh(queue)
    queue.stand(st[0], 0, 5, 1000, 2.0, START_NS)
    look(st, p, RATES, SIZES, 1)
    assert np.isnan(st["fill_probability"][0]).all()
    assert np.isnan(st["advantage_share"][0]).all()
    queue.see(st[0], p[0], 0, START_NS + 10**8, 50.0)
    look(st, p, RATES, SIZES, 2)
    assert np.isnan(st["fill_probability"][0]).all(), "that frame may be older than the order"
    queue.see(st[0], p[0], 0, START_NS + 2 * 10**9, 50.0)
    look(st, p, RATES, SIZES, 3)
    assert 0.0 < st["fill_probability"][0, 0] < 1.0
    assert np.isnan(st["fill_probability"][0, 1:]).all()


def test_moving_up_is_worth_something_and_the_back_is_worth_nothing_more() -> None:
    st, p = resting(100.0)
    assert st["advantage_share"][0, 0] == pytest.approx(0.0)
    before = st["fill_probability"][0, 0]
    queue.trade(st[0], p[0], 0, START_NS + 2 * 10**9, 90.0, False)  # noqa: FBT003 - compiled: positional only
    look(st, p, RATES, SIZES, 4)
    assert st["fill_probability"][0, 0] > before
    assert st["advantage_share"][0, 0] > 0.05


def test_sweeps_that_do_not_reach_our_price_do_not_fill_us() -> None:
    st, p = resting(20.0)
    before = st["fill_probability"][0, 0]
    st["reach_share"][0, 0] = 0.1
    look(st, p, RATES, SIZES, 4)
    assert st["fill_probability"][0, 0] < 0.5 * before


def test_only_rates_of_the_side_that_hits_us_count() -> None:
    """Our bid is hit by sellers, row 1."""
    buys, sells = RATES.copy(), RATES.copy()
    buys[0] *= 5.0
    sells[1] *= 5.0
    st, p = resting(20.0)
    before = float(st["raw_probability"][0, 0])
    look(st, p, buys, SIZES, 4)
    assert st["raw_probability"][0, 0] == pytest.approx(before)
    look(st, p, sells, SIZES, 6)
    assert st["raw_probability"][0, 0] > before


def test_the_value_of_a_lot_is_only_a_unit() -> None:
    """Scale: lots a thousandth of the size, a thousand times as many; no cancel is seen for 10 s."""
    st, p = resting(30.0)
    fine, fine_p = fresh(queue)
    queue.stand(fine[0], 0, 5, 1000, 2_000.0, START_NS)
    queue.see(fine[0], fine_p[0], 0, START_NS + 10**9, 30_000.0)
    for second in range(2, 13):
        look(st, p, RATES, SIZES, second)
        queue.update(fine[0], fine_p[0], START_NS + second * 10**9, RATES, SIZES, USD_PER_LOT / 1000.0)
    assert st["cancel_per_s"][0] < 0.5 * p["prior_cancel_per_s"][0]
    assert fine["cancel_per_s"][0] == pytest.approx(st["cancel_per_s"][0], rel=1e-6)
    assert fine["raw_probability"][0, 0] == pytest.approx(st["raw_probability"][0, 0], rel=1e-6)


@pytest.mark.parametrize(
    ("prints", "came"),
    [
        ([], 0.0),
        ([(4, 9.0, 1000)], 0.0),  # one lot less than stood before it
        ([(4, 9.0, 1000), (5, 2.0, 1000)], 1.0),
        ([(4, 1.0, 999)], 1.0),  # beyond its price
        ([(4, 50.0, 1001)], 0.0),  # not as far
        ([(9, 50.0, 999)], 0.0),  # too late
    ],
)
def test_an_order_taken_away_is_followed_on_the_tape(prints: list[tuple[int, float, int]], came: float) -> None:
    st, p = resting(10.0)
    queue.stand(st[0], 0, 0, 0, 0.0, START_NS)
    for second in range(3, 12):
        look(st, p, RATES, SIZES, second)
        for at, lots, px_ticks in prints:
            if at == second:
                fill_bets.passed(st[0], p[0]["judging"], 0, START_NS + at * 10**9, lots, px_ticks)
    assert (st["outcomes"][0], st["base_fills"][0]) == (1, came)


def test_after_a_silence_of_the_feed_orders_taken_away_are_no_outcomes() -> None:
    st, p = resting(10.0)
    queue.stand(st[0], 0, 0, 0, 0.0, START_NS)
    for second in (3, 6, 9, 10, 11):
        look(st, p, RATES, SIZES, second)
    assert st["outcomes"][0] == 0


def test_a_fill_reported_late_is_an_outcome() -> None:
    st, p = resting(10.0)
    queue.stand(st[0], 0, 0, 0, 0.0, START_NS)
    look(st, p, RATES, SIZES, 3)
    fill_bets.filled(st[0], p[0]["judging"], 5, START_NS + 3 * 10**9)
    assert (st["outcomes"][0], st["base_fills"][0]) == (1, 1.0)
    st, p = resting(10.0)
    for second in range(3, 12):
        look(st, p, RATES, SIZES, second)
    assert (st["outcomes"][0], st["base_fills"][0]) == (1, 0.0)


def test_the_base_rate_is_half_forgotten_in_six_hours_however_many_orders_rest() -> None:
    """Three orders, three outcomes of one moment; the same again six hours later."""
    st, p = fresh(queue)
    for i in range(3):
        queue.stand(st[0], i, 5 + i, 1000 - i, 2.0, START_NS)
        queue.see(st[0], p[0], i, START_NS + 10**9, 100.0)
    masses = []
    for later_s in (0, 6 * 3600):
        before = st["outcomes"][0]
        for second in range(2, 30):
            if st["outcomes"][0] == before:
                look(st, p, RATES, SIZES, later_s + second)
        masses.append(st["base_mass"][0])
    assert masses == pytest.approx([3.0, 4.5], rel=1e-3)
