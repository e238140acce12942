"""One coin of a session: it hears events, and what a report needs is written down beside it.

Nothing here changes what the coin does; a replay of a journal uses the same class.
"""

from typing import Any, Final

import numpy as np

from portfolio_mm.backtest.growing import Growing
from portfolio_mm.backtest.predictions import PREDICTIONS, said_of, skills
from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import REPLAYED, TAKER, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.domain.records import record
from portfolio_mm.engine.attribution import ITEM_COUNT
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.engine.orders import LEVELS, LIVE
from portfolio_mm.engine.snapshot import SNAPSHOT

Array = np.ndarray[Any, Any]
SAMPLE_NS: Final = 1_000_000_000
SAMPLE: Final = record(
    [
        ("ms", "i8"),
        ("ready", "i4"),
        ("stance", "i4"),
        ("mid_px", "f8"),
        ("spread_bps", "f8"),
        ("fair_px", "f8"),
        ("sigma_bps", "f8"),
        ("sigma_raw_bps", "f8"),
        ("sigma_ready", "i4"),
        ("k_ready", "i4"),
        ("k_per_bps", "f8", (2,)),
        ("k_se", "f8", (2,)),
        ("a_per_s", "f8", (2,)),
        ("market_a_per_s", "f8", (2,)),
        ("market_a_se", "f8", (2,)),
        ("position_usd", "f8"),
        ("quoting", "i4", (2,)),
        ("why", "i4", (2,)),
        ("distance_bps", "f8", (2,)),
        ("adverse_bps", "f8", (2,)),
        ("adverse_se_bps", "f8", (2,)),
        ("items_bps", "f8", (2, ITEM_COUNT)),
        ("weights", "f8", (max(1, len(PREDICTIONS)),)),
    ]
)
"""A coin once a second; `weights` in the order of PREDICTIONS."""
MID: Final = record([("ns", "i8"), ("px", "f8")])
"""A mid of others, and its block time."""
FILLED: Final = record(
    [
        ("ns", "i8"),
        ("side", "i4"),
        ("taker", "i4"),
        ("lots", "i8"),
        ("px", "f8"),
        ("fee_bps", "f8"),
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("snap", SNAPSHOT),
    ]
)
"""An own fill at block time `ns`, with what was known when its order was placed."""
ORDERED: Final = record(
    [
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("side", "i4"),
        ("level", "i4"),
        ("px", "f8"),
        ("adverse_probability", "f8"),
        ("snap", SNAPSHOT),
    ]
)
"""An order asked for, with what was known then; P(adverse) is NaN where no part says it."""
PRINTED: Final = record([("ns", "i8"), ("side", "i4"), ("pad_", "i4"), ("px", "f8")])
"""A print of the market at block time `ns`; `side` 0 hit bids, 1 asks."""
FORECAST: Final = record([("ns", "i8"), ("cloid_hi", "u8"), ("cloid_lo", "u8"), ("probability", "f8")])
"""A resting order and the probability that it fills within HORIZON_S, block time."""
ENDED: Final = record([("ns", "i8"), ("refused", "i4"), ("pad_", "i4"), ("cloid_hi", "u8"), ("cloid_lo", "u8")])
"""We asked to take an order away, or to move it; or it was refused and never came to rest."""
GONE: Final = frozenset({OrderEvent.REFUSED, OrderEvent.CANCELLED})
HORIZON_S: Final = 5.0
FORECAST_NS: Final = 5 * SAMPLE_NS
"""Forecasts of one order do not overlap."""
PLACES: Final = 2 * LEVELS
"""A resting order's place is LEVELS times its side, and its level."""
_FROM: Final = {
    "mid_px": ("quote", "mid_px"),
    "fair_px": ("quote", "fair_px"),
    "ready": ("quote", "ready"),
    "stance": ("authority", "stance"),
    "sigma_bps": ("vol", "sigma_bps"),
    "sigma_raw_bps": ("vol", "sigma_raw_bps"),
    "sigma_ready": ("vol", "ready"),
    "k_ready": ("intensity", "ready"),
    "k_per_bps": ("intensity", "k_per_bps"),
    "k_se": ("intensity", "k_se"),
    "a_per_s": ("intensity", "a_per_s"),
    "market_a_per_s": ("intensity", "market_a_per_s"),
    "market_a_se": ("intensity", "market_a_se"),
    "position_usd": ("quote", "position_usd"),
    "quoting": ("quote", "quoting"),
    "why": ("quote", "why"),
    "distance_bps": ("quote", "distance_bps"),
    "adverse_bps": ("quote", "adverse_bps"),
    "adverse_se_bps": ("quote", "adverse_se_bps"),
    "items_bps": ("quote", "items_bps"),
}


