"""What is true of a synthetic market: a static part, and events as they come."""

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.flows.synthetic import implied
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams

STATIC: Final = "truth.json"
EVENTS: Final = "truth_events.jsonl"


def static_truth(given: SyntheticParams, params: SyntheticParams) -> dict[str, Any]:
    """What an estimator should find.

    Correlation and sigma hold at horizons much longer than a lead, without jumps and cascades. A and kappa are per
    side, buy then sell, in a regime of factor one. `given` is the market asked for, `params` its twin if it is one.
    """
    coins = params.coins
    children = implied.branching(params)
    sigma = [row.sigma_bps for row in coins]
    regimes = implied.regimes(params)
    return {
        "seed": params.seed,
        "coins": [row.coin for row in coins],
        "start_ms": params.start_ms,
        "block_ms": params.block_ms,
        "sigma_bps_per_sqrt_s": sigma,
        "rho": implied.correlation(params).tolist(),
        "regimes": [
            {
                "sigma_bps_per_sqrt_s": [value * row.sigma_factor for value in sigma],
                "dwell_s": row.dwell_s,
                "share": share,
                "arrival_factor": row.arrival_factor,
            }
            for row, share in zip(regimes, implied.regime_shares(params).tolist(), strict=True)
        ],
        "leads": msgspec.to_builtins(implied.leads(params)),
        "jumps": {
            "law": params.jump_law,
            "rate_per_h": [row.jump_rate_per_h for row in coins],
            "size_bps": [row.jump_bps for row in coins],
            "common_rate_per_h": params.common_jump_rate_per_h,
            "common_size_bps": [params.common_jump_bps * row.loading for row in coins],
        },
        "cascades": msgspec.to_builtins(params.cascades),
        "A_per_s": [[row.market_rate] * 2 for row in coins],
        "kappa_per_bps": [[row.kappa_per_bps] * 2 for row in coins],
        "reach_law": params.reach_law,
        "hawkes": {
            "types": [f"{row.coin} {side}" for row in coins for side in ("buy", "sell")],
            "base_per_s": implied.base_rates(params).tolist(),
            "children": children.tolist(),
            "beta_per_s": [1.0 / row.excitation_s for row in coins for _ in range(2)],
            "kernel_law": params.kernel_law,
            "branching_ratio": implied.radius(children),
        },
        "informed": {
            "share": params.informed_share,
            "horizon_ms": params.informed_ms,
            "alpha_bps": _alpha(params).tolist(),
            "accuracy": implied.informed_accuracy(params).tolist(),
        },
        "makers": {
            "cancel_law": params.cancel_law,
            "life_s": None if params.cancel_rate == 0.0 else 1.0 / params.cancel_rate,
            "stale_ms": [row.stale_ms for row in coins],
        },
        "premium": [{"bps": row.premium_bps, "sd_bps": row.premium_sd_bps, "s": row.premium_s} for row in coins],
        "reference_lead_ms": params.reference_lead_ms,
        "stamp_hold": params.stamp_hold,
        "twin": given.twin,
    }


def _alpha(params: SyntheticParams) -> np.ndarray[Any, Any]:
    """Mean gain of an informed order by regime and coin, diffusion only."""
    alpha: np.ndarray[Any, Any] = implied.informed_accuracy(params) * implied.certain_alpha_bps(params)
    return alpha


class TruthFolder:
    """Writes `truth.json` at once and a line of `truth_events.jsonl` for whatever happens.

    Raises:
        ConfigurationError: the folder cannot be written to.
    """

    def __init__(self, folder: Path, static: dict[str, Any]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / STATIC).write_bytes(msgspec.json.format(msgspec.json.encode(static)) + b"\n")
            self._events = folder / EVENTS
            self._events.write_bytes(b"")
        except OSError as error:
            msg = f"cannot write the truth of the synthetic market to {folder}: {error.strerror}"
            raise ConfigurationError(msg) from error

    def write(self, events: list[dict[str, Any]]) -> None:
        """Append lines; the file is whole after every call."""
        with self._events.open("ab") as file:
            file.write(b"".join(msgspec.json.encode(event) + b"\n" for event in events))
