"""Allocation of inventory and margin to coins: a convex programme (theory §10), the only place that knows cvxpy.

Programme, per coin target q and limit L with L >= |q|:

    maximise    drift'q + worth'g(L / scale) - |G q|^2 - |d L|^2 - cost'|q - previous|
    subject to  L <= cap,  sum L <= gross,  |sum q| <= net,  im'L + reserve <= margin,  stress'L <= equity left

g is concave piecewise linear. Everything that changes is a parameter used as DPP demands, so the problem is compiled
once and solved in milliseconds. Money is in thousands of USD and the objective in USD per hour: coefficients near 1.
Clarabel solves; OSQP is tried when it fails; after that the last good allocation holds, cut to the limits of now.
Whatever the solver says, the answer is cut until every limit holds exactly.
"""

import warnings
from typing import Any, Final

import cvxpy as cp
import msgspec
import numpy as np
from numpy.typing import NDArray

from portfolio_mm.portfolio.capacity import Curve

Array = NDArray[np.float64]

THOUSAND: Final = 1_000.0
GOOD: Final = {cp.CLARABEL: {cp.OPTIMAL, cp.OPTIMAL_INACCURATE}, cp.OSQP: {cp.OPTIMAL}}
"""Clarabel's "inaccurate" is a relative gap of 5e-5, on numbers that are estimates; OSQP's may be anything."""
BINDS: Final = 1e-6
"""A dual above this share of the largest slope of the objective counts as binding."""

ZERO: Final = 1e-5
"""A smaller target, a cent at the allocator's scale, is the solver's rounding."""


class Terms(msgspec.Struct, frozen=True):
    """Numbers of one solve, all in units of the caller's choice (the allocator uses kUSD and USD/h).

    `drift`, `worth`, `inverse_scale`, `limit_risk` (d), `cost`, `previous`, `margin_rate` (im), `stress_rate`, `cap`:
    shape (n,). `factor` (G): shape (n, n). The rest are scalars.
    """

    drift: Array
    worth: Array
    inverse_scale: Array
    factor: Array
    limit_risk: Array
    cost: Array
    previous: Array
    margin_rate: Array
    stress_rate: Array
    cap: Array
    gross: float
    net: float
    margin: float
    stress: float


class Solution(msgspec.Struct, frozen=True):
    """Optimal targets and limits, the duals of the shared limits by name, and of the caps by coin (0 when slack)."""

    target: Array
    limit: Array
    duals: dict[str, float]
    cap_duals: Array
    value: float
    solver: str
    solve_ms: float


