"""What the allocation is told, and what it answers. Frozen, in the engine's units (theory §0)."""

import msgspec


class CoinInput(msgspec.Struct, frozen=True):
    """One coin as its report shows it.

    `sigma_bps` bps per sqrt(second); `intensity_per_s` and `kappa_per_bps` are A and k of one side (the mean of both);
    `fee_bps` maker fee and `adverse_bps` expected adverse move per fill, losses positive; `leverage` as set at the
    venue and `max_leverage` as the venue allows; `limit_usd` from the limit set; `warm` whether the estimates rest on
    data; `levels` orders a side, `level_step_bps` apart; `action_bps` the price of the order that follows a fill;
    `drift_bps_per_s` an expected drift, normally 0.
    """

    coin: str
    sigma_bps: float
    intensity_per_s: float
    kappa_per_bps: float
    clip_usd: float
    fee_bps: float
    adverse_bps: float
    leverage: int
    max_leverage: int
    mid_px: float
    position_usd: float
    limit_usd: float
    warm: bool
    levels: int = 1
    action_bps: float = 0.0
    level_step_bps: float = 2.0
    drift_bps_per_s: float = 0.0


class AccountInput(msgspec.Struct, frozen=True):
    """The account: equity as its mode defines it (USD), and the limits that all coins share."""

    equity_usd: float
    max_gross_usd: float
    max_net_usd: float
    max_margin_fraction: float


class AllocationRules(msgspec.Struct, frozen=True):
    """Choices of settings section `portfolio` that shape an allocation; names and units as there."""

    deadline_s: float = 0.5
    std_fraction: float = 1 / 3
    kelly_fraction: float = 0.5
    turnover_cost_bps: float = 1.0
    stress_fraction: float = 0.1
    maintenance_headroom: float = 1.5


class CoinShare(msgspec.Struct, frozen=True):
    """What one coin gets: inventory target, limit and initial margin (USD), gamma 1/(bps USD), skew bps per USD."""

    coin: str
    target_usd: float
    limit_usd: float
    gamma_per_bps_usd: float
    skew_row_bps_per_usd: tuple[float, ...]


class AllocationResult(msgspec.Struct, frozen=True):
    """One allocation. `status` names the solver that found it, or `last good` or `nothing` with the reason.

    `binding` says in words which limits hold back the expected edge and what one more unit of each would bring.
    """

    coins: tuple[CoinShare, ...]
    status: str
    binding: tuple[str, ...]
    solve_ms: float
