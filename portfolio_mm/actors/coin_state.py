"""A coin's flat state between lives: what it learned is kept, what it owned and was allowed is asked for again.

Kept within one run: the estimators, own markouts, money earned, counters, and which fills are booked, as of the last
checkpoint; the journal behind it is stepped again (`coin_recovery`). From an earlier run: the estimators of the market,
unless it was another market (a new embedded venue starts a time and a book of its own); own markouts are not, because
the report of a run speaks of its own fills. Never: the clock (another boot counts from zero), the book, the account,
the authority and the quote made of them. Orders only to name those whose fills come late: they are not ready, and the
gateway's snapshot replaces them.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.coin_books import BOOKED, Books
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.records import record
from portfolio_mm.engine.state import COIN, new_coin
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage import checkpoint
from portfolio_mm.storage.journal import Place

Array = npt.NDArray[Any]
MARKET: Final = ("fair", "order_flow", "vol", "intensity", "depth", "signals", "funding", "cascade")
FLOW: Final = ("toxicity", "informed", "impact", "evidence")
OWN: Final = ("markouts", "edge", "pnl", "counters", "orders")
SAVED: Final = record([("run", "i8"), ("segment", "i8"), ("offset", "i8"), ("booked", BOOKED), ("coin", COIN)])
NO_SEGMENT: Final = -1


class Saved(NamedTuple):
    """A checkpoint taken apart: a whole state, and the place in the journal where it stands; None: nowhere."""

    run: int
    place: Place | None
    books: Books
    state: Array
    lacking: tuple[str, ...]


def fresh_coin(instrument: Instrument, n_coins: int, plan: Plan) -> tuple[Array, Array]:
    """State and parameters of a coin that has heard nothing, as the plan wants it."""
    chosen, quoting = plan.coin(instrument.coin), plan.quoting
    tuning = Tuning(
        clip_usd=chosen.clip_usd,
        levels=chosen.levels,
        level_step_bps=chosen.level_step_bps,
        min_edge_bps=chosen.min_edge_bps,
        max_position_usd=chosen.max_position_usd,
        leverage=float(min(chosen.leverage, instrument.max_leverage)),
        max_half_spread_bps=quoting.max_half_spread_bps,
        max_skew_bps=quoting.max_skew_bps,
        adverse_horizon_s=quoting.adverse_horizon_s,
        prior_adverse_bps=quoting.prior_adverse_bps,
        prior_sigma_bps=quoting.prior_sigma_bps,
        prior_intensity_per_s=quoting.prior_intensity_per_s,
        prior_kappa_per_bps=quoting.prior_kappa_per_bps,
        stale_feed_s=quoting.stale_feed_s,
        warmup_s=quoting.warmup_s,
        ablation_share=quoting.ablation_share,
        kelly_share=plan.portfolio.kelly_fraction,
        inventory_sd_usd=plan.portfolio.std_fraction * chosen.max_position_usd,
    )
    return new_coin(instrument, n_coins, tuning)


def frozen(state: Array, books: Books, run: int, place: Place | None) -> Array:
    """Everything a checkpoint holds, copied now."""
    saved = np.zeros(1, SAVED)
    saved["run"], saved["coin"] = run, state
    saved["segment"], saved["offset"] = (NO_SEGMENT, 0) if place is None else place
    books.pack(saved["booked"][0])
    return saved


def keep(path: Path, saved: Array) -> None:
    """Write a checkpoint.

    Raises:
        StateError: the disk refuses.
    """
    checkpoint.save(path, saved)


def load(path: Path, coin: int, fresh: Array) -> Saved | None:
    """Read a checkpoint; what it lacks is as in a fresh state. None when there is none.

    Raises:
        StateError: it is damaged, and left alone.
    """
    saved = np.zeros(1, SAVED)
    saved["coin"], saved["segment"] = fresh, NO_SEGMENT
    loaded = checkpoint.load(path, saved)
    if loaded is None:
        return None
    books, segment = Books(coin), int(saved["segment"][0])
    books.unpack(saved["booked"][0])
    place = None if segment == NO_SEGMENT else Place(segment, int(saved["offset"][0]))
    return Saved(int(saved["run"][0]), place, books, saved["coin"].copy(), loaded.defaulted)


def resume(fresh: Array, known: Array, *, same_run: bool) -> None:
    """Fill a fresh state with what an earlier life knew and may say."""
    for part in MARKET + FLOW + (OWN if same_run else ()):
        fresh[part] = known[part]
    if not same_run:  # the fills of its open intervals are not known any more
        fresh["signals"]["head"] = fresh["signals"]["tail"]
        fresh["signals"]["fill_tail"] = 0
    fresh["orders"]["ready"] = fresh["orders"]["syncing"] = 0
    fresh["counters"]["kind_ns"] = fresh["counters"]["action_ns"] = 0