class Programme:
    """The compiled problem for `n` coins and one capacity curve."""

    def __init__(self, n: int, curve: Curve) -> None:
        """Args: number of coins, and g."""
        q, limit, earned, moved = (cp.Variable(n) for _ in range(4))
        self._target, self._limit = q, limit
        self._parameters: dict[str, Any] = {
            "drift": cp.Parameter(n),
            "worth": cp.Parameter(n, nonneg=True),
            "inverse_scale": cp.Parameter(n, nonneg=True),
            "factor": cp.Parameter((n, n)),
            "limit_risk": cp.Parameter(n, nonneg=True),
            "cost": cp.Parameter(n, nonneg=True),
            "previous": cp.Parameter(n),
            "margin_rate": cp.Parameter(n, nonneg=True),
            "stress_rate": cp.Parameter(n, nonneg=True),
            "cap": cp.Parameter(n, nonneg=True),
            "gross": cp.Parameter(nonneg=True),
            "net": cp.Parameter(nonneg=True),
            "margin": cp.Parameter(nonneg=True),
            "stress": cp.Parameter(nonneg=True),
        }
        p = self._parameters
        self._cap = limit <= p["cap"]
        self._shared: dict[str, tuple[Any, ...]] = {
            "gross": (cp.sum(limit) <= p["gross"],),
            "net": (cp.sum(q) <= p["net"], -cp.sum(q) <= p["net"]),
            "margin": (p["margin_rate"] @ limit <= p["margin"],),
            "stress": (p["stress_rate"] @ limit <= p["stress"],),
        }
        scaled = cp.multiply(p["inverse_scale"], limit)
        pieces = [
            earned <= slope * scaled + intercept
            for slope, intercept in zip(curve.slopes, curve.intercepts, strict=True)
        ]
        objective = (
            p["drift"] @ q
            + p["worth"] @ earned
            - cp.sum_squares(p["factor"] @ q)
            - cp.sum_squares(cp.multiply(p["limit_risk"], limit))
            - p["cost"] @ cp.abs(moved)
        )
        constraints = [moved == q - p["previous"], q <= limit, -q <= limit, self._cap, *pieces]
        constraints += [row for rows in self._shared.values() for row in rows]
        self.problem = cp.Problem(cp.Maximize(objective), constraints)

    def solve(self, terms: Terms, deadline_s: float) -> Solution | str:
        """Solve for these numbers, or say why it could not be done in time."""
        for name, parameter in self._parameters.items():
            parameter.value = getattr(terms, name)
        failures: list[str] = []
        for solver, options in (
            (cp.CLARABEL, {"time_limit": deadline_s}),
            (cp.OSQP, {"time_limit": deadline_s, "eps_abs": 1e-5, "eps_rel": 1e-5, "max_iter": 20_000}),
        ):
            status = self._attempt(solver, options)
            if status in GOOD[solver]:
                return self._solution(solver, terms)
            failures.append(f"{solver} {status}")
        return ", ".join(failures)

    def _attempt(self, solver: str, options: dict[str, float]) -> str:
        """Status of one solver."""
        try:
            with warnings.catch_warnings():  # an inaccurate solution is refused by its status, not by a warning
                warnings.simplefilter("ignore")
                self.problem.solve(solver=solver, **options)
        except (cp.error.SolverError, ArithmeticError, ValueError) as error:
            return type(error).__name__
        finite = self._limit.value is not None and np.all(np.isfinite(self._limit.value))
        return str(self.problem.status) if finite else "no numbers"

    def _solution(self, solver: str, terms: Terms) -> Solution:
        limit, target = feasible(self._limit.value, self._target.value, terms)
        stats = self.problem.solver_stats
        spent_s = (stats.solve_time or 0.0) + (stats.setup_time or 0.0)
        return Solution(
            target=np.where(np.abs(target) > ZERO, target, 0.0),
            limit=limit,
            duals={name: _price([float(row.dual_value) for row in rows]) for name, rows in self._shared.items()},
            cap_duals=np.asarray(self._cap.dual_value, dtype=np.float64),
            value=float(self.problem.value),
            solver=solver.lower(),
            solve_ms=1e3 * spent_s,
        )


def feasible(limit: Array, target: Array, terms: Terms) -> tuple[Array, Array]:
    """Limits and targets cut down until every constraint holds; shape (n,) each."""
    limit = np.clip(limit, 0.0, terms.cap)
    shared = ((np.ones_like(limit), terms.gross), (terms.margin_rate, terms.margin), (terms.stress_rate, terms.stress))
    for weight, bound in shared:
        used = float(weight @ limit)
        if used > bound:
            limit = limit * (max(0.0, bound) / used)
    target = np.clip(target, -limit, limit)
    net = float(np.sum(target))
    if abs(net) > terms.net:  # shrink the side that is too large, by what it is too large
        heavy = target * net > 0.0
        target = np.where(heavy, target * (1.0 - (abs(net) - terms.net) / abs(float(np.sum(target[heavy])))), target)
    return limit, target


def _price(duals: list[float]) -> float:
    """Value of one more unit of a limit; of two opposite rows only the difference of their duals is determined."""
    return abs(duals[0] - duals[1]) if len(duals) == 2 else duals[0]
