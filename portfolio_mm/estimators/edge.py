"""Net edge of own closed fills and the Kelly cap it allows on a side (D6).

Reads the running sums of the markouts at the learned horizon (both sides, sums since the start) once a second and
forgets them with a half-life: n fills, mean m and variance v of the markout in bps, fee not taken off. The cap is the
quarter-Kelly bet of m - fee, shrunk by its standard error (models/kelly.py).
Under `least_count` fills there is no cap: too little is known to forbid, and the clip, the limit and the cold limit of
the allocation hold anyway. A cap never goes below the smallest order (engine/ladder.py), so that an edge that was bad
is measured again: nothing stays shut.
"""

import math
from typing import Any

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models import kelly
from portfolio_mm.models.decay import NS_PER_S, half_life_factor

HEARS = ("TIMER", "BBO", "BOOK", "ACCOUNT", "ALLOCATION")
WARM_S = float("inf")
"""Only own fills make it ready."""
SCORES: dict[str, str] = {}
UNSCORED = "a mean of own fills; foretells nothing"

PARAMS = record([("half_life_s", "f8"), ("least_count", "f8"), ("kelly_share", "f8"), ("prior_sd_bps", "f8")])
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pad_", "i4"),
        ("refused", "i8"),
        ("known", "i8"),
        ("known_m1", "f8"),
        ("known_m2", "f8"),
        ("n", "f8"),
        ("m1", "f8"),
        ("m2", "f8"),
        ("cap_usd", "f8"),
    ]
)
"""`known*` are the sums already taken in; `n`, `m1`, `m2` those remembered; `cap_usd` is of one side, 1e300 none."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: half-life 1 h, 30 fills, a quarter of Kelly, prior sd of a fill 5 bps."""
    return np.array([(3600.0, 30.0, 0.25, 5.0)], dtype=PARAMS)


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - one signature for all estimators
    """No fill known, no cap."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.known = 0
    st.known_m1 = 0.0
    st.known_m2 = 0.0
    st.n = 0.0
    st.m1 = 0.0
    st.m2 = 0.0
    st.cap_usd = 1e300


@nb.njit(cache=True)
def hear(st: Any, p: Any, now_ns: int, mk: Any, learn: int, account: Any) -> bool:  # noqa: PLR0917 - flat arguments
    """`update` from the state of the markouts, both sides, at horizon `learn`."""
    count = mk.counts[learn, 0] + mk.counts[learn, 1]
    m1 = mk.markout_m1[learn, 0] + mk.markout_m1[learn, 1]
    m2 = mk.markout_m2[learn, 0] + mk.markout_m2[learn, 1]
    return update(st, p, now_ns, count, m1, m2, account.maker_fee_bps, account.equity_usd)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, count: int, m1: float, m2: float, fee_bps: float, equity_usd: float) -> bool:  # noqa: PLR0917 - flat arguments
    """Hear the sums of markouts (count, bps, bps^2) so far, the maker fee and the equity.

    Sums that shrank began anew (the markouts were not restored and we were): what they hold now is taken as known.

    Returns:
        False when refused (NaN, or time running back); state is kept.
    """
    finite = abs(m1) < 1e300 and 0.0 <= m2 < 1e300 and abs(fee_bps) < 1e3 and -1e300 < equity_usd < 1e300
    if now_ns <= 0 or now_ns < st.last_ns or not finite:
        st.refused += 1
        return False
    if count < st.known or m2 < st.known_m2:
        st.known, st.known_m1, st.known_m2 = count, m1, m2
        return True
    keep = half_life_factor((now_ns - st.last_ns) / NS_PER_S, p.half_life_s) if st.seen > 0 else 1.0
    st.n = keep * st.n + (count - st.known)
    st.m1 = keep * st.m1 + (m1 - st.known_m1)
    st.m2 = keep * st.m2 + (m2 - st.known_m2)
    st.known, st.known_m1, st.known_m2 = count, m1, m2
    st.seen += 1
    st.last_ns = now_ns
    st.ready = 1 if st.n >= p.least_count else 0
    st.cap_usd = 1e300
    if st.ready == 1:
        mean_bps = st.m1 / st.n
        scatter = max(0.0, st.m2 - st.n * mean_bps * mean_bps)
        variance = (scatter + p.least_count * p.prior_sd_bps * p.prior_sd_bps) / (st.n + p.least_count)
        st.cap_usd = kelly.bet_usd(mean_bps - fee_bps, math.sqrt(variance), st.n, equity_usd, p.kelly_share)
    return True
