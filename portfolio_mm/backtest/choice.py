"""What a session trades, and with whose money."""

from portfolio_mm.backtest.market import VirtualVenue
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.meta import Universe, instruments_from


def chosen_instruments(venue: VirtualVenue, coins: tuple[str, ...]) -> tuple[Instrument, ...]:
    """Instruments of the coins, numbered as the run numbers them, with the fee scales a run reads."""
    universes = {"": Universe(venue.read("meta"))}
    for number, row in enumerate(venue.read("perpDexs")):
        if row is not None:
            scale = float(row.get("deployerFeeScale") or 0.0)
            universes[str(row["name"])] = Universe(venue.read("meta", dex=row["name"]), number, scale)
    return instruments_from(universes, coins)


def account_for(venue: VirtualVenue, instruments: tuple[Instrument, ...]) -> int:
    """Number of the account to trade with: where a dex is traded, one whose money backs every dex.

    Raises:
        ConfigurationError: there is none.
    """
    if all(not one.dex for one in instruments):
        return 0
    for number, account in enumerate(venue.accounts):
        if venue.state.by_address[account.address].unified:
            return number
    msg = "coins of a builder-deployed dex need an account in unified mode: give one by accounts.overrides"
    raise ConfigurationError(msg)