class CoinRun:
    """State, parameters and notes of one coin. `state` and `params` as made by `new_coin`."""

    def __init__(self, instrument: Instrument, state: Array, params: Array) -> None:
        self.instrument, self.state, self.params = instrument, state, params
        self.samples, self.mids = Growing(SAMPLE), Growing(MID)
        self.fills, self.orders = Growing(FILLED), Growing(ORDERED)
        self.events = 0
        self.forecasts, self.ended, self.prints = Growing(FORECAST), Growing(ENDED), Growing(PRINTED)
        self._commands = np.zeros(MAX_COMMANDS, COMMAND)
        self._next_ns = self._forecast_ns = 0
        self._fill_p = said_of(state, "fill_probability", PLACES)
        self._adverse_p = said_of(state, "adverse_probability", 2)
        book, clock = state["book"], state["clock"]
        self._book_ready, self._px, self._top_ns, self._mid2 = book["ready"], book["px"], book["top_ns"], book["mid2"]
        self._recv_ns, self._venue_ns = clock["recv_ns"], clock["venue_ns"]
        self._last_mid2 = 0
        self._skills = [view["weight"] for view in skills(state)]
        self._views = {name: state[part][field] for name, (part, field) in _FROM.items()}
        self._filled, self._slots = state["orders"]["filled"], state["orders"]["slots"]

    def hear(self, events: Array, at: int, kind: int) -> Array:
        """Hear one event of `kind`; the commands that came of it (a view, valid until the next call)."""
        count = step(events, at, self.state, self.params, self._commands)
        self.events += 1
        if kind in (EventKind.BBO, EventKind.BOOK):
            self._note_mid()
        elif kind == EventKind.TIMER:
            self._note_second()
        elif kind == EventKind.TRADE:
            self._note_print(events[at])
        elif kind == EventKind.FILL:
            self._note_fill(events[at])
        elif kind == EventKind.ORDER and int(events[at]["status"]) in GONE:
            self._note_end(events[at]["cloid_hi"], events[at]["cloid_lo"])
            self.ended.rows["refused"][-1] = int(events[at]["status"]) == OrderEvent.REFUSED
        commands = self._commands[:count]
        if count:
            self._note_orders(commands)
        return commands

    def _note_mid(self) -> None:
        mid2 = int(self._mid2[0])
        if mid2 != self._last_mid2 and self._book_ready[0] == 1:
            self._last_mid2 = mid2
            row = self.mids.more()
            row["ns"], row["px"] = self._top_ns[0], 0.5 * (self._px[0, 0] + self._px[0, 1])

    def _note_second(self) -> None:
        now_ns = int(self._recv_ns[0])
        if now_ns < self._next_ns or self._venue_ns[0] == 0:
            return
        self._next_ns = now_ns - now_ns % SAMPLE_NS + SAMPLE_NS
        row = self.samples.more()
        row["ms"] = self._venue_ns[0] // 1_000_000
        for name, view in self._views.items():
            row[name] = view[0]
        if self._book_ready[0] == 1:
            bid, ask = self._px[0]
            row["spread_bps"] = (ask - bid) / (ask + bid) * 2e4
        for place, weight in enumerate(self._skills):
            row["weights"][place] = weight[0]
        if self._fill_p is not None and now_ns >= self._forecast_ns:
            self._forecast_ns = now_ns - now_ns % FORECAST_NS + FORECAST_NS
            self._note_forecasts(self._fill_p[0])

    def _note_forecasts(self, probabilities: Array) -> None:
        for place, probability in enumerate(probabilities.tolist()):
            leg = self._slots[0, place // LEVELS, place % LEVELS]["leg"][0]
            if leg["state"] == LIVE and np.isfinite(probability):
                row = self.forecasts.more()
                row["ns"], row["probability"] = self._venue_ns[0], probability
                row["cloid_hi"], row["cloid_lo"] = leg["cloid_hi"], leg["cloid_lo"]

    def _note_print(self, event: Any) -> None:
        if event["bits"] & REPLAYED == 0:
            row = self.prints.more()
            row["ns"], row["side"], row["px"] = int(event["venue_ms"]) * 1_000_000, 1 - event["side"], event["px"]

    def _note_fill(self, event: Any) -> None:
        if event["coin"] != self.params["coin"][0] or event["bits"] & REPLAYED:
            return
        row = self.fills.more()
        row["ns"] = int(event["venue_ms"]) * 1_000_000 or self._venue_ns[0]
        row["side"], row["lots"] = event["side"], event["sz_lots"]
        row["taker"] = int(event["bits"]) & TAKER != 0
        row["px"] = self.instrument.px(int(event["px_ticks"]))
        notional_1e8 = int(event["px_ticks"]) * int(event["sz_lots"]) * 100
        row["fee_bps"] = int(event["fee_1e8"]) / notional_1e8 * 1e4
        row["cloid_hi"], row["cloid_lo"] = event["cloid_hi"], event["cloid_lo"]
        row["snap"] = self._filled[0]

    def _note_end(self, high: int, low: int) -> None:
        row = self.ended.more()
        row["ns"], row["cloid_hi"], row["cloid_lo"] = self._venue_ns[0], high, low

    def _note_orders(self, commands: Array) -> None:
        for command in commands:
            if command["kind"] != CommandKind.PLACE:
                self._note_end(command["target_hi"], command["target_lo"])
            if command["kind"] == CommandKind.CANCEL:
                continue
            side, level = int(command["side"]), int(command["level"])
            for leg in self._slots[0, side, level]["leg"]:
                if leg["cloid_lo"] == command["cloid_lo"] and leg["cloid_hi"] == command["cloid_hi"]:
                    row = self.orders.more()
                    row["cloid_hi"], row["cloid_lo"] = leg["cloid_hi"], leg["cloid_lo"]
                    row["side"], row["level"], row["snap"] = side, level, leg["snap"]
                    row["px"] = self.instrument.px(int(leg["px_ticks"]))
                    row["adverse_probability"] = np.nan if self._adverse_p is None else self._adverse_p[0, side]
