"""The settings as actors receive them: validated, complete, immutable, picklable, and free of pydantic.

Field names, units and meaning are those of config/default.yaml, where each is explained; `Settings.plan()` makes one.
Keys appear as paths only.
"""

from pathlib import Path
from typing import Literal

import msgspec

from portfolio_mm.domain.limits import CoinLimit, LimitSet
from portfolio_mm.risk.rules import Rules

FeeTier = Literal["base", "vip1", "vip2", "vip3", "vip4", "vip5", "vip6", "rebate1", "rebate2", "rebate3"]
AccountModeName = Literal["standard", "unified"]


class AccountPlan(msgspec.Struct, frozen=True):
    """Whose money: master address, and where the agent keys lie (paths, never values)."""

    address: str | None
    key_path: str | None
    watchdog_key_path: str | None
    vault: str | None
    auto_transfer: bool
    auto_transfer_max_usd: float
    foreign_orders: Literal["cancel", "tolerate"]


class SymbolPlan(msgspec.Struct, frozen=True):
    """A coin's symbol at the reference venue, of which one contract is `multiplier` coins; None: it has none."""

    symbol: str | None
    multiplier: float


class ReferencePlan(msgspec.Struct, frozen=True):
    """The reference venue, whose prices lead."""

    enabled: bool
    url: str | None
    symbols: dict[str, SymbolPlan]
    books_ms: int
    lead_ms: int


class EmbeddedPlan(msgspec.Struct, frozen=True):
    """The local venue, used when `VenuePlan.url` is absent. A tape wins over the seed."""

    seed: int
    tape: str | None
    speed: float
    fee_tier: FeeTier
    account_mode: AccountModeName
    equity_usd: float
    port: int


class VenuePlan(msgspec.Struct, frozen=True):
    """Where orders go."""

    url: str | None
    ws_url: str | None
    mainnet: bool
    embedded: EmbeddedPlan

    @property
    def is_embedded(self) -> bool:
        """Whether this run brings its own venue."""
        return self.url is None


class CoinPlan(msgspec.Struct, frozen=True):
    """One coin, defaults and overrides already merged. USD notional, bps."""

    coin: str
    clip_usd: float
    max_position_usd: float
    max_order_usd: float
    leverage: int
    levels: int
    level_step_bps: float
    min_edge_bps: float


class QuotingPlan(msgspec.Struct, frozen=True):
    """What every coin's quoting shares; units are in the names."""

    max_half_spread_bps: float
    max_skew_bps: float
    adverse_horizon_s: float
    prior_adverse_bps: float
    prior_sigma_bps: float
    prior_intensity_per_s: float
    prior_kappa_per_bps: float
    stale_feed_s: float
    warmup_s: float
    ablation_share: float
    flat_at_end: bool


class PortfolioPlan(msgspec.Struct, frozen=True):
    """Covariance, allocation and the action budget."""

    sample_s: float
    half_life_s: float
    idiosyncratic_fraction: float
    every_s: float
    valid_s: float
    deadline_s: float
    std_fraction: float
    kelly_fraction: float
    turnover_cost_bps: float
    stress_fraction: float
    maintenance_headroom: float
    cancel_reserve_fraction: float
    leaders: tuple[str, ...]


class RiskPlan(msgspec.Struct, frozen=True):
    """Hard limits, kill levels and how long silence is tolerated."""

    max_gross_usd: float
    max_net_usd: float
    max_margin_fraction: float
    max_open_orders: int
    max_loss_usd: float
    max_drawdown_fraction: float
    min_drawdown_usd: float
    warn_fraction: float
    reduce_fraction: float
    yellow_scale: float
    position_kill_multiple: float
    maintenance_multiple: float
    coin_reduce_s: float
    coin_cancel_s: float
    user_stream_s: float
    account_s: float
    watchdog_s: float
    watchdog_required: bool
    confirm_s: float
    reentry_step_s: float
    actions_warn_left: int
    actions_stop_left: int
    permit_ttl_s: float


class FeedsPlan(msgspec.Struct, frozen=True):
    """The public and private streams."""

    fast_book: bool
    ping_s: float
    reconnect_min_s: float
    reconnect_max_s: float
    record_raw: bool


class ActorsPlan(msgspec.Struct, frozen=True):
    """Addresses and rhythms of the actors."""

    host: str
    console_port: int
    relay_port: int
    outpost: str | None
    timer_ms: int
    report_ms: int
    permit_ms: int
    heartbeat_ms: int
    stall_s: float
    restarts: int
    restart_window_s: float


class StoragePlan(msgspec.Struct, frozen=True):
    """Where state lives and how long journals are kept."""

    folder: str
    segment_mb: int
    keep_hours: float

    @property
    def path(self) -> Path:
        """The folder with a leading `~` resolved."""
        return Path(self.folder).expanduser()


class ClusterPlan(msgspec.Struct, frozen=True):
    """How the run sits on Ray."""

    address: str | None
    namespace: str
    dashboard_port: int
    cpus_per_actor: float
    object_store_mb: int


class Plan(msgspec.Struct, frozen=True):
    """Everything a run was told."""

    account: AccountPlan
    venue: VenuePlan
    reference: ReferencePlan
    coins: tuple[CoinPlan, ...]
    quoting: QuotingPlan
    portfolio: PortfolioPlan
    risk: RiskPlan
    feeds: FeedsPlan
    actors: ActorsPlan
    storage: StoragePlan
    cluster: ClusterPlan

    @property
    def coin_names(self) -> tuple[str, ...]:
        """Wire names, in the order of the run's coin table."""
        return tuple(coin.coin for coin in self.coins)

    @property
    def brings_reference(self) -> bool:
        """Whether the embedded venue serves a reference of its own: on synthetic flow, unless another one is named."""
        synthetic = self.venue.is_embedded and self.venue.embedded.tape is None
        return synthetic and self.reference.enabled and self.reference.url is None

    def risk_rules(self) -> Rules:
        """Thresholds of the monitors."""
        return msgspec.convert(msgspec.structs.asdict(self.risk), Rules)

    def coin(self, name: str) -> CoinPlan:
        """The plan of one coin.

        Raises:
            KeyError: the run does not trade it.
        """
        for coin in self.coins:
            if coin.coin == name:
                return coin
        raise KeyError(name)

    def limits(self, version: int) -> LimitSet:
        """The one limit set of the run, numbered by whoever publishes it."""
        risk = self.risk
        return LimitSet(
            version=version,
            coins=tuple(CoinLimit(coin.coin, coin.max_position_usd, coin.max_order_usd) for coin in self.coins),
            max_gross_usd=risk.max_gross_usd,
            max_net_usd=risk.max_net_usd,
            max_margin_fraction=risk.max_margin_fraction,
            max_loss_usd=risk.max_loss_usd,
            max_drawdown_fraction=risk.max_drawdown_fraction,
            min_drawdown_usd=risk.min_drawdown_usd,
            max_open_orders=risk.max_open_orders,
        )
