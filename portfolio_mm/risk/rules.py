"""Thresholds of the monitors that are not hard limits. Names and units are those of settings section `risk`."""

import msgspec


class Rules(msgspec.Struct, frozen=True):
    """When to slow down, when to stop, and how sure to be first.

    Fractions are shares of a kill level; `_s` are seconds of silence; `actions_*_left` are requests left at the venue.
    `maintenance_multiple` is of maintenance margin.
    """

    warn_fraction: float
    reduce_fraction: float
    yellow_scale: float
    position_kill_multiple: float
    maintenance_multiple: float
    coin_reduce_s: float
    coin_cancel_s: float
    user_stream_s: float
    account_s: float
    watchdog_s: float
    watchdog_required: bool
    confirm_s: float
    reentry_step_s: float
    actions_warn_left: int
    actions_stop_left: int
    permit_ttl_s: float
