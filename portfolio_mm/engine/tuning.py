"""What a person may tune about one coin, as plain values with reasoned defaults; units are in the names."""

from typing import NamedTuple

DAY_ACTIONS_PER_S = 50_000 / 86_400
"""What the venue grants a whole account in the unified modes (HL §5.2), actions per second."""
REQUEST_PRICE_USD = 0.0005
"""What the venue takes for one more request (HL §2.9)."""


class Tuning(NamedTuple):
    """Arguments of `new_coin`, named like the keys of the configuration where there is one.

    `inventory_sd_usd` is the inventory budget and `kelly_share` the share of the Kelly bet that make the risk aversion
    while no allocation tells gamma (models/risk_aversion.py). `actions_per_s` is what this coin may
    spend before it raises its own price of an action: all that the account gets, since the account's price shares it.
    `ablation_share` is how often each signal is switched off for an interval to learn what it is worth (0: never; the
    configuration chooses otherwise).
    """

    clip_usd: float = 150.0
    levels: int = 2
    level_step_bps: float = 2.0
    min_edge_bps: float = 0.1
    max_position_usd: float = 2_000.0
    leverage: float = 5.0
    max_half_spread_bps: float = 60.0
    max_skew_bps: float = 25.0
    adverse_horizon_s: float = 5.0
    prior_adverse_bps: float = 0.5
    prior_sigma_bps: float = 1.0
    prior_intensity_per_s: float = 0.2
    prior_kappa_per_bps: float = 0.3
    stale_feed_s: float = 5.0
    warmup_s: float = 5.0
    maker_fee_bps: float = 1.5
    inventory_sd_usd: float = 600.0
    kelly_share: float = 0.5
    action_price_usd: float = REQUEST_PRICE_USD
    actions_per_s: float = DAY_ACTIONS_PER_S
    ablation_share: float = 0.0
