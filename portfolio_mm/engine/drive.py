"""Compiled folds over an array of events, for benchmarks and backtests: the same `step`, no Python between events."""

from typing import Any

import numba as nb

from portfolio_mm.engine.coin import MAX_COMMANDS, step


@nb.njit(cache=True)
def run(events: Any, state: Any, params: Any, commands: Any) -> int:
    """Hear all events; commands of all of them in order in `commands[0:n]`, n returned.

    A fold without a venue: nobody answers. Stops before an event for which fewer than MAX_COMMANDS places are left;
    `state[0].counters.events` says how many were heard.
    """
    n = 0
    for i in range(len(events)):
        if len(commands) - n < MAX_COMMANDS:
            break
        n += step(events, i, state, params, commands[n:])
    return n
