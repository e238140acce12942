"""What can be counted of the market orders of a run, on the efficient price: the measured half of the truth."""

from typing import Any, Final

import numpy as np

from portfolio_mm.venue.flows.synthetic.kernels.arrivals import CHILD, INFORMED, PLAIN
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams

Array = np.ndarray[Any, Any]
KINDS: Final = {"uninformed": PLAIN, "informed": INFORMED, "children": CHILD}
MARKS_PER_REACH: Final = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Distances at which the rate of market orders that reach them is counted, in mean reaches (1/kappa)."""


class Measures:
    """Running sums over every market order drawn so far (up to `orders.DRAWN` blocks ahead of the block that runs)."""

    def __init__(self, params: SyntheticParams) -> None:
        n = len(params.coins)
        self._params = params
        self._block_s = params.block_ms / 1e3
        self._blocks = 0
        self._marks_bps = np.array([[mark / row.kappa_per_bps for mark in MARKS_PER_REACH] for row in params.coins])
        self._reached = np.zeros((n, 2, len(MARKS_PER_REACH)), np.int64)
        self._reach_bps = np.zeros((n, 2))
        self._held = np.zeros((n, 2), np.int64)
        self._kinds = np.zeros((n, len(KINDS)), np.int64)
        self._gain_bps = np.zeros((n, len(KINDS)))
        self._gain2 = np.zeros((n, len(KINDS)))

    def hear(self, rows: Array, moves_bps: Array, blocks: int) -> None:
        """Count ARRIVAL rows of whole blocks; `moves_bps`: the efficient price's within the informed horizon."""
        self._blocks += blocks
        coin, side = rows["coin"], rows["side"]
        gains = np.where(side == 0, 1.0, -1.0) * moves_bps
        np.add.at(self._reach_bps, (coin, side), rows["reach_bps"])
        reached = rows["reach_bps"][:, None] >= self._marks_bps[coin]
        np.add.at(self._reached, (coin, side), reached)
        once = np.unique(np.column_stack([rows["block"], coin, side]), axis=0)
        np.add.at(self._held, (once[:, 1], once[:, 2]), 1)
        np.add.at(self._kinds, (coin, rows["kind"]), 1)
        np.add.at(self._gain_bps, (coin, rows["kind"]), gains)
        np.add.at(self._gain2, (coin, rows["kind"]), gains**2)

    def report(self) -> dict[str, Any]:
        """By coin: rates at distances, A and kappa per side with standard errors, gains of every kind of order.

        `blocks_per_s` are blocks that hold at least one order of a side: several in one block are one to whoever sees
        blocks only.

        kappa is the inverse mean reach (theory §2.5); its standard error, kappa / sqrt(n), takes the exponential law
        for granted, and that of A, sqrt(n) / T, no excitation.
        """
        seconds = max(self._blocks, 1) * self._block_s
        return {"seconds": seconds, "coins": [self._coin(i, seconds) for i in range(len(self._params.coins))]}

    def _coin(self, i: int, seconds: float) -> dict[str, Any]:
        n = self._reached[i, :, 0]
        kappa = np.divide(n, self._reach_bps[i], out=np.zeros(2), where=n > 0)
        kinds = np.maximum(self._kinds[i], 1)
        mean_bps = self._gain_bps[i] / kinds
        spread = np.sqrt(np.maximum(self._gain2[i] / kinds - mean_bps**2, 0.0) / kinds)
        return {
            "coin": self._params.coins[i].coin,
            "A_per_s": (n / seconds).tolist(),
            "A_se": (np.sqrt(n) / seconds).tolist(),
            "blocks_per_s": (self._held[i] / seconds).tolist(),
            "kappa_per_bps": kappa.tolist(),
            "kappa_se": (kappa / np.sqrt(np.maximum(n, 1))).tolist(),
            "distance_bps": self._marks_bps[i].tolist(),
            "reached_per_s": (self._reached[i] / seconds).tolist(),
            "orders": {kind: int(self._kinds[i, at]) for kind, at in KINDS.items()},
            "gain_bps": {kind: float(mean_bps[at]) for kind, at in KINDS.items()},
            "gain_se_bps": {kind: float(spread[at]) for kind, at in KINDS.items()},
        }
