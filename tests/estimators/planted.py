"""Markets with a planted lead, and the compiled loop that feeds them to fair value and the estimators it rests on."""

from types import SimpleNamespace
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.estimators import fair_value, leaders, order_flow, reference
from tests.estimators.feeds import ON, START_NS, Floats, fresh

STEP_S = 0.05
"""Messages of the reference and of leaders come at every step, own books at every second one."""


class Parts(SimpleNamespace):
    """States and parameters of fair value and its three sources."""

    def __init__(self) -> None:
        super().__init__()
        for name, module in (("fair", fair_value), ("flow", order_flow), ("ref", reference), ("lead", leaders)):
            st, p = fresh(module)
            setattr(self, name, st)
            setattr(self, f"{name}_p", p)

    def hear(  # noqa: PLR0917 - one row of a plan
        self, own: Floats, there: Floats, leader_px: Floats, trades: Floats, first: int = 0, applied: Floats = ON
    ) -> Floats:
        """Feed rows (mid, bid_sz, ask_sz) own and there (NaN: no message), a leader's price and signed trade sizes.

        Returns:
            Weights of the four groups after each step, shape (n, 4).
        """
        states = (self.fair, self.fair_p, self.flow, self.flow_p, self.ref, self.ref_p, self.lead, self.lead_p)
        weights: Floats = feed(*states, own, there, leader_px, trades, first, applied)
        return weights


@nb.njit
def _top(mid: float, bid_sz: float, ask_sz: float, half_bps: float) -> Any:
    levels = np.zeros((4, 5))
    levels[0, 0], levels[1, 0] = mid * (1.0 - half_bps * 1e-4), bid_sz
    levels[2, 0], levels[3, 0] = mid * (1.0 + half_bps * 1e-4), ask_sz
    return levels


@nb.njit
def feed(  # noqa: PLR0917 - flat arguments
    fair: Any,
    fair_p: Any,
    flow: Any,
    flow_p: Any,
    ref: Any,
    ref_p: Any,
    lead: Any,
    lead_p: Any,
    own: Floats,
    there: Floats,
    leader_px: Floats,
    trades: Floats,
    first: int,
    applied: Floats,
) -> Floats:
    """One message of each kind per step, in the order and with the calls of the page."""
    weights = np.empty((len(own), 4))
    for i in range(len(own)):
        now_ns = START_NS + np.int64((first + i) * STEP_S * 1e9)
        fair_value.advance(fair[0], fair_p[0], now_ns)
        if trades[i] != 0.0:
            order_flow.on_trade(flow[0], flow_p[0], now_ns, 0 if trades[i] > 0.0 else 1, own[i, 0], abs(trades[i]))
        if not np.isnan(there[i, 0]):
            t = _top(there[i, 0], there[i, 1], there[i, 2], 0.1)
            reference.update(ref[0], ref_p[0], now_ns, first + i, t[0], t[1], t[2], t[3], 0.0, 0.0, own[i, 0])
        if not np.isnan(leader_px[i]):
            leaders.update(lead[0], lead_p[0], now_ns, 1, leader_px[i])
        has_book = (first + i) % 2 == 0
        b = _top(own[i, 0], own[i, 1], own[i, 2], 0.5)
        if has_book:
            order_flow.update(flow[0], flow_p[0], now_ns, b[0, 0], b[1, 0], b[2, 0], b[3, 0])
        order_flow.say(flow[0], flow_p[0], now_ns, fair[0].x)
        reference.say(ref[0], ref_p[0], now_ns, fair[0].mid_px if fair[0].ready else own[i, 0], fair[0].x)
        leaders.say(lead[0], lead_p[0], now_ns, fair[0].x)
        if has_book:
            fair_value.update(fair[0], fair_p[0], now_ns, b[0, 0], b[1, 0], b[2, 0], b[3, 0], applied)
        else:
            fair_value.refresh(fair[0], fair_p[0], applied)
        for group in range(4):
            weights[i, group] = fair[0].skill[group].weight
    return weights


def paths(  # noqa: PLR0917 - one row of a plan
    seed: int, minutes: float, lead_ms: int, rho: float, sigma_bps: float = 1.0, noise_bps: float = 0.0
) -> tuple[Floats, Floats]:
    """Own mid and another price `lead_ms` ahead of it (behind it: negative) with correlation `rho`, each step."""
    rng = np.random.default_rng(seed)
    n, lag = int(minutes * 60 / STEP_S), round(lead_ms / 1e3 / STEP_S)
    sd = sigma_bps * np.sqrt(STEP_S)
    there = rng.normal(0.0, sd, n + abs(lag))
    own = rho * there[max(0, -lag) :][:n] + np.sqrt(1.0 - rho * rho) * rng.normal(0.0, sd, n)
    noise = rng.normal(0.0, noise_bps, n) if noise_bps > 0.0 else 0.0
    return 100.0 * np.exp(1e-4 * (np.cumsum(own) + noise)), 100.0 * np.exp(1e-4 * np.cumsum(there)[max(0, lag) :][:n])


def tops(mid: Floats, seed: int) -> Floats:
    """Rows (mid, bid_sz, ask_sz) with sizes that say nothing."""
    sizes = np.random.default_rng(seed).uniform(1.0, 9.0, (len(mid), 2))
    return np.column_stack([mid, sizes])


def silence(n: int) -> Floats:
    """Prices that never come."""
    return np.full(n, np.nan)
