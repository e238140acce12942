"""Which account at which venue a command is about: from --config, or from --url and --address."""

from pathlib import Path
from typing import Final, NamedTuple

from portfolio_mm.cli.choice import plan_of
from portfolio_mm.domain.errors import ConfigurationError

MAINNET_URL: Final = "https://api.hyperliquid.xyz"


class Place(NamedTuple):
    """`address` is empty when neither the options nor the settings name it: then the master key's account is meant."""

    url: str
    mainnet: bool
    address: str

    @property
    def network(self) -> str:
        """For people, and for the confirmation."""
        return "MAINNET, real money" if self.mainnet else "testnet or local"


def place_of(config: Path | None, url: str | None, address: str | None) -> Place:
    """Where the options point.

    Raises:
        ConfigurationError: no venue is named; the embedded one needs none of this.
    """
    plan = plan_of(config, {}, None)
    where = url or plan.venue.url
    if where is None:
        msg = (
            "no venue is named: give --config with venue.url, or --url (for instance of `portfolio-mm venue`). The "
            "embedded venue of `portfolio-mm start` brings a funded account and its own keys"
        )
        raise ConfigurationError(msg)
    where = where.rstrip("/")
    mainnet = plan.venue.mainnet if url is None else where == MAINNET_URL
    return Place(where, mainnet, (address or plan.account.address or "").lower())
