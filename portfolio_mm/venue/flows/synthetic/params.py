"""What is planted in a synthetic market: every parameter, frozen, with its bounds, in the units of the theory.

Everything that is not set is off, and what is on by default is the plain market of six coins. A scenario file may give
any of it: `msgspec.convert` reads these structs, and `validity.check` refuses what cannot be kept.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio_mm.venue.flows.synthetic.bounds import Bps, Milliseconds, Positive, Rate, Seconds, Share
from portfolio_mm.venue.flows.synthetic.coin import COINS, SyntheticCoin


class Lead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One coin leads another: a share of the move they have in common comes later to the follower.

    Attributes:
        leader: name of the coin that moves first.
        follower: name of the other.
        delay_ms: how much later, a multiple of `block_ms`.
        share: of the common move that comes late.
    """

    leader: str
    follower: str
    delay_ms: Milliseconds
    share: Share


class Regime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One state of the whole market, left after an exponential time for any of the others, each as likely.

    Attributes:
        sigma_factor: multiplies every coin's volatility.
        dwell_s: mean stay.
        arrival_factor: multiplies the rate of market orders that have no parent.
    """

    sigma_factor: Annotated[float, Meta(gt=0.0, le=100.0)]
    dwell_s: Seconds
    arrival_factor: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0


class Cascades(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bursts of liquidations of one coin and side: takers, a lasting impact, a passing one, less open interest.

    Attributes:
        rate_per_h: of every coin.
        orders: mean number of liquidations in a burst (one and a Poisson number).
        burst_s: mean time of one after the start of the burst.
        order_usd: size of each.
        impact_bps: move of the efficient price by a whole burst, spread evenly over its orders.
        passing_share: of that impact, which is undone again ...
        passing_s: ... with this time constant.
        interest_share: of open interest that a burst of mean length closes.
        interest_s: time constant with which open interest comes back.
    """

    rate_per_h: Rate
    orders: Annotated[float, Meta(ge=1.0, le=500.0)] = 12.0
    burst_s: Annotated[float, Meta(gt=0.0, le=30.0)] = 2.0
    order_usd: Positive = 50_000.0
    impact_bps: Bps = 40.0
    passing_share: Share = 0.5
    passing_s: Annotated[float, Meta(gt=0.0, le=60.0)] = 20.0
    interest_share: Share = 0.05
    interest_s: Seconds = 3_600.0


class SyntheticParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of a synthetic market.

    Attributes:
        seed: of every random number.
        coins: in universe order; the first one leads unless `leads` says otherwise.
        start_ms: venue time of the start.
        block_ms: time between blocks.
        correlation: of the coins' moves at long horizons, a row per coin; none: loading times loading.
        leads: who leads whom; none: the first coin leads every other one by `lead_ms` with a share of `lead_weight`.
        lead_weight: see `leads`.
        lead_ms: a multiple of `block_ms`, as every delay.
        regimes: states of the market, it starts in the first; none: one state of factor one.
        common_jump_rate_per_h: jumps of the whole market, of which a coin makes `loading`.
        common_jump_bps: their size, as a coin's `jump_bps`.
        jump_law: of every jump's size.
        cascades: bursts of liquidations; none: there are none.
        contagion: mean number of orders of the same side in all other coins together that one order brings about.
        informed_share: of all market orders; an informed order has no parent.
        informed_ms: how far ahead it knows the efficient price, a multiple of `block_ms`.
        arbitrage_bps: a quote on the wrong side of the efficient price by this much may be taken.
        arbitrage_rate: rate per second at which it is.
        cancel_rate: cancels per second of one background quote.
        quote_rate: rate per second at which an empty quote slot is filled again.
        reference_lead_ms: by how much the reference venue's prices are ahead of the efficient ones, a multiple of
            `block_ms`.
        laws: plain: as the coins say; fitted: rates, excitation, sizes, reach and depth of every coin are those of its
            class in a recording (`fitted`), of which no more than 26 % are without a parent and can be informed.
        twin: run the misspecified twin instead: other laws than an estimator assumes, same means (`twin.misspecify`).
        reach_law: of the distance market orders reach.
        kernel_law: of the time from a market order to those it brings about; both have mean `excitation_s`.
        cancel_law: constant hazard, or one that falls with the age of the quote; both with `cancel_rate` as the
            inverse of the mean life.
        stamp_hold: chance that a block holds all its market orders back for the next one.
    """

    seed: int = 1
    coins: Annotated[tuple[SyntheticCoin, ...], Meta(min_length=1, max_length=64)] = COINS[:6]
    start_ms: int = 1_790_000_000_000
    block_ms: Annotated[int, Meta(ge=1, le=10_000)] = 100
    correlation: tuple[tuple[float, ...], ...] | None = None
    leads: tuple[Lead, ...] | None = None
    lead_weight: Share = 0.4
    lead_ms: Milliseconds = 500
    regimes: tuple[Regime, ...] = ()
    common_jump_rate_per_h: Rate = 0.0
    common_jump_bps: Bps = 0.0
    jump_law: Literal["normal", "double_exponential"] = "normal"
    cascades: Cascades | None = None
    contagion: Share = 0.0
    informed_share: Share = 0.3
    informed_ms: Milliseconds = 2_000
    arbitrage_bps: Bps = 0.5
    arbitrage_rate: Rate = 5.0
    cancel_rate: Rate = 0.2
    quote_rate: Rate = 10.0
    reference_lead_ms: Milliseconds = 0
    laws: Literal["plain", "fitted"] = "plain"
    twin: bool = False
    reach_law: Literal["exponential", "power"] = "exponential"
    kernel_law: Literal["exponential", "power"] = "exponential"
    cancel_law: Literal["constant", "ageing"] = "constant"
    stamp_hold: Annotated[float, Meta(ge=0.0, le=0.9)] = 0.0
