"""The planted truth of a synthetic market is in its output: estimated here with NumPy alone, within standard errors."""

from typing import Any

import msgspec
import numpy as np
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import SIDES, SIGN
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.venue.flows.synthetic import SyntheticFlow, implied
from portfolio_mm.venue.flows.synthetic.coin import SyntheticCoin
from portfolio_mm.venue.flows.synthetic.kernels import arrivals
from portfolio_mm.venue.flows.synthetic.orders import DRAWN, MarketOrders
from portfolio_mm.venue.flows.synthetic.params import Cascades, Lead, Regime, SyntheticParams
from portfolio_mm.venue.flows.synthetic.prices import EfficientPaths
from portfolio_mm.venue.flows.synthetic.twin import misspecify
from portfolio_mm.venue.flows.synthetic_params import synthetic_params

Array = np.ndarray[Any, Any]
Z = 4.0
"""Bands are four standard errors wide to each side: with fixed seeds a failure is a change, not bad luck."""


def market(*coins: str, **changes: Any) -> SyntheticParams:
    return msgspec.structs.replace(synthetic_params(coins, seed=21), **changes)


def coin(name: str, **changes: Any) -> SyntheticCoin:
    return msgspec.structs.replace(synthetic_params((name,)).coins[0], **changes)


def moves(params: SyntheticParams, blocks: int) -> Array:
    paths = EfficientPaths(params)
    rows = [paths.between(at, at + 512).copy() for at in range(0, blocks, 512)]
    return np.diff(np.concatenate(rows)[: blocks + 1], axis=0) * 1e4


def orders(params: SyntheticParams, blocks: int) -> tuple[Array, MarketOrders]:
    drawn = MarketOrders(params, EfficientPaths(params))
    return np.concatenate([drawn.due(block).rows.copy() for block in range(1, blocks + 1, DRAWN)]), drawn


def test_a_planted_correlation_matrix_is_the_realised_one() -> None:
    rho = ((1.0, 0.6, -0.3), (0.6, 1.0, 0.1), (-0.3, 0.1, 1.0))
    params = market("BTC", "ETH", "SOL", correlation=rho, leads=())
    found = moves(params, 40_000)
    planted = np.array(rho)
    error = (1.0 - planted**2) / np.sqrt(len(found))
    assert np.all(np.abs(np.corrcoef(found.T) - planted) <= Z * error + 1e-12)
    sigma = found.std(axis=0) / np.sqrt(0.1)
    assert sigma == pytest.approx([0.70, 1.05, 1.25], rel=Z / np.sqrt(2 * len(found)))


