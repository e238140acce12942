"""Compile the page and its diary once, before coins start: a node pays one time, then they come from the cache."""

from typing import Any, Final

import numba as nb
import numpy as np

from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.engine import ablation, account, ladder, learning, places, quoting, reconcile, viability
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.engine.diary import DECISION, MAX_DECISIONS, MAX_OUTCOMES, OUTCOME, collect
from portfolio_mm.engine.params import PARAMS
from portfolio_mm.engine.state import COIN, new_coin
from portfolio_mm.engine.terms import exact

ON_COIN: Final = (ladder.build, quoting.decide, learning.look, exact.look, viability.assess)
ON_EVENT: Final = (ablation.on_fill, account.on_fill, places.on_fill, places.on_trade)


def warm_up() -> None:
    """Hear one timer event with a coin that exists nowhere."""
    state, params = new_coin(Instrument("WARM", 0, 0, 2, 1), 1)
    events, commands = np.zeros(1, EVENT), np.zeros(MAX_COMMANDS, COMMAND)
    events["kind"] = EventKind.TIMER
    count = step(events, 0, state, params, commands)
    decisions, outcomes = np.zeros(MAX_DECISIONS, DECISION), np.zeros(MAX_OUTCOMES, OUTCOME)
    collect(events, 0, state, params, commands, count, decisions, outcomes)


def warm_up_end() -> None:
    """Compile big kernels of the page's end, and the diary: for a process beside the one that compiles the page.

    The page is compiled from its beginning, and finds these in the cache when it comes to them.
    """
    if nb.config.DISABLE_JIT:
        return
    state, params, event, commands = (nb.typeof(np.zeros(1, each)) for each in (COIN, PARAMS, EVENT, COMMAND))
    coin = (state.dtype, params.dtype)
    _compile(reconcile.commands_for, *coin, event.dtype, commands)
    for kernel in ON_COIN:
        _compile(kernel, *coin)
    for kernel in ON_EVENT:
        _compile(kernel, *coin, event.dtype)
    decisions, outcomes = (nb.typeof(np.zeros(1, each)) for each in (DECISION, OUTCOME))
    _compile(collect, event, nb.int64, state, params, commands, nb.int64, decisions, outcomes)


def _compile(kernel: Any, *types: Any) -> None:
    kernel.compile(types)
