"""One coin of a synthetic market, and a dozen well-known ones."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from portfolio_mm.venue.flows.synthetic.bounds import Bps, Milliseconds, Positive, Rate, Seconds, Share, SignedBps

SizeLaw = Literal["exponential", "lognormal", "pareto"]


class SyntheticCoin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that differs from coin to coin.

    Attributes:
        coin: wire name.
        px: efficient price at the start, USD.
        sz_decimals: size grid.
        sigma_bps: volatility of the efficient price at horizons much longer than a lead, without jumps and cascades
            and in a regime of factor one, bps per sqrt(second).
        loading: correlation with the common factor; also the share of a common jump this coin makes.
        half_spread_bps: smallest distance of background quotes from the price their maker believes in.
        depth_bps: mean further distance of background quotes (exponential).
        order_usd: mean size of a background quote.
        market_rate: A, market orders per second and side, counted from the efficient price (all of them, children of
            others included, liquidations not).
        kappa_per_bps: decay of the rate of market orders that reach a distance (exponential).
        market_usd: mean size of a market order.
        self_excitation: mean number of market orders of its own side that one market order brings about.
        cross_excitation: the same for the other side.
        excitation_s: mean time until it does; the 1/beta of an exponential kernel.
        size_law: of market orders, with mean `market_usd`.
        size_shape: standard deviation of the log (lognormal) or tail exponent (pareto; more than one).
        quote_shape: exponent of the stretched exponential law of a background quote's size: one is exponential, two
            has many small quotes and few large ones.
        informed_alpha_bps: mean move of the efficient price in favour of an informed order within `informed_ms`;
            none: it knows the direction for certain, and earns the mean absolute move.
        stale_ms: how late makers see the price, on average over them (exponential).
        jump_rate_per_h: jumps of this coin alone.
        jump_bps: standard deviation of their size, or mean absolute size (double exponential).
        premium_bps: mean of the perp's premium over the oracle.
        premium_sd_bps: its stationary standard deviation; zero: it stays at the mean.
        premium_s: time in which a deviation falls to 1/e.
        open_interest: in coins, before cascades; none: what is listed of the coin.
    """

    coin: str
    px: Positive
    sz_decimals: Annotated[int, Meta(ge=0, le=6)]
    sigma_bps: Bps
    loading: Annotated[float, Meta(ge=-1, le=1)]
    half_spread_bps: Bps
    depth_bps: Positive
    order_usd: Positive
    market_rate: Rate
    kappa_per_bps: Positive
    market_usd: Positive
    self_excitation: Share = 0.0
    cross_excitation: Share = 0.0
    excitation_s: Seconds = 0.5
    size_law: SizeLaw = "exponential"
    size_shape: Annotated[float, Meta(gt=0, le=10)] = 1.5
    quote_shape: Annotated[float, Meta(ge=0.1, le=5)] = 1.0
    informed_alpha_bps: Bps | None = None
    stale_ms: Milliseconds = 0
    jump_rate_per_h: Rate = 0.0
    jump_bps: Bps = 0.0
    premium_bps: SignedBps = 0.0
    premium_sd_bps: Bps = 0.0
    premium_s: Seconds = 600.0
    open_interest: Annotated[float, Meta(ge=0.0, le=1e15)] | None = None


COINS: Final = (
    SyntheticCoin("BTC", 83_767.0, 5, 0.70, 0.90, 0.12, 0.8, 8_000.0, 2.0, 0.80, 50_000.0),
    SyntheticCoin("ETH", 2_745.0, 4, 1.05, 0.85, 0.40, 2.0, 6_000.0, 1.5, 0.50, 60_000.0),
    SyntheticCoin("SOL", 118.0, 2, 1.25, 0.80, 0.60, 2.5, 3_000.0, 1.2, 0.40, 30_000.0),
    SyntheticCoin("XRP", 1.62, 0, 1.25, 0.75, 1.00, 3.5, 2_000.0, 0.9, 0.35, 20_000.0),
    SyntheticCoin("DOGE", 0.128, 0, 1.45, 0.75, 1.20, 4.0, 1_500.0, 0.8, 0.30, 15_000.0),
    SyntheticCoin("HYPE", 34.5, 2, 1.60, 0.60, 1.50, 5.0, 2_000.0, 1.0, 0.30, 20_000.0),
    SyntheticCoin("BNB", 890.0, 3, 0.90, 0.70, 1.20, 4.0, 1_500.0, 0.6, 0.35, 15_000.0),
    SyntheticCoin("SUI", 1.85, 1, 1.60, 0.75, 1.60, 5.0, 1_200.0, 0.6, 0.30, 12_000.0),
    SyntheticCoin("LINK", 13.2, 1, 1.45, 0.75, 1.60, 5.0, 1_200.0, 0.5, 0.30, 12_000.0),
    SyntheticCoin("AVAX", 14.6, 2, 1.50, 0.75, 1.70, 5.0, 1_000.0, 0.5, 0.30, 10_000.0),
    SyntheticCoin("ADA", 0.42, 0, 1.45, 0.75, 1.70, 5.0, 1_000.0, 0.5, 0.30, 10_000.0),
    SyntheticCoin("NEAR", 2.1, 1, 1.60, 0.70, 1.90, 5.0, 1_000.0, 0.5, 0.30, 10_000.0),
)
"""Round figures of 2026: order of magnitude of prices, grids as listed; activity and depth are choices."""
