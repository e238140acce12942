"""Sections `portfolio` and `risk`: how money is spread, and what stops it."""

from pydantic import Field, model_validator

from portfolio_mm.settings.note import Section, note


class Portfolio(Section):
    """Covariance of the coins, allocation of inventory and margin, the action budget."""

    sample_s: float = Field(
        default=1.0,
        ge=0.1,
        le=60.0,
        description=note("Interval of the returns the covariance is made of", "s", "rarely; below 1 s noise rules"),
    )
    half_life_s: float = Field(
        default=600.0,
        ge=10.0,
        le=86_400.0,
        description=note("Time after which a return counts half in the covariance", "s", "to follow the market faster"),
    )
    idiosyncratic_fraction: float = Field(
        default=0.05,
        gt=0.0,
        le=1.0,
        description=note(
            "Least share of a coin's variance that no other coin explains; keeps pairs from looking free of risk",
            "fraction",
            "to trust correlations more or less",
        ),
    )
    every_s: float = Field(
        default=5.0,
        ge=0.5,
        le=600.0,
        description=note("Interval between allocations", "s", "with the number of coins"),
    )
    valid_s: float = Field(
        default=30.0,
        ge=1.0,
        le=3_600.0,
        description=note(
            "How long an allocation holds; without a newer one coins only reduce", "s", "together with every_s"
        ),
    )
    deadline_s: float = Field(
        default=0.5,
        ge=0.01,
        le=60.0,
        description=note("Time limit of the solver; then the last good allocation is kept", "s", "for many coins"),
    )
    std_fraction: float = Field(
        default=1 / 3,
        gt=0.0,
        le=1.0,
        description=note(
            "Standard deviation of inventory aimed at, as a share of the coin's limit; it sets gamma",
            "fraction",
            "lower to hold less inventory",
        ),
    )
    kelly_fraction: float = Field(
        default=0.5,
        gt=0.0,
        le=0.5,
        description=note(
            "Share of the Kelly bet on the whole account: gamma is at least 1 / (this x equity)",
            "fraction",
            "lower to be more careful; never above one half",
        ),
    )
    turnover_cost_bps: float = Field(
        default=1.0,
        ge=0.0,
        le=100.0,
        description=note("Cost assumed for moving an inventory target", "bps", "to let targets move more or less"),
    )
    stress_fraction: float = Field(
        default=0.1,
        gt=0.0,
        le=0.9,
        description=note(
            "Adverse move of every coin at once that the account must survive", "fraction of price", "for calmer coins"
        ),
    )
    maintenance_headroom: float = Field(
        default=1.5,
        ge=1.0,
        le=10.0,
        description=note(
            "Equity left after the stress, as a multiple of maintenance margin",
            "times",
            "to stay farther from liquidation",
        ),
    )
    cancel_reserve_fraction: float = Field(
        default=0.2,
        ge=0.0,
        le=0.9,
        description=note("Share of the actions left that only cancels may use", "fraction", "rarely; it empties books"),
    )

    leaders: tuple[str, ...] = Field(
        default=(),
        strict=False,
        max_length=3,
        description=note("Coins the others may follow; none: the first of `coins.names`", "names", "if others lead"),
    )

    @model_validator(mode="after")
    def _outlives(self) -> "Portfolio":
        if self.valid_s < 2 * self.every_s:
            msg = (
                f"valid_s {self.valid_s:g} s is under twice every_s {self.every_s:g} s: "
                "coins would fall back to reduce-only between allocations"
            )
            raise ValueError(msg)
        return self


