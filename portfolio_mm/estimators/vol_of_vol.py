"""Vol-of-vol (C4): sd of d ln sigma per sqrt(second), from minutes of one-second returns, less its error.

With y = ln of a minute's realised variance, e its error variance and H the minute's length:

    xi_v^2 = 3/2 mean((y_t - y_(t-1))^2 - e_t - e_(t-1)) / H,   vov = xi_v / 2

3/2 because both minutes are averages of a moving variance; e from the minute's own fourth powers, (n + 2)/n sum r^4 /
(sum r^2)^2 - 1/n times 1 + 1/n: 2/n of Gaussian returns, more when they have fat tails or a jump, so that neither
passes for a moving sigma. The add-on is a quantile of sigma over the time that inventory is held,

    add = c vov sqrt(horizon), times max(0, 1 - (Z se / estimate)^2): noise adds nothing in 95 of 100 cases.

Score: the squared change of y from one minute to the next, expected 8/3 vov^2 H + e + e', against e + e' alone.
Source: theory §6 (the same in block variances, 4 mean v^2 / h of error). A sigma that reverts within minutes is
understated by kappa H. The horizon is the minute itself: real sigma reverts, and longer ones would extrapolate.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.decay import NS_PER_S, time_constant_factor
from portfolio_mm.models.grid import GRID, advance, clear_grid, is_hole
from portfolio_mm.models.realized import qlike
from portfolio_mm.models.skill import SKILL, Z, clear_skill, score

HEARS = ("BBO", "BOOK")
HALF = math.log(2.0)
"""Half-life over time constant."""
WARM_S = 665.0
"""Seconds of an ordinary market after which it is ready."""
SCORES = {"squared change of ln variance, next minute": "sigma stands still: error of measurement alone (QLIKE)"}

PARAMS = record(
    [
        ("grid_ns", "i8"),
        ("gap_ns", "i8"),
        ("block_n", "i8"),
        ("tau_s", "f8"),
        ("horizon_s", "f8"),
        ("c_ratio", "f8"),
        ("max_ratio", "f8"),
        ("ready_count", "f8"),
        ("block_s", "f8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("known", "i4"),
        ("refused", "i8"),
        ("grid", GRID),
        ("minute_n", "i8"),
        ("squares", "f8"),
        ("fourths", "f8"),
        ("log_var", "f8"),
        ("log_error", "f8"),
        ("mass", "f8"),
        ("change_sum", "f8"),
        ("error_sum", "f8"),
        ("change_squares", "f8"),
        ("vov", "f8"),
        ("vov_weight", "f8"),
        ("add_ratio", "f8"),
        ("skill", SKILL),
    ]
)
"""`squares` and `fourths` sum the running minute's r^2 and r^4; `log_var` and `log_error` are those of the last minute
when `known`; sums over pairs of minutes are forgotten at tau_s; `add_ratio` is what sigma may be more, as a ratio."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: minutes of 60 returns, remembered 4 h, one sd over a minute, at most as much again."""
    p = np.zeros(1, dtype=PARAMS)
    p["grid_ns"], p["gap_ns"], p["block_n"], p["tau_s"] = 10**9, 10**10, 60, 14_400.0
    p["horizon_s"], p["c_ratio"], p["max_ratio"], p["ready_count"] = 60.0, 1.0, 1.0, 9.5
    p["block_s"] = 180.0
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - every part is reset with its parameters
    """Forget everything; nothing is added until a dozen minutes were compared."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.known = 0
    st.refused = 0
    clear_grid(st.grid)
    st.minute_n = 0
    st.squares = 0.0
    st.fourths = 0.0
    st.log_var = 0.0
    st.log_error = 0.0
    st.mass = 0.0
    st.change_sum = 0.0
    st.error_sum = 0.0
    st.change_squares = 0.0
    st.vov = 0.0
    st.vov_weight = 0.0
    st.add_ratio = 0.0
    clear_skill(st.skill)


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, mid_px: float) -> bool:
    """Hear a mid at block time.

    Returns:
        False when refused (NaN, not positive, or older than the last accepted message); state is kept.
    """
    if now_ns < st.last_ns or not 0.0 < mid_px < 1e300:
        st.refused += 1
        return False
    st.seen += 1
    st.last_ns = now_ns
    if is_hole(st.grid, p.gap_ns, now_ns):
        st.minute_n, st.known, st.squares, st.fourths = 0, 0, 0.0, 0.0
    steps, move_bps = advance(st.grid, p.grid_ns, p.gap_ns, now_ns, mid_px)
    for i in range(steps):
        square = move_bps * move_bps if i == 0 else 0.0
        st.squares += square
        st.fourths += square * square
        st.minute_n += 1
        if st.minute_n >= p.block_n:
            _close(st, p)
    return True


@nb.njit(cache=True)
def _close(st: Any, p: Any) -> None:
    """A minute is over: compare it with the last one; a minute without a move is compared with nothing."""
    n, block_s = p.block_n, p.block_n * p.grid_ns / NS_PER_S
    keep = time_constant_factor(block_s, p.tau_s)
    st.mass *= keep
    st.change_sum *= keep
    st.error_sum *= keep
    st.change_squares *= keep
    moved = st.squares > 0.0
    if moved:
        log_var = math.log(st.squares / n)
        error = (1.0 + 1.0 / n) * ((1.0 + 2.0 / n) * st.fourths / (st.squares * st.squares) - 1.0 / n)
        if st.known == 1:
            change = (log_var - st.log_var) ** 2
            if st.ready == 1:
                noise = error + st.log_error
                said = noise + 8.0 / 3.0 * st.vov * st.vov * block_s
                score(st.skill, st.last_ns, qlike(change / said), qlike(change / noise), p.block_s, HALF * p.tau_s)
            st.mass += 1.0
            st.change_sum += change
            st.error_sum += error + st.log_error
            st.change_squares += change * change
        st.log_var, st.log_error = log_var, error
        _publish(st, p, block_s)
    st.known = 1 if moved else 0
    st.minute_n, st.squares, st.fourths = 0, 0.0, 0.0


@nb.njit(cache=True)
def _publish(st: Any, p: Any, block_s: float) -> None:
    """The estimate and how far it stands from noise; neighbours share a minute (their squares correlate 1/4)."""
    if not st.mass > 0.0:
        return
    change = st.change_sum / st.mass
    excess = change - st.error_sum / st.mass
    variance = max(0.0, st.change_squares / st.mass - change * change)
    se = math.sqrt(1.5 * variance / st.mass)
    st.vov = 0.5 * math.sqrt(1.5 * max(0.0, excess) / block_s)
    ratio = Z * se / excess if excess > 0.0 else 1.0
    st.ready = 1 if st.mass >= p.ready_count else 0
    st.vov_weight = max(0.0, 1.0 - ratio * ratio) if st.ready == 1 else 0.0
    st.add_ratio = min(p.max_ratio, p.c_ratio * st.vov * math.sqrt(p.horizon_s) * st.vov_weight)
