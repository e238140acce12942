"""A synthetic market by the names of its coins."""

from collections.abc import Sequence
from typing import Final

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.flows.neighbours import meant
from portfolio_mm.venue.flows.synthetic.coin import COINS
from portfolio_mm.venue.flows.synthetic.params import SyntheticParams
from portfolio_mm.venue.flows.synthetic.validity import check

__all__ = ["DEFAULT_COINS", "SyntheticParams", "check", "synthetic_params"]

DEFAULT_COINS: Final = tuple(row.coin for row in COINS[:6])


def synthetic_params(coins: Sequence[str] = DEFAULT_COINS, seed: int = 1) -> SyntheticParams:
    """The plain market of coins by name, the first one leading.

    Raises:
        ConfigurationError: a coin has no synthetic parameters, or one is named twice.
    """
    known = {row.coin: row for row in COINS}
    unknown = [coin for coin in coins if coin not in known]
    if unknown:
        msg = f"no synthetic flow for {', '.join(unknown)}; {meant(unknown, list(known))}"
        raise ConfigurationError(msg)
    if not coins or len(set(coins)) < len(coins):
        msg = f"coins {', '.join(coins) or '(none)'}: name each synthetic coin once, and at least one"
        raise ConfigurationError(msg)
    return SyntheticParams(seed=seed, coins=tuple(known[coin] for coin in coins))
