"""Compile the page and its diary once, before coins start: a node pays one time, then they come from the cache."""

import numpy as np

from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.engine.diary import DECISION, MAX_DECISIONS, MAX_OUTCOMES, OUTCOME, collect
from portfolio_mm.engine.state import new_coin


def warm_up() -> None:
    """Hear one timer event with a coin that exists nowhere."""
    state, params = new_coin(Instrument("WARM", 0, 0, 2, 1), 1)
    events, commands = np.zeros(1, EVENT), np.zeros(MAX_COMMANDS, COMMAND)
    events["kind"] = EventKind.TIMER
    count = step(events, 0, state, params, commands)
    decisions, outcomes = np.zeros(MAX_DECISIONS, DECISION), np.zeros(MAX_OUTCOMES, OUTCOME)
    collect(events, 0, state, params, commands, count, decisions, outcomes)
