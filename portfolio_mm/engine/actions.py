"""The price of an action for this coin: the account's, and a brake on a coin that alone spends more than the account.

The account's price comes with the ALLOCATION (the venue's price of one request until then). It is what depths and
verdicts are made with. A coin that sends more than `actions_per_s` (all that an account in unified mode has) raises its
own price of placing and moving by the fourth power of the excess, until the account's price has caught up. Actions are
counted with a time constant of a minute. Safety pulls count but never ask the price.
"""

import math
from typing import Any

import numba as nb

TAU_S = 60.0
MOST_PRESSURE = 16.0
"""A burst of safety pulls must not silence a coin for minutes: the account's own price does the rest."""
FLOOR_USD = 5e-5
"""An action is never free: it loses queue priority and takes the venue's time."""


@nb.njit(cache=True)
def price_usd(st: Any, p: Any) -> float:
    """The account's price of one action, USD."""
    if st.authority.allocated == 1:
        return max(FLOOR_USD, st.authority.action_price_usd)  # type: ignore[no-any-return]
    return max(FLOOR_USD, p.action_price_usd)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def cost_bps(st: Any, p: Any) -> float:
    """The price of the order that follows a fill, bps of a clip: a cost of every fill beside fee and markout."""
    return price_usd(st, p) / p.clip_usd * 1e4  # type: ignore[no-any-return]


@nb.njit(cache=True)
def rate_per_s(st: Any) -> float:
    """Recent actions per second of this coin."""
    counters = st.counters
    age_s = max(0.0, (st.clock.recv_ns - counters.action_ns) * 1e-9)
    return counters.action_mass * math.exp(-age_s / TAU_S) / TAU_S  # type: ignore[no-any-return]


@nb.njit(cache=True)
def own_price_usd(st: Any, p: Any) -> float:
    """Price of one action raised by what this coin has recently spent."""
    if st.counters.action_mass <= p.actions_per_s * TAU_S:
        return price_usd(st, p)  # type: ignore[no-any-return]
    pressure = max(1.0, rate_per_s(st) / max(p.actions_per_s, 1e-9))
    return price_usd(st, p) * min(pressure**4, MOST_PRESSURE)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def count(st: Any) -> None:
    """One more action was sent."""
    mass = rate_per_s(st) * TAU_S
    st.counters.action_mass = mass + 1.0
    st.counters.action_ns = st.clock.recv_ns
