"""The convex programme against solutions known in closed form (theory §10.2, portfolio_kkt_refs.json)."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.portfolio.allocation import Programme, Solution, Terms, feasible
from portfolio_mm.portfolio.capacity import Curve, glft_curve, saturating_curve

N = 5
BETA = np.array([1.0, 1.1, 1.4, 0.9, 1.3])
SIGMA = 9e-4 * np.outer(BETA, BETA) + np.diag([1e-4, 3e-4, 6e-4, 4e-4, 8e-4])
MU = np.array([10.0, 16.0, 30.0, -5.0, 12.0]) * 1e-4
GAMMA = 1e-5
IM = np.array([0.025, 0.04, 0.05, 0.1, 0.1])
UNIT = 1e4  # variables in 10,000 USD: coefficients near 1
WIDE = 1e4
FLAT = Curve((0.0,), (0.0,))

FREE = Terms(
    drift=MU * UNIT,
    worth=np.zeros(N),
    inverse_scale=np.ones(N),
    factor=np.sqrt(GAMMA / 2) * UNIT * np.linalg.cholesky(SIGMA).T,
    limit_risk=np.zeros(N),
    cost=np.zeros(N),
    previous=np.zeros(N),
    margin_rate=np.zeros(N),
    stress_rate=np.zeros(N),
    cap=np.full(N, WIDE),
    gross=WIDE,
    net=WIDE,
    margin=WIDE,
    stress=WIDE,
)
DIAGONAL = np.sqrt(GAMMA / 2) * UNIT * np.diag(np.sqrt(np.diag(SIGMA)))


@pytest.fixture(scope="module")
def flat() -> Programme:
    return Programme(N, FLAT)


def solved(programme: Programme, **changes: object) -> Solution:
    solution = programme.solve(msgspec.structs.replace(FREE, **changes), 5.0)
    assert isinstance(solution, Solution), solution
    return solution


def test_the_programme_obeys_the_rules_of_parameters(flat: Programme) -> None:
    assert flat.problem.is_dcp(dpp=True)
    assert flat.problem.is_dpp()


def test_t1_without_constraints_it_is_mean_variance(flat: Programme) -> None:
    solution = solved(flat)
    expected = [-50692.947336, 148079.252643, 254838.312288, -361405.913151, -20737.603942]
    assert solution.target * UNIT == pytest.approx(expected, rel=1e-4)
    assert solution.value == pytest.approx(553.2833128015602, rel=1e-7)


def test_t2_uncorrelated_coins_stop_at_their_caps(flat: Programme) -> None:
    caps = np.array([20_000.0, 20_000.0, 30_000.0, 10_000.0, 5_000.0])
    solution = solved(flat, factor=DIAGONAL, cap=caps / UNIT)
    assert solution.target * UNIT == pytest.approx([20_000.0, 20_000.0, 30_000.0, -10_000.0, 5_000.0], rel=1e-5)


@pytest.mark.parametrize(("before", "after"), [(0.0, 70_000.0), (6e4, 7e4), (1.1e5, 1.1e5), (2e5, 1.3e5)])
def test_t3_a_target_moves_only_when_the_gain_exceeds_the_cost(before: float, after: float) -> None:
    one = Programme(1, FLAT)
    single = {name: np.asarray(getattr(FREE, name))[:1] for name in FREE.__struct_fields__[:10] if name != "factor"}
    terms = msgspec.structs.replace(
        FREE,
        **single
        | {
            "factor": np.array([[np.sqrt(GAMMA / 2 * 1e-3) * UNIT]]),
            "drift": np.array([1e-3 * UNIT]),
            "cost": np.array([3e-4 * UNIT]),
            "previous": np.array([before / UNIT]),
        },
    )
    solution = one.solve(terms, 5.0)
    assert isinstance(solution, Solution)
    assert solution.target[0] * UNIT == pytest.approx(after, rel=1e-4)


def test_t4_a_net_limit_of_zero_makes_the_book_neutral(flat: Programme) -> None:
    solution = solved(flat, net=0.0)
    expected = [-21888.805535, 150543.191353, 245364.118807, -348851.796282, -25166.708344]
    assert solution.target * UNIT == pytest.approx(expected, rel=1e-4)
    assert solution.duals["net"] / UNIT == pytest.approx(0.00024292739851629496, rel=1e-3)


def test_t5_margin_is_shared_by_water_filling_and_priced_by_its_dual(flat: Programme) -> None:
    changes = {"factor": DIAGONAL, "margin_rate": IM, "margin": 3_000.0 / UNIT}
    solution = solved(flat, **changes)
    assert solution.target * UNIT == pytest.approx([7805.259345, 8990.93949, 48904.618735, 0.0, 0.0], abs=0.5)
    assert solution.duals["margin"] / UNIT == pytest.approx(0.036877896261985746, rel=1e-4)
    more = solved(flat, **(changes | {"margin": 3_001.0 / UNIT}))
    assert more.value - solution.value == pytest.approx(solution.duals["margin"] / UNIT, rel=1e-2)


def test_t11_capacity_is_shared_where_it_earns_most() -> None:
    curve = saturating_curve(tuple(np.linspace(0.0, 3.0, 301)))
    ell = np.array([50_000.0, 30_000.0, 20_000.0, 15_000.0, 25_000.0])
    solution = solved(
        Programme(N, curve),
        drift=np.zeros(N),
        worth=np.array([40.0, 25.0, 30.0, 12.0, 18.0]),
        inverse_scale=UNIT / ell,
        margin_rate=IM,
        margin=4_000.0 / UNIT,
    )
    expected = np.array([66_370.383809, 26_946.781244, 25_257.383101, 0.0, 0.0])
    assert solution.limit * UNIT == pytest.approx(expected, abs=600.0)  # the tangents are 0.01 scales apart
    assert solution.duals["margin"] / UNIT == pytest.approx(0.008485240365952315, rel=0.02)


def test_the_capacity_curve_is_the_exact_one_at_its_contacts() -> None:
    # glft_capacity of portfolio_kkt_refs.json
    curve = glft_curve((1.0, 2.0, 3.0, 5.0, 10.0))
    exact = {1: 0.70711, 2: 0.86603, 3: 0.92388, 5: 0.96593, 10: 0.98982}
    for clips, share in exact.items():
        pieces = [i + s * clips for s, i in zip(curve.slopes, curve.intercepts, strict=True)]
        assert min(pieces) == pytest.approx(share, abs=1e-5)


@pytest.mark.parametrize("name", ["gross", "net", "margin", "stress"])
def test_more_of_anything_never_hurts_and_a_slack_limit_has_no_price(name: str, flat: Programme) -> None:
    rates = {"margin_rate": IM, "stress_rate": np.full(N, 0.1)}
    values, duals = [], []
    for size in (0.5, 2.0, 8.0, WIDE):
        solution = solved(flat, **(rates | {name: size}))
        values.append(solution.value)
        duals.append(solution.duals[name])
    assert np.all(np.diff(values) > -1e-6)
    assert duals[0] > 1e-3
    assert duals[-1] == pytest.approx(0.0, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(N)), st.floats(0.5, 20.0))
def test_the_order_of_coins_does_not_matter(order: list[int], gross: float) -> None:
    index = np.array(order)
    programme = Programme(N, FLAT)
    here = solved(programme, gross=gross)
    factor = np.sqrt(GAMMA / 2) * UNIT * np.linalg.cholesky(SIGMA[np.ix_(index, index)]).T
    there = solved(programme, gross=gross, drift=MU[index] * UNIT, factor=factor)
    assert there.target == pytest.approx(here.target[index], abs=1e-4)


def test_a_programme_that_is_not_solved_in_time_says_so_solver_by_solver(flat: Programme) -> None:
    said = flat.solve(FREE, 1e-9)
    assert isinstance(said, str)
    assert "CLARABEL" in said
    assert "OSQP" in said
    solved(flat)


def test_an_answer_beyond_a_limit_is_cut_until_every_limit_holds() -> None:
    terms = msgspec.structs.replace(FREE, net=0.5, gross=2.0, margin=0.06, margin_rate=IM, cap=np.full(N, 1.0))
    limit, target = feasible(np.full(N, 1e9), np.array([3.0, 1.0, -0.5, 0.0, 0.0]), terms)
    assert np.all(limit <= terms.cap + 1e-12)
    assert limit.sum() <= terms.gross + 1e-12
    assert terms.margin_rate @ limit <= terms.margin + 1e-12
    assert np.all(np.abs(target) <= limit + 1e-12)
    assert abs(target.sum()) <= terms.net + 1e-12
    assert target[2] < 0.0, "the side that is not too large stays"
