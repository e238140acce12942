"""Synthetic flow: the planted truth is really in it, and it is the same every time."""

import os
import subprocess
import sys

import numpy as np
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.price_grid import round_px, tick_step
from portfolio_mm.domain.units import SIDES, SIGN
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths
from portfolio_mm.venue.flows.synthetic_params import synthetic_params

DIGEST = """
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
flow = SyntheticFlow(synthetic_params(("BTC", "HYPE"), seed=3))
for _ in range(20):
    flow.advance(flow.next_ms())
print([(coin, market.levels(20)) for coin, market in flow.markets().items()])
"""


def run(flow: Flow, blocks: int, *, quoting: bool) -> list[object]:
    """Everything a strategy hears while it requotes BTC and HYPE every ten blocks."""
    heard: list[object] = []
    markets = flow.markets()
    oid = 0
    for number in range(blocks):
        due = flow.next_ms()
        assert due is not None
        heard.append(flow.advance(due))
        if not quoting or number % 10:
            continue
        for coin in ("BTC", "HYPE"):
            row = next(row for row in flow.instruments() if row.coin == coin)
            mid = row.ticks(flow.context(coin).mark_px)
            for side in SIDES:
                oid += 1
                px = round_px(mid * (1.0 - SIGN[side] * 2e-4), row.px_decimals, side == 1)
                markets[coin].cancel(oid - 4)
                heard.append(markets[coin].place(NewOrder(oid, 1, side, px, row.lots(500.0 / row.px(mid)), Tif.ALO)))
    return heard


def test_the_same_seed_and_interaction_give_the_same_market() -> None:
    first, second = (run(SyntheticFlow(synthetic_params(seed=4)), 150, quoting=True) for _ in range(2))
    assert first == second
    assert first != run(SyntheticFlow(synthetic_params(seed=5)), 150, quoting=True)


def test_one_late_call_equals_many_punctual_ones() -> None:
    flows = [SyntheticFlow(synthetic_params(("BTC", "ETH"), seed=4)) for _ in range(2)]
    late = flows[0].advance(flows[0].start_ms + 5_000)
    punctual = run(flows[1], 50, quoting=False)
    assert flows[0].markets()["ETH"].levels(20) == flows[1].markets()["ETH"].levels(20)
    assert late.venue_ms == flows[1].params.start_ms + 5_000
    for coin in late.coins:
        prints = [row for block in punctual for part in block.coins if part.coin == coin.coin for row in part.prints]  # type: ignore[attr-defined]
        assert coin.prints == tuple(prints)


def test_sigma_and_correlation_are_the_planted_ones() -> None:
    params = synthetic_params(seed=8)
    paths = EfficientPaths(params)
    every = 100  # blocks: 10 s, twenty times the lead
    logs = np.array([paths.at(block).copy() for block in range(0, 400_000, every)])
    moves = np.diff(logs, axis=0)
    sigma = moves.std(axis=0) * 1e4 / np.sqrt(every * params.block_ms / 1e3)
    truth = SyntheticFlow(params).truth()
    # 4,000 independent moves: standard error of sigma 1.1 %, of a correlation below 0.016; the lead costs below 3 %
    assert sigma == pytest.approx(truth["sigma_bps_per_sqrt_s"], rel=0.06)
    assert np.corrcoef(moves.T) == pytest.approx(np.array(truth["rho"]), abs=0.07)


def test_the_first_coin_leads_by_the_planted_time() -> None:
    params = synthetic_params(seed=8)
    paths = EfficientPaths(params)
    moves = np.diff(np.array([paths.at(block).copy() for block in range(60_000)]), axis=0)
    lag = params.lead_ms // params.block_ms
    cross = [np.corrcoef(moves[: len(moves) - k, 0], moves[k:, 1])[0, 1] for k in range(2 * lag)]
    assert sorted(np.argsort(cross)[-2:]) == [0, lag]
    assert np.max(np.abs(np.delete(cross, [0, lag]))) < 0.02


