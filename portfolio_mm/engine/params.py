"""What one coin was told, PARAMS: a flat record of a person's tuning, the instrument and the parts' own defaults."""

from typing import Any, Final

import numpy as np

from portfolio_mm.domain.instrument import MIN_ORDER_USD, Instrument
from portfolio_mm.domain.records import record
from portfolio_mm.engine.orders import LEVELS
from portfolio_mm.engine.parts import ESTIMATORS
from portfolio_mm.engine.tuning import Tuning

MAX_COINS: Final = 64
DEFAULTS: Final = Tuning()

PARAMS = record(
    [
        ("coin", "i4"),
        ("n_coins", "i4"),
        ("px_decimals", "i4"),
        ("levels", "i4"),
        ("lots_per_coin", "f8"),
        ("ticks_per_usd", "f8"),
        ("clip_usd", "f8"),
        ("level_step_bps", "f8"),
        ("min_edge_bps", "f8"),
        ("min_order_usd", "f8"),
        ("max_position_usd", "f8"),
        ("leverage", "f8"),
        ("max_half_spread_bps", "f8"),
        ("max_skew_bps", "f8"),
        ("maker_fee_bps", "f8"),
        ("inventory_sd_usd", "f8"),
        ("kelly_share", "f8"),
        ("max_own_skew_bps_per_usd", "f8"),
        ("floor_errors", "f8"),
        ("optimism_errors", "f8"),
        ("own_prior_count", "f8"),
        ("evidence_count", "f8"),
        ("fit_count", "f8"),
        ("action_price_usd", "f8"),
        ("actions_per_s", "f8"),
        ("stale_ns", "i8"),
        ("warmup_ns", "i8"),
        ("viability_ns", "i8"),
        ("requote_ns", "i8"),
        ("probe_ns", "i8"),
        ("stuck_ns", "i8"),
        ("interval_ns", "i8"),
        ("block_intervals", "i8"),
        ("ablation_share", "f8"),
        ("explore_share", "f8"),
        ("value_half_life_s", "f8"),
        *((name, module.PARAMS) for name, module in ESTIMATORS.items()),
    ]
)
"""`floor_errors` and `optimism_errors` count standard errors of expected adverse selection: added to the floor, and
granted to a quote that may pay; `own_prior_count` is what the depth profile weighs against own fills, in fills;
`evidence_count` the sweeps below which a depth says nothing about its adverse selection, and a side is only probed
(at most `probe_ns`); `fit_count` what the exponential fit weighs against counts, in sweeps (models/reach.py);
`interval_ns` to `value_half_life_s` are the experiment's with signals (ablation.py), `explore_share` how often a banned
one is tried."""


def new_params(instrument: Instrument, n_coins: int, tuning: Tuning = DEFAULTS) -> np.ndarray[Any, Any]:
    """One PARAMS record of a coin.

    Raises:
        ValueError: more coins than MAX_COINS, an index outside the coin table, or a horizon that is not measured.
    """
    if not 0 <= instrument.index < n_coins <= MAX_COINS:
        msg = f"coin index {instrument.index} of {n_coins} coins; at most {MAX_COINS} coins are supported"
        raise ValueError(msg)
    params = np.zeros(1, dtype=PARAMS)
    for name in Tuning._fields:
        if name in (params.dtype.names or ()):
            params[name] = getattr(tuning, name)
    params["coin"], params["n_coins"] = instrument.index, n_coins
    params["px_decimals"] = instrument.px_decimals
    params["lots_per_coin"], params["ticks_per_usd"] = 10.0**instrument.sz_decimals, 10.0**instrument.px_decimals
    params["levels"] = min(max(tuning.levels, 1), LEVELS)
    params["min_order_usd"] = MIN_ORDER_USD * 1.01
    params["max_own_skew_bps_per_usd"] = tuning.max_skew_bps / tuning.max_position_usd
    params["floor_errors"], params["optimism_errors"] = 0.25, 1.0
    params["own_prior_count"], params["evidence_count"], params["fit_count"] = 30.0, 8.0, 4.0
    params["stale_ns"], params["warmup_ns"] = int(tuning.stale_feed_s * 1e9), int(tuning.warmup_s * 1e9)
    params["viability_ns"], params["requote_ns"], params["stuck_ns"] = 10**9, 3 * 10**8, 5 * 10**9
    params["interval_ns"], params["block_intervals"], params["value_half_life_s"] = 10**10, 30, 7 * 86_400.0
    params["explore_share"] = 0.05 if tuning.ablation_share > 0.0 else 0.0
    params["probe_ns"] = 60 * 10**9
    for name, module in ESTIMATORS.items():
        params[name] = module.default_params()
    params["vol"]["prior_bps"] = tuning.prior_sigma_bps
    params["intensity"]["prior_a_per_s"] = tuning.prior_intensity_per_s
    params["intensity"]["prior_k_per_bps"] = tuning.prior_kappa_per_bps
    params["depth"]["prior_adverse_bps"] = tuning.prior_adverse_bps
    horizon_ns = int(tuning.adverse_horizon_s * 1e9)
    params["depth"]["horizon_ns"] = horizon_ns
    params["toxicity"]["horizon_ns"] = horizon_ns
    params["markouts"]["learn"] = params["markouts"]["horizon_ns"][0].tolist().index(horizon_ns)
    return params
