"""What own fills have proven, with honest counts (C18): the fee that is charged, and how often a fill is adverse.

`n` of a parameter is the number of distinct events it has learned from: one fill is one event, told twice it is still
one, and time passing is none. Masses are forgotten at one half-life, counts never; a snapshot keeps both, and
`update` ages the masses by the time nobody looked.
    fee         Normal-Gamma around what the account was told, bps; in force once it is surely another
    adverse     of own fills, by side: the loss at the learned horizon exceeds noise_bps
The posteriors of own fills live where they are used and count here: E[AS] in markouts.py (`beyond`), P(adverse) in
engine/terms/toxicity.py (`say`), A and k in intensity.py (k has no conjugate form: where we chose to quote says nothing
about it).
Source: theory §12. Not guaranteed: independence of fills of one burst.
"""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.records import record
from portfolio_mm.models.conjugate import normal_mean
from portfolio_mm.models.decay import NS_PER_S, half_life_factor

HEARS = ("FILL", "ACCOUNT", "BBO", "BOOK", "TIMER")
WARM_S = float("inf")
"""Only own fills make it ready."""
SCORES: dict[str, str] = {}
UNSCORED = "posteriors of what happened, not forecasts"
LEARNED: Final = ("intensity", "kappa", "adverse_bps", "fee_bps", "adverse_probability")
INTENSITY, KAPPA, ADVERSE, FEE, PROBABILITY = range(5)

PARAMS = record(
    [
        ("half_life_s", "f8"),
        ("fee_prior_count", "f8"),
        ("fee_prior_sd_bps", "f8"),
        ("fee_errors", "f8"),
        ("same_fee_bps", "f8"),
        ("noise_bps", "f8"),
        ("ready_count", "i8"),
    ]
)
STATE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pad_", "i4"),
        ("refused", "i8"),
        ("learned_count", "i8", (len(LEARNED), 2)),
        ("told_fee_bps", "f8"),
        ("fee_bps", "f8"),
        ("fee_n", "f8"),
        ("fee_s1", "f8"),
        ("fee_s2", "f8"),
        ("adverse_n", "f8", (2,)),
        ("label_n", "f8", (2,)),
    ]
)
"""`learned_count[i, side]` distinct events behind LEARNED[i]; `fee_bps` the fee to reckon with; `fee_*` sums over fills
charged under the fee told now; `adverse_n` of `label_n` labels were adverse (sums forgotten)."""


def default_params() -> np.ndarray[Any, Any]:
    """One PARAMS record: half-life 1 day, told fee worth 3 fills of sd 0.05 bps, adverse beyond 0.5 bps."""
    p = np.zeros(1, dtype=PARAMS)
    p["half_life_s"], p["fee_prior_count"], p["fee_prior_sd_bps"] = 86_400.0, 3.0, 0.05
    p["fee_errors"], p["same_fee_bps"], p["noise_bps"] = 2.0, 0.02, 0.5
    p["ready_count"] = 10
    return p


@nb.njit(cache=True)
def reset(st: Any, p: Any) -> None:  # noqa: ARG001 - one signature for all estimators
    """Forget everything; the fee is unknown until the account tells it."""
    st.seen = 0
    st.last_ns = 0
    st.ready = 0
    st.pad_ = 0
    st.refused = 0
    st.learned_count[:, :] = 0
    st.told_fee_bps = np.nan
    st.fee_bps = np.nan
    st.fee_n = 0.0
    st.fee_s1 = 0.0
    st.fee_s2 = 0.0
    st.adverse_n[:] = 0.0
    st.label_n[:] = 0.0


@nb.njit(cache=True)
def update(st: Any, p: Any, now_ns: int, side: int, adverse_bps: float) -> bool:
    """Take the label of one own fill on `side` at the learned horizon; each fill has one, so its count is n.

    Side -1: only time passed, masses age and counts stay; what a checkpoint of an earlier life owes.

    Returns:
        False when refused (NaN, no side, time backwards); state is kept.
    """
    if now_ns <= 0 or now_ns < st.last_ns or not (-1e300 < adverse_bps < 1e300 and -1 <= side <= 1):
        st.refused += 1
        return False
    _forget(st, p, now_ns)
    st.seen += 1
    if side < 0:
        return True
    st.label_n[side] += 1.0
    if adverse_bps > p.noise_bps:
        st.adverse_n[side] += 1.0
    st.learned_count[ADVERSE, side] += 1
    st.learned_count[PROBABILITY, side] += 1
    if st.learned_count[PROBABILITY].sum() >= p.ready_count:
        st.ready = 1
    return True


@nb.njit(cache=True)
def _forget(st: Any, p: Any, now_ns: int) -> None:
    """Age the masses to block time `now_ns`."""
    if st.last_ns > 0 and now_ns > st.last_ns:
        keep = half_life_factor((now_ns - st.last_ns) / NS_PER_S, p.half_life_s)
        st.fee_n *= keep
        st.fee_s1 *= keep
        st.fee_s2 *= keep
        for side in range(2):
            st.adverse_n[side] *= keep
            st.label_n[side] *= keep
    st.last_ns = max(st.last_ns, now_ns)


@nb.njit(cache=True)
def tell_fee(st: Any, told_bps: float) -> None:
    """The account says its maker fee: another one than before voids what was charged under the old one."""
    if not abs(told_bps - st.told_fee_bps) < 1e-9:
        st.told_fee_bps = told_bps
        st.fee_n = 0.0
        st.fee_s1 = 0.0
        st.fee_s2 = 0.0


@nb.njit(cache=True)
def on_fill(st: Any, side: int, charged_bps: float, is_counted: bool) -> None:  # noqa: FBT001 - compiled: positional only
    """One distinct own maker fill that was charged `charged_bps`; `is_counted`: the intensity has learned it too."""
    if is_counted:
        st.learned_count[INTENSITY, side] += 1
        st.learned_count[KAPPA, side] += 1
    if -100.0 < charged_bps < 100.0:
        st.learned_count[FEE, side] += 1
        st.fee_n += 1.0
        st.fee_s1 += charged_bps
        st.fee_s2 += charged_bps * charged_bps
    else:
        st.refused += 1


@nb.njit(cache=True)
def reckon(st: Any, p: Any, account: Any) -> None:
    """Set `account.maker_fee_bps` to the fee to reckon with; until one was told it is left alone.

    That is the told fee, unless what is charged lies fee_errors standard errors and same_fee_bps (roundings) from it.
    """
    if not -100.0 < st.told_fee_bps < 100.0:
        return
    st.fee_bps = st.told_fee_bps
    if st.fee_n > 0.0:
        prior, sd = p.fee_prior_count, p.fee_prior_sd_bps
        fee_bps, se_bps = normal_mean(st.told_fee_bps, prior, sd, st.fee_n, st.fee_s1, st.fee_s2)
        if abs(fee_bps - st.told_fee_bps) > max(p.same_fee_bps, p.fee_errors * se_bps):
            st.fee_bps = fee_bps
    account.maker_fee_bps = st.fee_bps