class Risk(Section):
    """Hard limits, kill levels, and how long silence is tolerated."""

    max_gross_usd: float = Field(
        default=6_000.0,
        gt=0.0,
        description=note("Hard limit of all positions together, worst case", "USD notional", "with the account"),
    )
    max_net_usd: float = Field(
        default=4_000.0,
        gt=0.0,
        description=note("Hard limit of long minus short, worst case", "USD notional", "with the account"),
    )
    max_margin_fraction: float = Field(
        default=0.5,
        gt=0.0,
        le=1.0,
        description=note(
            "Share of equity that initial margin of positions and resting orders may use", "fraction", "rarely upwards"
        ),
    )
    max_open_orders: int = Field(
        default=100,
        ge=2,
        le=5_000,
        description=note("Hard limit of orders resting, in flight or unknown", "count", "for more coins or levels"),
    )
    max_loss_usd: float = Field(
        default=500.0,
        gt=0.0,
        description=note(
            "Loss since the start of the UTC day that kills all trading until a person resumes",
            "USD",
            "with the account",
        ),
    )
    max_drawdown_fraction: float = Field(
        default=0.1,
        gt=0.0,
        le=1.0,
        description=note(
            "Drawdown from the equity high-water mark (of the day and since the start) that kills", "fraction", "rarely"
        ),
    )
    min_drawdown_usd: float = Field(
        default=100.0,
        gt=0.0,
        description=note("Drawdowns under this amount never kill", "USD", "with the account"),
    )
    warn_fraction: float = Field(
        default=0.6,
        gt=0.0,
        lt=1.0,
        description=note("Share of a kill level at which the state turns yellow", "fraction", "to slow down earlier"),
    )
    reduce_fraction: float = Field(
        default=0.85,
        gt=0.0,
        lt=1.0,
        description=note("Share of a kill level at which only reducing is allowed", "fraction", "to stop earlier"),
    )
    yellow_scale: float = Field(
        default=0.5,
        gt=0.0,
        le=1.0,
        description=note("Factor on position limits while the state is yellow", "factor", "to slow down harder"),
    )
    position_kill_multiple: float = Field(
        default=2.0,
        gt=1.0,
        le=10.0,
        description=note(
            "Multiple of its limit at which a held position kills: it means the limits did not hold", "times", "rarely"
        ),
    )
    maintenance_multiple: float = Field(
        default=1.5,
        ge=1.0,
        le=100.0,
        description=note(
            "Equity as a multiple of its maintenance margin under which the coins it backs only reduce",
            "times",
            "to stay farther from liquidation",
        ),
    )
    coin_reduce_s: float = Field(
        default=5.0,
        gt=0.0,
        le=600.0,
        description=note("Silence of a coin's market feed after which that coin only reduces", "s", "for quiet coins"),
    )
    coin_cancel_s: float = Field(
        default=15.0,
        gt=0.0,
        le=600.0,
        description=note(
            "Silence of a coin's market feed after which its orders are cancelled", "s", "for quiet coins"
        ),
    )
    user_stream_s: float = Field(
        default=20.0,
        gt=0.0,
        le=600.0,
        description=note(
            "Silence of the account's stream after which everything is cancelled",
            "s",
            "if the venue answers pings rarely",
        ),
    )
    account_s: float = Field(
        default=20.0,
        gt=0.0,
        le=600.0,
        description=note("Age of the account reading after which everything is cancelled", "s", "rarely"),
    )
    watchdog_s: float = Field(
        default=5.0,
        gt=0.0,
        le=600.0,
        description=note("Silence of the watchdog after which no permit is given", "s", "on slow machines"),
    )
    watchdog_required: bool = Field(
        default=True,
        description=note("Whether trading needs a live watchdog", "true or false", "never with money at stake"),
    )
    confirm_s: float = Field(
        default=4.0,
        ge=0.0,
        le=60.0,
        description=note(
            "Time after which a second reading must agree before a non-urgent kill; trading stops meanwhile",
            "s",
            "rarely; the venue sets its marks every 3 s, and one bad mark must not be both readings",
        ),
    )
    reentry_step_s: float = Field(
        default=2.0,
        ge=0.0,
        le=3_600.0,
        description=note("Calm needed before the state improves by one step", "s", "if states flap"),
    )
    actions_warn_left: int = Field(
        default=2_000,
        ge=0,
        description=note("Actions left (of the day or the address) at which the state turns yellow", "count", "rarely"),
    )
    actions_stop_left: int = Field(
        default=300,
        ge=0,
        description=note(
            "Actions left at which only cancels are sent", "count", "rarely; the rest is what empties the book"
        ),
    )
    permit_ttl_s: float = Field(
        default=3.0,
        ge=1.5,
        le=30.0,
        description=note(
            "How long a permit to trade lasts without renewal", "s", "rarely; longer leaves orders alone for longer"
        ),
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Risk":
        for low, high in (
            ("warn_fraction", "reduce_fraction"),
            ("coin_reduce_s", "coin_cancel_s"),
            ("actions_stop_left", "actions_warn_left"),
        ):
            if getattr(self, low) >= getattr(self, high):
                msg = f"{low} {getattr(self, low):g} must be under {high} {getattr(self, high):g}"
                raise ValueError(msg)
        if self.max_net_usd > self.max_gross_usd:
            msg = (
                f"max_net_usd {self.max_net_usd:g} is above max_gross_usd {self.max_gross_usd:g}, "
                "which already bounds it"
            )
            raise ValueError(msg)
        return self
