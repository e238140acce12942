"""The whole of the settings, as one immutable tree."""

from typing import Any

import msgspec
from pydantic import Field, model_validator

from portfolio_mm.domain.limits import LimitSet
from portfolio_mm.settings.market import Account, Venue
from portfolio_mm.settings.money import Portfolio, Risk
from portfolio_mm.settings.note import Section
from portfolio_mm.settings.plan import Plan
from portfolio_mm.settings.reference import Reference
from portfolio_mm.settings.running import Actors, Cluster, Feeds, Storage
from portfolio_mm.settings.trading import Coins, Quoting


class Settings(Section):
    """Everything a person may choose. The defaults trade six synthetic coins with 10,000 USD."""

    account: Account = Field(default=Account(), description="Whose money: addresses, and paths of keys.")
    venue: Venue = Field(default=Venue(), description="Where orders go; without a url, to the embedded venue.")
    reference: Reference = Field(default=Reference(), description="Another venue whose prices lead.")
    coins: Coins = Field(default=Coins(), description="What is traded, and how large.")
    quoting: Quoting = Field(default=Quoting(), description="What every coin's quoting shares.")
    portfolio: Portfolio = Field(default=Portfolio(), description="How inventory, margin and actions are spread.")
    risk: Risk = Field(default=Risk(), description="Hard limits and what stops trading.")
    feeds: Feeds = Field(default=Feeds(), description="Streams from the venue.")
    actors: Actors = Field(default=Actors(), description="Addresses and rhythms of the actors.")
    storage: Storage = Field(default=Storage(), description="Where state lives.")
    cluster: Cluster = Field(default=Cluster(), description="How the run sits on Ray.")

    @model_validator(mode="after")
    def _together(self) -> "Settings":
        if self.venue.url is not None:
            missing = [key for key in ("address", "key_path") if getattr(self.account, key) is None]
            if missing:
                msg = f"venue.url is set, so account.{' and account.'.join(missing)} must be set too"
                raise ValueError(msg)
            if self.account.key_path == self.account.watchdog_key_path:
                msg = "account.watchdog_key_path must be another agent's key than account.key_path"
                raise ValueError(msg)
            if self.risk.watchdog_required and self.account.watchdog_key_path is None:
                msg = "risk.watchdog_required is true, so account.watchdog_key_path must be set for a real venue"
                raise ValueError(msg)
        strangers = sorted({*self.portfolio.leaders, *self.reference.symbols} - set(self.coins.names))
        if strangers:
            msg = (
                f"portfolio.leaders or reference.symbols name {', '.join(strangers)}, which `coins.names` does not list"
            )
            raise ValueError(msg)
        for name in self.coins.names:
            limit_usd = self.coins.merged(name)["max_position_usd"]
            if limit_usd > self.risk.max_gross_usd:
                msg = (
                    f"coins: max_position_usd {limit_usd:g} of {name} is above risk.max_gross_usd "
                    f"{self.risk.max_gross_usd:g}; the account limit would always stop it first"
                )
                raise ValueError(msg)
        if self.actors.permit_ms * 4 > self.risk.permit_ttl_s * 1_000:
            msg = (
                f"risk.permit_ttl_s {self.risk.permit_ttl_s:g} s is under four renewals of actors.permit_ms "
                f"{self.actors.permit_ms} ms; one late answer would cancel everything"
            )
            raise ValueError(msg)
        return self

    def plan(self) -> Plan:
        """What actors receive: the same values without pydantic, coins merged with their overrides."""
        tree: dict[str, Any] = self.model_dump(mode="python")
        tree["coins"] = [{"coin": name, **self.coins.merged(name)} for name in self.coins.names]
        return msgspec.convert(tree, Plan)

    def to_limits(self, version: int) -> LimitSet:
        """The one limit set of the run."""
        return self.plan().limits(version)
