"""Sections `coins` and `quoting`: what is traded, and how it is quoted."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from portfolio_mm.settings.note import Section, note

MIN_CLIP_USD = 10.1
"""The venue refuses orders under 10 USD; one percent is kept for the price moving before the order arrives."""


class CoinOverride(Section):
    """Keys of one coin that differ from the defaults of `coins`; null keeps the default."""

    clip_usd: float | None = Field(default=None, ge=MIN_CLIP_USD)
    max_position_usd: float | None = Field(default=None, gt=0.0)
    max_order_usd: float | None = Field(default=None, ge=MIN_CLIP_USD)
    leverage: int | None = Field(default=None, ge=1, le=50)
    levels: int | None = Field(default=None, ge=1, le=3)
    level_step_bps: float | None = Field(default=None, gt=0.0, le=500.0)
    min_edge_bps: float | None = Field(default=None, ge=0.0, le=100.0)


class Coins(Section):
    """What is traded: names, defaults for all coins, and per-coin overrides."""

    names: tuple[str, ...] = Field(
        default=("BTC", "ETH", "SOL", "XRP", "DOGE", "HYPE"),
        strict=False,
        min_length=1,
        max_length=64,
        description=note(
            "Coins to quote, by their names at the venue, such as BTC or xyz:TSLA (of a dex)",
            "names",
            "to trade other coins",
        ),
    )
    clip_usd: float = Field(
        default=150.0,
        ge=MIN_CLIP_USD,
        description=note(
            "Size of one order at one level",
            "USD notional",
            "with the account; not under the venue's minimum of 10 USD",
        ),
    )
    max_position_usd: float = Field(
        default=2_000.0,
        gt=0.0,
        description=note(
            "Hard limit of one coin's position, counting everything resting, in flight or unknown",
            "USD notional",
            "with the account; the gateway enforces it on the worst case",
        ),
    )
    max_order_usd: float = Field(
        default=500.0,
        ge=MIN_CLIP_USD,
        description=note("Hard limit of a single order", "USD notional", "when clips grow"),
    )
    leverage: int = Field(
        default=5,
        ge=1,
        le=50,
        description=note(
            "Leverage set at the venue, which fixes the initial margin of a position; capped by the coin's maximum",
            "times",
            "to free or to keep margin",
        ),
    )
    levels: int = Field(
        default=2,
        ge=1,
        le=3,
        description=note("Price levels quoted per side", "count", "to 1 on small accounts or scarce actions"),
    )
    level_step_bps: float = Field(
        default=2.0,
        gt=0.0,
        le=500.0,
        description=note("Distance between levels", "bps", "with the coin's volatility"),
    )
    min_edge_bps: float = Field(
        default=0.1,
        ge=0.0,
        le=100.0,
        description=note(
            "Least expected edge of a quote, after fee and adverse selection", "bps", "to be pickier about fills"
        ),
    )
    overrides: dict[str, CoinOverride] = Field(
        default={},
        description=note(
            "Per coin, any of the keys above except names, for example `BTC: {clip_usd: 200, levels: 1}`",
            "mapping of coin to keys",
            "when one coin needs another size or limit",
        ),
    )

    @field_validator("names")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"names {', '.join(twice)} more than once"
            raise ValueError(msg)
        if any(not name.strip() or name != name.strip() for name in names):
            msg = "has an empty name, or one with blanks around it"
            raise ValueError(msg)
        odd = [name for name in names if ":" in name and not all(name.partition(":")[::2])]
        if odd or any(name.count(":") > 1 for name in names):
            msg = f"has {', '.join(odd) or 'a name with two colons'}; coins of builder-deployed dexes are `dex:COIN`"
            raise ValueError(msg)
        return names

    @model_validator(mode="after")
    def _each(self) -> "Coins":
        strangers = sorted(set(self.overrides) - set(self.names))
        if strangers:
            msg = f"overrides for {', '.join(strangers)}, which `coins.names` does not list ({', '.join(self.names)})"
            raise ValueError(msg)
        for name in self.names:
            merged = self.merged(name)
            if merged["max_order_usd"] > merged["max_position_usd"]:
                msg = (
                    f"{name}: max_order_usd {merged['max_order_usd']:g} is above max_position_usd "
                    f"{merged['max_position_usd']:g}; one order could break the position limit"
                )
                raise ValueError(msg)
            if merged["clip_usd"] > merged["max_order_usd"]:
                msg = (
                    f"{name}: clip_usd {merged['clip_usd']:g} is above max_order_usd {merged['max_order_usd']:g}; "
                    "no order could be sent"
                )
                raise ValueError(msg)
        return self

    def merged(self, name: str) -> dict[str, Any]:
        """Keys of one coin: the defaults with that coin's overrides."""
        override = self.overrides.get(name, CoinOverride())
        return {
            key: getattr(self, key) if getattr(override, key) is None else getattr(override, key)
            for key in CoinOverride.model_fields
        }


