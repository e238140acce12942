"""Refuses a synthetic market that cannot be kept."""

from typing import Final, NoReturn

import msgspec
import numpy as np

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.flows.synthetic import implied
from portfolio_mm.venue.flows.synthetic.fitted import fit
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams

MAX_RADIUS: Final = 0.98
"""Above it a family of orders has more than fifty members on average and a run shows its start for minutes."""
MAX_PER_BLOCK: Final = 50.0
ROUNDING: Final = 1e-9


def check(given: SyntheticParams) -> None:
    """Refuse parameters the flow cannot keep.

    Raises:
        ConfigurationError: names the parameter and its bound.
    """
    try:
        msgspec.convert(msgspec.to_builtins(given), SyntheticParams)
    except msgspec.ValidationError as error:
        msg = f"synthetic market: {_value_at(given, str(error))}{error}"
        raise ConfigurationError(msg) from error
    params = fit(given)
    _check_names(params)
    _check_delays(params)
    _check_correlation(params)
    _check_arrivals(params)
    _check_alpha(params)


def _refuse(what: str) -> NoReturn:
    msg = f"synthetic market: {what}"
    raise ConfigurationError(msg)


def _value_at(params: SyntheticParams, message: str) -> str:
    """`informed_share is 1.5: ` for the path msgspec names, e.g. `$.coins[0].px`."""
    path = message.rsplit("`$.", 1)[-1].rstrip("`")
    value = msgspec.to_builtins(params)
    for step in path.replace("]", "").replace("[", ".").split("."):
        value = value[int(step)] if step.isdigit() else value.get(step) if isinstance(value, dict) else None
    return f"{path} is {value}: "


def _check_names(params: SyntheticParams) -> None:
    coins = [row.coin for row in params.coins]
    if len(set(coins)) < len(coins):
        _refuse(f"coins {', '.join(coins)}: name each once")
    for row in params.leads or ():
        strange = [name for name in (row.leader, row.follower) if name not in coins]
        if strange or row.leader == row.follower:
            _refuse(f"lead of {row.leader} over {row.follower}: both must be coins of {', '.join(coins)}, and two")


def _check_delays(params: SyntheticParams) -> None:
    delays = [("informed_ms", params.informed_ms), ("reference_lead_ms", params.reference_lead_ms)]
    delays += [(f"delay_ms of {row.leader} over {row.follower}", row.delay_ms) for row in implied.leads(params)]
    for name, value in delays:
        if value % params.block_ms:
            _refuse(f"{name} is {value}, must be a multiple of block_ms ({params.block_ms})")
    if params.informed_share and params.informed_ms == 0:
        _refuse("informed_ms is 0, must be at least one block while informed_share is not 0")


def _check_correlation(params: SyntheticParams) -> None:
    if params.correlation is None:
        return
    n = len(params.coins)
    rho = params.correlation
    if len(rho) != n or any(len(row) != n for row in rho):
        _refuse(f"correlation must have {n} rows of {n} numbers, one per coin")
    matrix = np.array(rho)
    if not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
        _refuse("correlation must be symmetric with ones on its diagonal")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < ROUNDING:
        _refuse(f"correlation has an eigenvalue of {least:.3g}, must be positive definite")


def _check_arrivals(params: SyntheticParams) -> None:
    radius = implied.radius(implied.branching(params))
    if radius > MAX_RADIUS:
        _refuse(
            f"market orders bring about too many others: spectral radius {radius:.3f} of self_excitation, "
            f"cross_excitation and contagion, must be at most {MAX_RADIUS}"
        )
    for i, rate in enumerate(implied.base_rates(params)):
        if rate < 0.0:
            coin = params.coins[i // 2]
            _refuse(
                f"market_rate of {coin.coin} is {coin.market_rate}, less than what other coins bring about in it; "
                "raise it or lower contagion"
            )
    for coin, share in zip(params.coins, implied.informed_births(params), strict=True):
        if share > 1.0 + ROUNDING:
            _refuse(
                f"informed_share is {params.informed_share}, but only {params.informed_share / share:.3f} of the "
                f"orders in {coin.coin} have no parent, and only they can be informed"
            )
    busiest = max(row.arrival_factor for row in implied.regimes(params))
    per_block = sum(2.0 * row.market_rate for row in params.coins) * busiest * params.block_ms / 1e3
    if per_block > MAX_PER_BLOCK:
        _refuse(f"{per_block:.1f} market orders a block in all coins, must be at most {MAX_PER_BLOCK}")
    for row in params.coins:
        if row.size_law == "pareto" and row.size_shape <= 1.0:
            _refuse(f"size_shape of {row.coin} is {row.size_shape}, must be above 1: no mean otherwise")


def _check_alpha(params: SyntheticParams) -> None:
    certain = implied.certain_alpha_bps(params)
    for i, row in enumerate(params.coins):
        most = float(certain[:, i].min())
        if row.informed_alpha_bps is not None and row.informed_alpha_bps > most:
            _refuse(
                f"informed_alpha_bps of {row.coin} is {row.informed_alpha_bps}, more than the mean absolute move "
                f"{most:.3g} within informed_ms"
            )
