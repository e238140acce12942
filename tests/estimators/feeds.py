"""Compiled loops that feed whole arrays to one estimator, and new states for tests."""

from types import ModuleType
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from portfolio_mm.domain.events import EVENT
from portfolio_mm.engine.snapshot import SNAPSHOT
from portfolio_mm.estimators import depth_profile, fair_value, intensity, markouts, volatility

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
START_NS = 1_700_000_000_000_000_000
ON = np.ones(12)
"""Every signal may act."""


def fresh(module: ModuleType, params: Any | None = None) -> tuple[Any, Any]:
    """A reset state and its parameters, as one-element arrays."""
    p = module.default_params() if params is None else params
    st = np.zeros(1, dtype=module.STATE)
    module.reset(st[0], p[0])
    return st, p


def placed(features: Any = np.nan, **known: float) -> Any:
    """What was known of an order at its placement, as an array of one SNAPSHOT."""
    row = np.zeros(1, SNAPSHOT)
    row["features"] = features
    for name, value in known.items():
        row[name] = value
    return row


def fills_of(sides: Any) -> Any:
    """FILL events of one lot each, trade ids from 1."""
    fills = np.zeros(len(sides), EVENT)
    fills["side"], fills["sz_lots"], fills["tid"] = sides, 1, np.arange(1, len(sides) + 1)
    return fills


PLACED = placed()


def own_fill(  # noqa: PLR0917 - flat arguments
    st: Any,
    p: Any,
    now_ns: int,
    side: int,
    lots: int,
    px: float,
    fair_px: float,
    mid2: int,
    tid: int = 0,
    row: Any = PLACED,
) -> int:
    """A fill of an order of which nothing was known but what `row` says; its place in the ring of markouts."""
    fill = np.zeros(1, EVENT)
    fill["side"], fill["sz_lots"], fill["tid"], fill["cloid_hi"], fill["cloid_lo"] = side, lots, tid, 5, 6
    return int(markouts.on_fill(st, p, now_ns, fill[0], px, fair_px, mid2, row[0]))


def times(seconds: NDArray[np.floating[Any]]) -> Ints:
    """Block times in ns from seconds since the start."""
    return START_NS + np.round(seconds * 1e9).astype(np.int64)


def walk(rng: np.random.Generator, sigma_bps: float | Floats, dt_s: float, n: int, px: float = 100.0) -> Floats:
    """A driftless mid with the given sd in bps per sqrt(second), one value each dt_s."""
    return px * np.exp(1e-4 * np.cumsum(rng.normal(0.0, 1.0, n) * np.sqrt(dt_s) * sigma_bps))


@nb.njit
def feed_fair_value(st: Any, p: Any, t_ns: Ints, book: Floats) -> None:
    """`book` has rows (bid_px, bid_sz, ask_px, ask_sz)."""
    for i in range(len(t_ns)):
        fair_value.update(st[0], p[0], t_ns[i], book[i, 0], book[i, 1], book[i, 2], book[i, 3], ON)


@nb.njit
def feed_volatility(st: Any, p: Any, t_ns: Ints, mid_px: Floats) -> Floats:
    """Returns sigma_bps and sigma_raw_bps after each message, shape (n, 2)."""
    path = np.empty((len(t_ns), 2))
    for i in range(len(t_ns)):
        volatility.update(st[0], p[0], t_ns[i], mid_px[i])
        path[i, 0] = st[0].sigma_bps
        path[i, 1] = st[0].sigma_raw_bps
    return path


@nb.njit
def feed_intensity(st: Any, p: Any, t_ns: Ints, aggressor: Ints, px: Floats, fair_px: float) -> None:  # noqa: PLR0917 - flat arguments
    for i in range(len(t_ns)):
        intensity.update(st[0], p[0], t_ns[i], aggressor[i], px[i], fair_px)


@nb.njit
def feed_own_orders(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, t_ns: Ints, aggressor: Ints, px: Floats, depth_bps: Floats, dt_s: Floats, filled: Any
) -> None:
    """Time passes, one own bid rests at `depth_bps` from a fair of 100 for `dt_s` each step, and may be filled."""
    for i in range(len(t_ns)):
        intensity.update(st[0], p[0], t_ns[i], aggressor[i], px[i], 100.0)
        intensity.expose(st[0], 0, depth_bps[i], dt_s[i], np.nan)
        if filled[i]:
            intensity.own_fill(st[0], t_ns[i], 0, depth_bps[i])


@nb.njit
def feed_depth_profile(st: Any, p: Any, t_ns: Ints, mid_px: Floats, aggressor: Ints, px: Floats, fair: Floats) -> None:  # noqa: PLR0917 - flat arguments
    for i in range(len(t_ns)):
        depth_profile.update(st[0], p[0], t_ns[i], t_ns[i], mid_px[i], aggressor[i], px[i], fair[i])


@nb.njit
def feed_markouts(  # noqa: PLR0917 - flat arguments
    st: Any, p: Any, t_ns: Ints, mid_px: Floats, fills: Any, px: Floats, fair: Floats, row: Any
) -> int:
    """`fills` FILL events, side -1 for none at this step. Returns how many labels were handed out."""
    handed = 0
    for i in range(len(t_ns)):
        handed += markouts.update(st[0], p[0], t_ns[i], t_ns[i], mid_px[i], 2 * i + 1)
        if fills[i].side >= 0:
            markouts.on_fill(st[0], p[0], t_ns[i], fills[i], px[i], fair[i], 2 * i, row[0])
    return handed


def sweeps(  # noqa: PLR0917 - flat arguments
    rng: np.random.Generator, a_per_s: float, k_per_bps: float, span_s: float, tick_s: float = 0.1, power: float = 0.0
) -> tuple[Ints, Ints, Floats]:
    """Market orders around a fair of 100 on both sides and a clock tick every tick_s: (time, aggressor or -1, px).

    Depths are Exp(k), or when `power` is given Pareto (Lomax) with that tail index and the same mean 1/k.
    """
    rows: list[tuple[float, int, float]] = [(float(tick), -1, 0.0) for tick in np.arange(0.0, span_s, tick_s)]
    for side in range(2):
        n = int(rng.poisson(a_per_s * span_s))
        depth_bps = rng.exponential(1.0 / k_per_bps, n)
        if power > 0.0:
            depth_bps = rng.pareto(power, n) * (power - 1.0) / k_per_bps
        sign = 1.0 if side == 0 else -1.0
        at_s = rng.uniform(0.0, span_s, n)
        rows += [
            (float(t), 1 - side, float(100.0 * (1.0 - sign * d * 1e-4))) for t, d in zip(at_s, depth_bps, strict=True)
        ]
    rows.sort()
    t_ns = times(np.array([row[0] for row in rows]))
    return t_ns, np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
