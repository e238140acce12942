"""What a gateway is told: addresses, paths, instruments. Keys and tokens appear as paths only."""

from typing import Literal

import msgspec

from portfolio_mm.actors.door import Door
from portfolio_mm.actors.transport import Tls
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid.collateral import dexes_of
from portfolio_mm.hyperliquid.websocket import BACKOFF_S


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account's gateway.

    `account` is the master (or sub-account) address whose money it is, `vault` that address again when the key belongs
    to another master. `leverage` is set at the venue, one per instrument. `hub` is `unix:/path` or `tls://host:port`,
    `outpost` where watchdogs on other machines may join besides.
    `start_equity_usd` is the run's, so that a gateway that comes back counts from there; None: from its first reading.
    `foreign_orders` says what becomes of orders nobody here placed. When orders of another run of this program rest
    at the start, new ones are watched for during `watch_s`: longer than a lease (`permit_ttl_s`) and a requote.
    `ends_ms` is the wall clock at which coins are to hold nothing, 0 for never.
    `start_read_ms` is the block time of that reading: later fills and fundings are this run's. `oracle_s` is for how
    long the oracle of a builder-deployed coin may stand still before it counts as silent; the
    venue's universes are read every `universe_s`, every `moody_s` while a coin is in a mood.
    """

    account: str
    key_path: str
    vault: str | None = None
    url: str
    ws_url: str
    mainnet: bool
    instruments: tuple[Instrument, ...]
    leverage: tuple[int, ...]
    hub: str
    tls: Tls | None = None
    outpost: Door | None = None
    token_file: str
    state_db: str
    lock_file: str
    journals: str
    keep_hours: float = 72.0
    start_equity_usd: float | None = None
    start_read_ms: int | None = None
    ends_ms: int = 0
    day_cap: int = 50_000
    permit_ttl_s: float = 3.0
    permit_s: float = 0.25
    account_s: float = 5.0
    reconcile_s: float = 30.0
    blind_s: float = 1.0
    foreign_orders: Literal["cancel", "tolerate"] = "cancel"
    watch_s: float = 8.0
    ping_s: float = 5.0
    backoff_s: tuple[float, ...] = BACKOFF_S
    oracle_s: float = 30.0
    universe_s: float = 60.0
    moody_s: float = 15.0

    @property
    def dexes(self) -> tuple[str, ...]:
        """Perp dexes of the run's coins, the first one as an empty name."""
        return dexes_of([each.coin for each in self.instruments])
