"""One fixed random stream through every estimator; run as a program it saves the final states for comparison."""

import sys
from typing import Any

import numpy as np

from portfolio_mm.estimators import depth_profile, fair_value, intensity, markouts, volatility
from tests.estimators.feeds import START_NS, fresh

STEPS = 1500


def run() -> dict[str, Any]:
    """Feed 1500 events (books, trades, fills, clock ticks, some of them bad) and return the states by module name."""
    rng = np.random.default_rng(20)
    fv, fv_p = fresh(fair_value)
    vol, vol_p = fresh(volatility)
    lam, lam_p = fresh(intensity)
    dep, dep_p = fresh(depth_profile)
    mk, mk_p = fresh(markouts)
    now_ns, mid = START_NS, 100.0
    for i in range(STEPS):
        now_ns += int(rng.integers(0, 4)) * 70_000_000
        mid *= 1.0 + 1e-4 * rng.normal(0.0, 0.5)
        half = mid * 1e-4 * rng.uniform(0.1, 2.0)
        sizes = rng.uniform(0.1, 9.0, 2)
        seen_px = np.nan if i % 97 == 5 else mid - half
        fair_value.update(fv[0], fv_p[0], now_ns, seen_px, sizes[0], mid + half, sizes[1])
        volatility.update(vol[0], vol_p[0], now_ns, seen_px + half)
        fair_px = float(fair_value.before(fv[0], now_ns))
        aggressor = int(rng.integers(-1, 2))
        px = mid * (1.0 + 1e-4 * rng.exponential(3.0) * (1 if aggressor == 0 else -1))
        intensity.update(lam[0], lam_p[0], now_ns, aggressor, px, fair_px)
        depth_profile.update(dep[0], dep_p[0], now_ns, now_ns, mid, aggressor, px, fair_px)
        intensity.expose(lam[0], i % 2, float(rng.uniform(0.0, 12.0)), 0.1)
        if i % 11 == 0:
            levels = mid * (1.0 - np.arange(1, 6) * 1e-4), np.ones(5), mid * (1.0 + np.arange(1, 6) * 1e-4), np.ones(5)
            intensity.observe_book(lam[0], lam_p[0], now_ns, *levels, fair_px)
        if i % 7 == 0:
            intensity.own_fill(lam[0], now_ns, i % 2, float(rng.uniform(0.0, 12.0)))
            markouts.on_fill(mk[0], mk_p[0], now_ns, i % 2, 1 + i % 5, px, mid, 2 * i)
        markouts.update(mk[0], mk_p[0], now_ns, now_ns, mid, 2 * i + 1)
    return {"fair_value": fv, "volatility": vol, "intensity": lam, "depth_profile": dep, "markouts": mk}


if __name__ == "__main__":
    np.savez(sys.argv[1], **run())
