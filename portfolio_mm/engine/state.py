"""The flat record of one coin, COIN: everything it knows (what it was told is params.py), and how to make both.

A snapshot is the bytes of COIN with its dtype; storage loads it by field name, so a newer program reads an older one.
"""

from typing import Any, Final

import numpy as np

from portfolio_mm.domain.events import BOOK_LEVELS
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.records import record
from portfolio_mm.engine.attribution import ITEM_COUNT
from portfolio_mm.engine.clock import KINDS
from portfolio_mm.engine.orders import LEVELS, ORDERS
from portfolio_mm.engine.params import DEFAULTS, MAX_COINS, new_params
from portfolio_mm.engine.parts import ESTIMATORS
from portfolio_mm.engine.pnl import PNL
from portfolio_mm.engine.signals import SIGNALS_STATE
from portfolio_mm.engine.signals import reset as reset_signals
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models.depth_grid import DEPTHS

NUMBERS: Final = 7
"""How many numbers a reason may carry."""

CLOCK = record(
    [
        ("recv_ns", "i8"),
        ("venue_ns", "i8"),
        ("base_venue_ns", "i8"),
        ("base_recv_ns", "i8"),
        ("doubt_venue_ns", "i8"),
        ("doubt_recv_ns", "i8"),
        ("first_book_ns", "i8"),
        ("exposed_ns", "i8"),
        ("timer_ns", "i8"),
    ]
)
"""`recv_ns` newest receive time, `venue_ns` newest block time (between messages: extrapolated, never backwards);
`base_*` the pair it is extrapolated from, `doubt_*` the first of the frames that contradict it (0: none does)."""
BOOK = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("feed_up", "i4"),
        ("fresh_ns", "i8"),
        ("top_ns", "i8"),
        ("levels_ns", "i8"),
        ("mid2", "i8"),
        ("raw_ticks", "i8", (2,)),
        ("ticks", "i8", (2,)),
        ("px", "f8", (2,)),
        ("sz", "f8", (2,)),
        ("level_ticks", "i8", (2, BOOK_LEVELS)),
        ("level_px", "f8", (2, BOOK_LEVELS)),
        ("level_sz", "f8", (2, BOOK_LEVELS)),
    ]
)
"""The observed book without our own orders; `raw_ticks` is the public top with them (what a post-only must not cross),
`fresh_ns` the receive time of the newest frame that moved block time on, `mid2` bid plus ask ticks."""
ACCOUNT = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("mode", "i4"),
        ("seq", "i8"),
        ("equity_usd", "f8"),
        ("free_usd", "f8"),
        ("maker_fee_bps", "f8"),
        ("taker_fee_bps", "f8"),
        ("lots", "i8", (MAX_COINS,)),
        ("px_ticks", "i8", (MAX_COINS,)),
        ("position_usd", "f8", (MAX_COINS,)),
        ("cross_skew_bps", "f8"),
    ]
)
"""Positions of all coins: lots, last known price in ticks, USD. `cross_skew_bps` is sum over j of g_ij q_j, j not i."""
AUTHORITY = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("risk_state", "i4"),
        ("permit_until_ns", "i8"),
        ("coin_mode", "i4"),
        ("allocated", "i4"),
        ("allocation_until_ns", "i8"),
        ("version", "i8"),
        ("row_version", "i8"),
        ("target_usd", "f8"),
        ("limit_usd", "f8"),
        ("action_price_usd", "f8"),
        ("gamma_per_bps_usd", "f8"),
        ("row_bps_per_usd", "f8", (MAX_COINS,)),
        ("coming_bps_per_usd", "f8", (MAX_COINS,)),
        ("stance", "i4"),
        ("reason", "i4"),
        ("mood", "i4"),
        ("pad_", "i4"),
    ]
)
"""What we may do. `row` is the skew row in force, `coming` the one whose ALLOCATION has not arrived."""
VIABILITY = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("pays", "i4", (2,)),
        ("pad_", "i4"),
        ("best_depth_bps", "f8", (2,)),
        ("quote_depth_bps", "f8", (2,)),
        ("adverse_bps", "f8", (2,)),
        ("adverse_se_bps", "f8", (2,)),
        ("band", "f8", (2,)),
        ("approach_bps", "f8", (2,)),
        ("near_bps", "f8", (2,)),
        ("more_bps", "f8", (2,)),
        ("rate_per_s", "f8", (2,)),
        ("k_per_bps", "f8", (2,)),
        ("liquidity", "f8"),
        ("own_bps", "f8"),
        ("own_se_bps", "f8"),
        ("table_adverse_bps", "f8", (DEPTHS,)),
        ("table_se_bps", "f8", (DEPTHS,)),
        ("table_log_per_s", "f8", (2, DEPTHS)),
        ("net_bps", "f8", (2,)),
        ("gain_usd_per_s", "f8", (2,)),
        ("cost_usd_per_s", "f8", (2,)),
    ]
)
"""`adverse_bps` is the profile's, where the side would quote; `own_bps` what own fills lose beyond it; `approach_bps`
how far fair comes to an order of ours while it waits, by how likely its fill is then, and `band` (in 1/k) the band it
is to be kept in; `rate_per_s` and `k_per_bps` the local exponential around `near_bps`; `more_bps` what a fill there
cost beyond its average; `liquidity` is D of theory §0, USD per (s bps); the verdict's numbers belong to
`best_depth_bps`."""
QUOTE = record(
    [
        ("seen", "i8"),
        ("last_ns", "i8"),
        ("ready", "i4"),
        ("news", "i4"),
        ("fair_px", "f8"),
        ("mid_px", "f8"),
        ("sigma_bps", "f8"),
        ("value_usd_per_lot", "f8"),
        ("position_usd", "f8"),
        ("target_usd", "f8"),
        ("limit_usd", "f8"),
        ("own_skew_bps_per_usd", "f8"),
        ("quoting", "i4", (2,)),
        ("urgent", "i4", (2,)),
        ("distance_bps", "f8", (2,)),
        ("adverse_bps", "f8", (2,)),
        ("adverse_se_bps", "f8", (2,)),
        ("rate_per_s", "f8", (2,)),
        ("k_per_bps", "f8", (2,)),
        ("items_bps", "f8", (2, ITEM_COUNT)),
        ("px_ticks", "i8", (2, LEVELS)),
        ("lots", "i8", (2, LEVELS)),
        ("reduce_only", "i4", (2, LEVELS)),
        ("why", "i4", (2,)),
        ("numbers", "f8", (2, NUMBERS)),
    ]
)
"""The decision: distances from fair (bps, outwards), the ladder wanted, the itemised best level and why not; `news` is
1 when something was heard since."""
COUNTERS = record(
    [
        ("events", "i8"),
        ("heard", "i8", (KINDS,)),
        ("refused", "i8", (KINDS,)),
        ("unknown_kinds", "i8"),
        ("placed", "i8"),
        ("modified", "i8"),
        ("cancelled", "i8"),
        ("safety", "i8"),
        ("fills", "i8"),
        ("volume_1e8", "i8"),
        ("quoting_s", "f8"),
        ("two_sided_s", "f8"),
        ("kind_ns", "i8", (KINDS,)),
        ("action_mass", "f8"),
        ("action_ns", "i8"),
    ]
)
COIN = record(
    [
        ("clock", CLOCK),
        ("book", BOOK),
        *((name, module.STATE) for name, module in ESTIMATORS.items()),
        ("signals", SIGNALS_STATE),
        ("account", ACCOUNT),
        ("authority", AUTHORITY),
        ("orders", ORDERS),
        ("viability", VIABILITY),
        ("quote", QUOTE),
        ("pnl", PNL),
        ("counters", COUNTERS),
    ]
)


def new_coin(
    instrument: Instrument, n_coins: int, tuning: Tuning = DEFAULTS
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Make `(state, params)`, one record each, of a coin that has heard nothing.

    Args:
        instrument: its grid; `index` is its place among `n_coins`.
        n_coins: coins of the account, at most MAX_COINS.
        tuning: what a person chose.

    Raises:
        ValueError: more coins than MAX_COINS, or an index outside the coin table.
    """
    params = new_params(instrument, n_coins, tuning)
    state = np.zeros(1, dtype=COIN)
    for name, module in ESTIMATORS.items():
        module.reset(state[0][name], params[0][name])
    reset_signals(state[0]["signals"])
    state["book"]["feed_up"] = 1
    state["account"]["maker_fee_bps"] = params["maker_fee_bps"]  # the base tier's until the account says otherwise
    return state, params