def test_each_lead_peaks_at_its_own_delay_with_its_own_share() -> None:
    leads = (Lead("BTC", "ETH", 300, 0.7), Lead("SOL", "ETH", 900, 0.5))
    rho = ((1.0, 0.6, 0.0), (0.6, 1.0, 0.5), (0.0, 0.5, 1.0))
    params = market("BTC", "ETH", "SOL", correlation=rho, leads=leads)
    found = moves(params, 60_000)
    sigma = np.array([row.sigma_bps for row in params.coins]) * np.sqrt(0.1)
    innovations = found / sigma
    n = len(found) - 20
    for leader, delay, weight in ((0, 3, 0.7 * 0.6), (2, 9, 0.5 * 0.5)):
        cross = np.array([np.mean(innovations[:n, leader] * innovations[k : n + k, 1]) for k in range(20)])
        late = np.argmax(np.abs(cross[1:])) + 1
        assert late == delay
        assert cross[delay] == pytest.approx(weight, abs=Z * 1.2 / np.sqrt(n))
    long = found[: len(found) // 600 * 600].reshape(-1, 600, 3).sum(axis=1)
    assert np.corrcoef(long.T) == pytest.approx(np.array(rho), abs=Z / np.sqrt(len(long)))


def test_regimes_have_their_volatilities_stays_and_arrivals() -> None:
    states = (Regime(0.5, 30.0), Regime(1.0, 20.0, 2.0), Regime(3.0, 10.0, 4.0))
    params = market("BTC", regimes=states)
    paths = EfficientPaths(params)
    blocks = 60_000
    chunks = [(paths.between(at, at + 500).copy(), paths.regimes(at, at + 500).copy()) for at in range(1, blocks, 500)]
    found = np.diff(np.concatenate([rows for rows, _ in chunks])[:, 0]) * 1e4
    state = np.concatenate([rows for _, rows in chunks])[1:]
    rows, _ = orders(params, blocks)
    for index, regime in enumerate(states):
        mine = found[state == index]
        sigma = 0.70 * regime.sigma_factor * np.sqrt(0.1)
        assert mine.std() == pytest.approx(sigma, rel=Z / np.sqrt(2 * len(mine)))
        seconds = 0.1 * len(mine)
        expected = 4.0 * regime.arrival_factor * seconds
        counted = np.isin(rows["block"], np.flatnonzero(state == index) + 2).sum()
        assert counted == pytest.approx(expected, abs=Z * np.sqrt(expected))
    visits = [(np.diff((state == index).astype(int)) == 1).sum() for index in range(3)]
    for regime, seen, share in zip(states, visits, implied.regime_shares(params), strict=True):
        assert seen == pytest.approx(share * blocks * 0.1 / regime.dwell_s, abs=Z * np.sqrt(seen))


def test_jumps_come_at_their_rate_with_their_size_and_are_in_the_price() -> None:
    quiet = market("BTC", "ETH")
    loud = market(
        "BTC",
        coins=(coin("BTC", jump_rate_per_h=60.0, jump_bps=30.0), coin("ETH")),
        common_jump_rate_per_h=30.0,
        common_jump_bps=50.0,
        jump_law="double_exponential",
    )
    blocks = 200_000
    paths = EfficientPaths(loud)
    paths.between(0, 1)
    added = moves(loud, blocks) - moves(quiet, blocks)
    for at in range(0, blocks, 512):
        paths.between(at, at + 512)
    told = [jump for jump in paths.jumps if jump.block <= blocks]
    assert {(jump.block, jump.coin) for jump in told} == {(at + 1, i) for at, i in np.argwhere(np.abs(added) > 1e-6)}
    hours = blocks * 0.1 / 3_600.0
    for i, common, rate, size in ((0, False, 60.0, 30.0), (0, True, 30.0, 45.0), (1, True, 30.0, 42.5)):
        bps = np.array([jump.bps for jump in told if jump.coin == i and jump.common == common])
        assert len(bps) == pytest.approx(rate * hours, abs=Z * np.sqrt(rate * hours))
        assert np.abs(bps).mean() == pytest.approx(size, rel=Z / np.sqrt(len(bps)))


def test_counts_have_the_variance_of_the_planted_branching_ratio() -> None:
    # Fano factor of counts in long windows: 1 / (1 - n)^2 for either the sum or one coin alone (theory §4)
    params = market("BTC", coins=(coin("BTC", self_excitation=0.4, cross_excitation=0.2, excitation_s=0.3),))
    params = msgspec.structs.replace(params, informed_share=0.0)
    blocks = 120_000
    rows, _ = orders(params, blocks)
    window_s = 30.0
    counts = np.bincount((rows["s"] // window_s).astype(int))[1:-1]
    assert counts.mean() / window_s == pytest.approx(4.0, rel=Z * 2.5 / np.sqrt(4.0 * 0.1 * blocks))
    d = (1.0 - 0.6) / 0.3
    fano = 1.0 + 0.6 * (2.0 - 0.6) / (1.0 - 0.6) ** 2 * (1.0 - (1.0 - np.exp(-d * window_s)) / (d * window_s))
    assert counts.var() / counts.mean() == pytest.approx(fano, rel=Z * np.sqrt(2.0 / len(counts)))


def test_the_likelihood_of_both_sides_finds_self_and_cross_excitation() -> None:
    params = market(
        "ETH",
        coins=(coin("ETH", self_excitation=0.4, cross_excitation=0.15, excitation_s=0.2),),
        informed_share=0.0,
    )
    rows, _ = orders(params, 40_000)  # 12,000 orders: standard errors near 0.012
    own, cross = _branching(rows["s"], rows["side"], beta=5.0)
    assert own == pytest.approx(0.4, abs=0.05)
    assert cross == pytest.approx(0.15, abs=0.05)


def _branching(s: Array, side: Array, beta: float) -> tuple[float, float]:
    """Self and cross branching of a symmetric two-sided process by EM, beta known (theory §4)."""
    memory, now, last = np.zeros((len(s), 2)), np.zeros(2), s[0]
    for at, (time, mine) in enumerate(zip(s.tolist(), side.tolist(), strict=True)):
        now *= np.exp(-beta * (time - last))
        memory[at] = now[mine], now[1 - mine]
        now[mine] += 1.0
        last = time
    base, branching = len(s) / s[-1] / 4.0, np.array([0.3, 0.3])
    for _ in range(200):
        parts = np.column_stack([np.full(len(s), base), branching * beta * memory])
        kids = (parts / parts.sum(axis=1, keepdims=True)).sum(axis=0)
        base, branching = kids[0] / 2.0 / s[-1], kids[1:] / len(s)
    return float(branching[0]), float(branching[1])


def test_contagion_carries_orders_to_other_coins() -> None:
    coins = tuple(coin(name, self_excitation=0.1, excitation_s=0.2) for name in ("BTC", "ETH", "SOL"))
    params = SyntheticParams(seed=3, coins=coins, contagion=0.2, informed_share=0.0)
    rows, _ = orders(params, 40_000)
    counts = np.array([np.bincount((rows["s"][rows["coin"] == i] // 5.0).astype(int), minlength=800) for i in range(3)])
    matrix = implied.branching(params)
    spread = np.linalg.inv(np.eye(6) - matrix)
    rates = np.repeat([row.market_rate for row in coins], 2)
    covariance = spread @ np.diag(rates) @ spread.T  # per second at long horizons (Hawkes 1971)
    long = covariance.reshape(3, 2, 3, 2).sum(axis=(1, 3))
    found = np.corrcoef(counts)
    planted = long / np.sqrt(np.outer(np.diag(long), np.diag(long)))
    assert found[0, 1] == pytest.approx(planted[0, 1], abs=Z / np.sqrt(800.0))
    assert planted[0, 1] > 0.15


@pytest.mark.parametrize("alpha_bps", [None, 0.6])
def test_informed_orders_gain_alpha_and_others_nothing(alpha_bps: float | None) -> None:
    coins = (coin("BTC"), coin("HYPE", informed_alpha_bps=alpha_bps))
    params = SyntheticParams(seed=9, coins=coins, informed_share=0.25)
    paths = EfficientPaths(params)
    rows, drawn = orders(params, 60_000)
    prices = np.concatenate([paths.between(at, at + 500).copy() for at in range(0, 61_000, 500)])[:, 1] * 1e4
    mine = rows[rows["coin"] == 1]
    gains = np.where(mine["side"] == 0, 1.0, -1.0) * (prices[mine["block"] + 20] - prices[mine["block"]])
    informed = mine["kind"] == arrivals.INFORMED
    assert informed.mean() == pytest.approx(0.25, abs=Z * np.sqrt(0.25 * 0.75 / len(mine)))
    alpha = (implied.informed_accuracy(params) * implied.certain_alpha_bps(params))[0, 1]
    assert alpha_bps is None or alpha == pytest.approx(alpha_bps)
    # orders within one horizon share a move: as many independent blocks as horizons, at most
    n = min(informed.sum(), 60_000 / 20)
    assert gains[informed].mean() == pytest.approx(alpha, abs=Z * gains[informed].std() / np.sqrt(n))
    assert gains[~informed].mean() == pytest.approx(0.0, abs=Z * gains.std() / np.sqrt(60_000 / 20))
    report = drawn.measures.report()["coins"][1]
    assert report["gain_bps"]["informed"] == pytest.approx(gains[informed].mean(), rel=0.02)


def fills_at(params: SyntheticParams, away_bps: float, blocks: int) -> int:
    """Fills of one lot a side kept at a distance from the efficient price of the coming block."""
    flow = SyntheticFlow(params)
    row, book = flow.instruments()[0], flow.markets()[params.coins[0].coin]
    hits = 0
    for number in range(blocks):
        fair = params.coins[0].px * np.exp(flow._paths.at(number + 1)[0]) * 10.0**row.px_decimals
        for oid, side in zip((1, 2), SIDES, strict=True):
            book.cancel(oid)
            px = round_px(fair * (1.0 - SIGN[side] * away_bps / 1e4), row.px_decimals, side == 1)
            book.place(NewOrder(oid, 1, side, px, 1, Tif.ALO))
        block = flow.advance(flow.next_ms())
        hits += sum(len(part.fills) for part in block.coins)
    return hits


@pytest.mark.parametrize("twin", [False, True])
def test_fills_fall_with_distance_as_planted_and_otherwise_in_the_twin(twin: bool) -> None:  # noqa: FBT001
    # nearer than every maker; at most one lot a side and block, so a block counts once however many orders reach
    row = coin("HYPE", half_spread_bps=6.0)
    params = SyntheticParams(seed=11, coins=(row,), arbitrage_rate=0.0, informed_share=0.0, twin=twin)
    params = msgspec.structs.replace(params, stamp_hold=0.0)
    shares = []
    for away_bps in (1.0, 4.0):
        hits, blocks = fills_at(params, away_bps, 4_000), 4_000
        reach = (1.0 + away_bps * row.kappa_per_bps / 2.0) ** -3 if twin else np.exp(-row.kappa_per_bps * away_bps)
        hold = 0.7 if twin else 1.0  # blocks that hold back deliver nothing; the next one all
        per_block = row.market_rate * reach * 0.1
        expected = 2 * blocks * (hold * -np.expm1(-per_block / hold))
        assert hits == pytest.approx(expected, abs=Z * np.sqrt(expected) + 0.03 * expected)
        shares.append(hits)
    assert shares[0] > shares[1]


def test_measured_rates_at_distances_are_the_laws_of_the_market_and_of_its_twin() -> None:
    for twin in (False, True):
        params = misspecify(market("ETH", twin=twin))
        _, drawn = orders(params, 40_000)
        measured = drawn.measures.report()["coins"][0]
        row = params.coins[0]
        assert measured["orders"]["children"] == 0
        for side in range(2):
            for away_bps, rate in zip(measured["distance_bps"], measured["reached_per_s"][side], strict=True):
                scaled = row.kappa_per_bps * away_bps
                reach = (1.0 + scaled / 2.0) ** -3 if twin else np.exp(-scaled)
                expected = row.market_rate * reach
                error = np.sqrt(expected / 4_000.0)
                assert rate == pytest.approx(expected, abs=Z * error)
            open_share = 0.7 if twin else 1.0
            held = 10.0 * open_share * -np.expm1(-0.1 * row.market_rate / open_share)
            assert measured["blocks_per_s"][side] == pytest.approx(held, abs=Z * np.sqrt(held / 4_000.0))
        if not twin:
            kappa, error = measured["kappa_per_bps"][0], measured["kappa_se"][0]
            assert kappa == pytest.approx(row.kappa_per_bps, abs=Z * error)


def test_the_twin_holds_stamps_back_and_has_a_kernel_with_a_long_tail() -> None:
    base = market("ETH", coins=(coin("ETH", self_excitation=0.5, excitation_s=0.3),), informed_share=0.0)
    plain, _ = orders(base, 40_000)
    twin, _ = orders(misspecify(msgspec.structs.replace(base, twin=True)), 40_000)
    assert len(twin) == pytest.approx(len(plain), rel=Z * 3.0 / np.sqrt(len(plain)))
    late = [np.mean(rows["block"] - np.ceil(rows["s"] / 0.1) > 0.5) for rows in (plain, twin)]
    assert late[0] == 0.0
    assert late[1] == pytest.approx(0.3, abs=0.03)


def test_cascades_leave_the_lasting_half_of_their_impact() -> None:
    cascades = Cascades(rate_per_h=20.0, orders=10.0, burst_s=1.0, impact_bps=60.0, passing_share=0.5, passing_s=2.0)
    quiet, loud = EfficientPaths(market("SOL")), EfficientPaths(market("SOL", cascades=cascades))
    added = [(loud.at(block) - quiet.at(block))[0] * 1e4 for block in range(40_000)]
    blocks = [burst.block for burst in loud.bursts]
    assert len(blocks) == pytest.approx(20.0 * 40_000 * 0.1 / 3_600.0, abs=Z * np.sqrt(22.0))
    quiet_ends = [(n, block + 250) for n, block in enumerate(blocks) if block + 250 < [*blocks, 1 << 62][n + 1]]
    assert len(quiet_ends) > 5
    for n, end in quiet_ends[:-1]:  # bursts and what passes of them are over after 18 s
        lasting = sum((1 - 2 * burst.side) * 30.0 for burst in loud.bursts[: n + 1])
        assert added[end] == pytest.approx(lasting, abs=1e-6)


def test_cascades_trade_close_interest_and_are_told_when_they_come() -> None:
    cascades = Cascades(rate_per_h=100.0, interest_share=0.1)
    calm, wild = (SyntheticFlow(market("SOL", cascades=given)) for given in (None, cascades))
    traded = {}
    for flow in (calm, wild):
        blocks = [flow.advance(flow.next_ms()) for _ in range(3_000)]
        traded[flow] = sum(row.sz_lots for block in blocks for part in block.coins for row in part.prints)
    told = wild.truth()["events"]
    bursts = [row for row in told if row["event"] == "cascade"]
    assert 2 <= len(bursts) <= 20
    assert all(wild.start_ms < row["ms"] < wild.next_ms() for row in bursts)
    assert traded[wild] > 1.2 * traded[calm]
    closed = 1.0 - wild.context("SOL").open_interest / calm.context("SOL").open_interest
    assert closed == pytest.approx(1.0 - 0.9 ** len(bursts), rel=0.4)


def test_the_premium_reverts_to_its_mean_and_parts_oracle_from_price() -> None:
    params = market("BTC", coins=(coin("BTC", premium_bps=5.0, premium_sd_bps=2.0, premium_s=6.0),))
    flow = SyntheticFlow(params)
    premiums = []
    flow.advance(flow.next_ms())  # contexts are due every 3 s from here
    for _ in range(1_000):
        flow.advance(flow.next_ms() + 2_900)
        premiums.append((flow.efficient_px("BTC") / flow.context("BTC").oracle_px - 1.0) * 1e4)
    found = np.array(premiums[5:])
    phi = np.exp(-3.0 / 6.0)
    error = 2.0 * np.sqrt((1.0 + phi) / (1.0 - phi) / len(found))
    assert found.mean() == pytest.approx(5.0, abs=Z * error)
    assert found.std() == pytest.approx(2.0, rel=0.15)
    assert np.corrcoef(found[:-1], found[1:])[0, 1] == pytest.approx(phi, abs=0.1)
    assert flow.context("BTC").mark_px == pytest.approx(flow.efficient_px("BTC"), rel=3e-4)


def test_sizes_have_their_law_and_its_mean() -> None:
    for law, shape in (("exponential", 1.0), ("lognormal", 1.2), ("pareto", 2.5)):
        row = coin("BTC", size_law=law, size_shape=shape, market_usd=1_000.0)
        usd = orders(market("BTC", coins=(row,)), 30_000)[0]["usd"]
        scaled = np.sort(usd / 1_000.0)
        error = Z / np.sqrt(len(usd))
        if law == "lognormal":
            assert np.log(scaled).std() == pytest.approx(shape, rel=error)
            assert np.log(scaled).mean() == pytest.approx(-0.5 * shape**2, abs=error * shape)
        elif law == "pareto":
            least = (shape - 1.0) / shape
            assert scaled[0] >= least
            assert np.log(scaled / least).mean() == pytest.approx(1.0 / shape, rel=error)
        else:
            assert scaled.mean() == pytest.approx(1.0, abs=error)
            assert np.mean(scaled > 2.0) == pytest.approx(np.exp(-2.0), abs=error)


def test_fitted_laws_are_those_of_the_coins_class() -> None:
    params = market("BTC", "LINK", laws="fitted", informed_share=0.2)
    flow = SyntheticFlow(params)
    for _ in range(600):
        flow.advance(flow.next_ms())
    rows = np.concatenate([flow.orders.due(block).rows.copy() for block in range(641, 30_001, DRAWN)])
    for index, rate, shape in ((0, 0.565, 2.96), (1, 0.257, 1.91)):
        mine = rows[rows["coin"] == index]
        size = 1.0 / (1.0 - 0.48) ** 2
        expected = 2.0 * rate * 2_936.0
        assert len(mine) == pytest.approx(expected, abs=Z * np.sqrt(expected * size))
        assert np.log(mine["usd"]).std() == pytest.approx(shape, rel=Z / np.sqrt(2.0 * len(mine)))
    best = flow.markets()["BTC"].bbo()
    assert best.bid is not None
    assert best.ask is not None
    assert best.ask.px_ticks / best.bid.px_ticks - 1.0 < 0.5e-4


@pytest.mark.parametrize("twin", [False, True])
def test_quotes_live_as_long_as_planted_on_average_and_longer_in_the_tail_of_the_twin(twin: bool) -> None:  # noqa: FBT001
    row = coin("HYPE", sigma_bps=0.0, market_rate=0.0)
    flow = SyntheticFlow(market("HYPE", coins=(row,), twin=twin, cancel_rate=0.5))
    born: dict[int, int] = {}
    lives = []
    for block in range(4_000):
        flow.advance(flow.next_ms())
        now = {int(oid) for oid in flow._backgrounds["oid"][0].ravel() if oid}
        lives += [block - born.pop(oid) for oid in [*born] if oid not in now]
        born |= {oid: block for oid in now if oid not in born}
    life_s = np.array(lives) * 0.1
    tail = (1.0 + 4.0) ** -2 if twin else np.exp(-4.0)
    assert np.mean(life_s > 8.0) == pytest.approx(tail, abs=Z * np.sqrt(tail / len(lives)) + 0.1 * tail)
    assert np.mean(life_s > 2.0) == pytest.approx(0.25 if twin else np.exp(-1.0), abs=0.03)


def test_stale_makers_follow_the_price_later() -> None:
    late = {}
    for stale_ms in (0, 1_000):
        row = coin("BTC", stale_ms=stale_ms, market_rate=0.1)
        flow = SyntheticFlow(market("BTC", coins=(row,), arbitrage_rate=0.0))
        away = []
        for _ in range(2_000):
            flow.advance(flow.next_ms())
            best = flow.markets()["BTC"].bbo()
            assert best.bid is not None
            assert best.ask is not None
            mid = flow.instruments()[0].px(best.bid.px_ticks + best.ask.px_ticks) / 2.0
            away.append(abs(mid / flow.efficient_px("BTC") - 1.0) * 1e4)
        late[stale_ms] = np.mean(away)
    assert late[1_000] > 1.3 * late[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"coins": (coin("BTC", self_excitation=0.9, cross_excitation=0.3),)}, "spectral radius 1.200"),
        ({"correlation": ((1.0, 0.9), (0.9, 1.0))}, "1 rows of 1"),
        ({"leads": (Lead("BTC", "ETH", 500, 0.4),)}, "lead of BTC over ETH"),
        ({"informed_ms": 150}, "informed_ms is 150, must be a multiple of block_ms"),
        ({"coins": (coin("BTC", informed_alpha_bps=9.0),)}, "informed_alpha_bps of BTC is 9.0"),
        ({"coins": (coin("BTC", self_excitation=0.8),), "informed_share": 0.4}, "have no parent"),
        ({"coins": (coin("BTC", px=-1.0),)}, r"coins\[0\].px is -1.0"),
        ({"coins": (coin("BTC", market_rate=400.0),)}, "market orders a block"),
        ({"coins": (coin("SOL"),), "laws": "fitted"}, "only 0.261 of the orders in SOL have no parent"),
        ({"coins": (coin("BTC", size_law="pareto", size_shape=0.9),)}, "size_shape of BTC"),
    ],
)
def test_markets_that_cannot_be_kept_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        SyntheticFlow(market("BTC", **changes))