class Quoting(Section):
    """What every coin's quoting shares."""

    max_half_spread_bps: float = Field(
        default=60.0,
        gt=0.0,
        le=1_000.0,
        description=note(
            "Widest quote; what would have to be wider is not quoted", "bps from fair", "for very volatile coins"
        ),
    )
    max_skew_bps: float = Field(
        default=25.0,
        gt=0.0,
        le=1_000.0,
        description=note("Largest shift of both quotes by inventory", "bps", "with max_half_spread_bps"),
    )
    adverse_horizon_s: float = Field(
        default=5.0,
        gt=0.0,
        le=60.0,
        description=note(
            "Markout horizon that counts as adverse selection (0.5, 1, 5, 30 or 60)",
            "s",
            "with how long inventory is held",
        ),
    )
    prior_adverse_bps: float = Field(
        default=0.5,
        ge=0.0,
        le=100.0,
        description=note("Adverse selection assumed before fills have taught it", "bps", "for coins known to be toxic"),
    )
    prior_sigma_bps: float = Field(
        default=1.0,
        gt=0.0,
        le=1_000.0,
        description=note("Volatility assumed before it is measured", "bps per sqrt(second)", "for very volatile coins"),
    )
    prior_intensity_per_s: float = Field(
        default=0.2,
        gt=0.0,
        le=1_000.0,
        description=note(
            "Arrivals at the fair price (A) assumed before they are measured", "per second and side", "rarely"
        ),
    )
    prior_kappa_per_bps: float = Field(
        default=0.3,
        gt=0.0,
        le=100.0,
        description=note("Decay of fills with distance (k) assumed before it is measured", "per bps", "rarely"),
    )
    stale_feed_s: float = Field(
        default=3.0,
        gt=0.0,
        le=60.0,
        description=note("Silence of the market feed after which a coin pulls its own quotes", "s", "for quiet coins"),
    )
    warmup_s: float = Field(
        default=5.0,
        ge=0.0,
        le=600.0,
        description=note(
            "How long a fresh coin only listens; it then quotes whatever it has learnt", "s", "to be more patient"
        ),
    )
    ablation_share: float = Field(
        default=0.05,
        ge=0.0,
        le=0.5,
        description=note(
            "How often each signal is switched off for 10 s, to learn what it is worth (docs/signals.md); 0 never",
            "fraction of decision intervals",
            "to 0.1 to learn sooner, to 0 when nothing is to be learnt",
        ),
    )

    flat_at_end: bool = Field(
        default=False,
        description=note(
            "Whether coins are told during the last ten minutes of `start --for` to be without a position at its end",
            "true or false",
            "to end a run flat; a detached run has no end to be told of",
        ),
    )

    @field_validator("adverse_horizon_s")
    @classmethod
    def _horizon(cls, value: float) -> float:
        horizons = (0.5, 1.0, 5.0, 30.0, 60.0)
        if value not in horizons:
            msg = f"must be one of the measured horizons {', '.join(f'{h:g}' for h in horizons)} s"
            raise ValueError(msg)
        return value