def test_books_are_two_sided_on_the_grid_with_spreads_of_their_class() -> None:
    flow = SyntheticFlow(synthetic_params(seed=2))
    spreads: dict[str, list[float]] = {row.coin: [] for row in flow.instruments()}
    for _ in range(300):
        flow.advance(flow.next_ms())
        for row in flow.instruments():
            best = flow.markets()[row.coin].bbo()
            assert best.bid is not None
            assert best.ask is not None
            for level in best:
                assert level is not None
                assert level.px_ticks % tick_step(level.px_ticks, row.px_decimals) == 0
            spreads[row.coin].append((best.ask.px_ticks / best.bid.px_ticks - 1.0) * 1e4)
    typical = {coin: float(np.median(values)) for coin, values in spreads.items()}
    assert 0.3 < typical["BTC"] < 1.0
    assert all(1.0 < spread < 5.5 for coin, spread in typical.items() if coin != "BTC"), typical


def test_market_orders_reach_us_at_the_planted_rate() -> None:
    # one coin, no competing makers near: an order at distance d is met at A exp(-kappa d)
    coin = synthetic_params(("HYPE",)).coins[0]
    params = SyntheticParams(seed=11, coins=(coin,), arbitrage_rate=0.0)
    flow = SyntheticFlow(params)
    row, market = flow.instruments()[0], flow.markets()["HYPE"]
    away_bps, hits, blocks = 1.0, 0, 6_000
    oids = (1, 2)
    for number in range(blocks):
        # quoted on the price of the coming block, so that only the market orders decide
        fair = coin.px * np.exp(flow._paths.at(number + 1)[0]) * 10.0**row.px_decimals
        for oid, side in zip(oids, SIDES, strict=True):
            market.cancel(oid)
            px = round_px(fair * (1.0 - SIGN[side] * away_bps / 1e4), row.px_decimals, side == 1)
            market.place(NewOrder(oid, 1, side, px, 1, Tif.ALO))
        block = flow.advance(flow.next_ms())
        hits += sum(len(part.fills) for part in block.coins)
    expected = 2 * coin.market_rate * np.exp(-coin.kappa_per_bps * away_bps) * blocks * params.block_ms / 1e3
    assert hits == pytest.approx(expected, abs=4.0 * np.sqrt(expected) + 0.03 * expected)


def test_informed_flow_makes_markouts_worse_than_the_distance_quoted() -> None:
    costs = {}
    for share in (0.0, 0.6):
        base = synthetic_params(("ETH",), seed=6)
        params = SyntheticParams(seed=6, coins=base.coins, informed_share=share)
        flow = SyntheticFlow(params)
        row, market = flow.instruments()[0], flow.markets()["ETH"]
        signed, fair = [], [flow.efficient_px("ETH")]
        fills = []
        for number in range(4_000):
            for oid, side in zip((1, 2), SIDES, strict=True):
                market.cancel(oid)
                px = round_px(row.ticks(fair[-1]) * (1.0 - SIGN[side] * 2e-4), row.px_decimals, side == 1)
                market.place(NewOrder(oid, 1, side, px, 100, Tif.ALO))
            block = flow.advance(flow.next_ms())
            fair.append(flow.efficient_px("ETH"))
            fills += [(number + 1, fill) for part in block.coins for fill in part.fills]
        for at, fill in fills:
            if at + 20 < len(fair):
                signed.append(-SIGN[fill.aggressor_side] * (fair[at + 20] / fair[at] - 1.0) * 1e4)
        assert len(signed) > 100
        costs[share] = float(np.mean(signed))
    assert costs[0.6] < costs[0.0] - 0.3


def test_context_moves_and_is_flagged_as_modelled() -> None:
    flow = SyntheticFlow(synthetic_params(("BTC",), seed=2))
    before = flow.context("BTC")
    block = flow.advance(flow.start_ms + 10_000)
    assert block.coins[0].context == flow.context("BTC")
    assert before.modelled
    assert before.oracle_px != flow.context("BTC").oracle_px
    assert flow.context("BTC").mark_px == pytest.approx(flow.efficient_px("BTC"), rel=1e-3)


@pytest.mark.parametrize("coins", [(), ("BTC", "NOPE"), ("BTC", "BTC")])
def test_coins_that_cannot_be_made_are_named(coins: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"choose among|name each"):
        synthetic_params(coins)


def test_parameters_out_of_bounds_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"informed_share is 1\.5: Expected `float` <= 1\.0"):
        SyntheticFlow(SyntheticParams(informed_share=1.5))


def test_compiled_and_plain_code_make_the_same_market() -> None:
    answers = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ("0", "1")
    ]
    assert answers[0] == answers[1]
    assert "px_ticks" in answers[0]
