"""What a session leaves behind."""

from typing import Any, NamedTuple

import numpy as np

from portfolio_mm.backtest.coin_run import CoinRun

Array = np.ndarray[Any, Any]


class CoinResult(NamedTuple):
    """One coin at the end: its state and parameters, and what was noted on the way (dtypes: coin_run.py)."""

    coin: str
    state: Array
    params: Array
    samples: Array
    mids: Array
    fills: Array
    orders: Array
    forecasts: Array
    ended: Array
    prints: Array
    events: int

    @classmethod
    def of(cls, run: CoinRun) -> "CoinResult":
        """What a coin's run has noted."""
        return cls(
            coin=run.instrument.coin,
            state=run.state,
            params=run.params,
            samples=run.samples.rows,
            mids=run.mids.rows,
            fills=run.fills.rows,
            orders=run.orders.rows,
            forecasts=run.forecasts.rows,
            ended=run.ended.rows,
            prints=run.prints.rows,
            events=run.events,
        )

    @property
    def lots_per_coin(self) -> float:
        """Lots in a coin."""
        return float(self.params["lots_per_coin"][0])


class SessionResult(NamedTuple):
    """A whole session. `truth` is what is true of synthetic flow; `refused` counts orders that were refused, by reason.

    `wall_s` is the only number that depends on the machine.
    """

    title: str
    played_s: float
    wall_s: float
    coins: tuple[CoinResult, ...]
    truth: dict[str, Any] | None
    refused: dict[str, int]
    happened_not: tuple[str, ...]
