"""Between the gateway's view and the allocation: what the programme is told, and how its answer is said."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from portfolio_mm.actors.messages import Allocation, CoinAllocation, CoinReport, Lead, View
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.portfolio.actions import ActionPlan, Budget
from portfolio_mm.portfolio.inputs import AccountInput, AllocationResult, CoinInput
from portfolio_mm.settings.plan import Plan

SECONDS_PER_DAY: Final = 86_400
ADDRESS_S: Final = 3_600.0
NOBODY: Final[Mapping[str, tuple[Lead, ...]]] = {}


def coin_inputs(
    view: View, plan: Plan, instruments: tuple[Instrument, ...], mids: NDArray[np.float64]
) -> tuple[CoinInput, ...]:
    """One input per coin, in the order of the run; a coin that has not reported yet is described by the priors."""
    reports = {report.coin: report for report in view.coins}
    return tuple(
        _coin_input(instrument, reports.get(instrument.coin), plan, view.maker_fee_bps, float(mids[instrument.index]))
        for instrument in instruments
    )


def _coin_input(
    instrument: Instrument, report: CoinReport | None, plan: Plan, fee_bps: float, mid_px: float
) -> CoinInput:
    chosen, quoting = plan.coin(instrument.coin), plan.quoting
    sides = report.sides if report is not None else ()
    return CoinInput(
        coin=instrument.coin,
        sigma_bps=_known(report.sigma_bps if report else 0.0, quoting.prior_sigma_bps),
        intensity_per_s=_known(_mean([side.intensity_per_s for side in sides]), quoting.prior_intensity_per_s),
        kappa_per_bps=_known(_mean([side.kappa_per_bps for side in sides]), quoting.prior_kappa_per_bps),
        clip_usd=chosen.clip_usd,
        fee_bps=fee_bps,
        adverse_bps=_mean([side.adverse_bps for side in sides]) if sides else quoting.prior_adverse_bps,
        leverage=min(chosen.leverage, instrument.max_leverage),
        max_leverage=instrument.max_leverage,
        mid_px=mid_px if mid_px > 0.0 else (report.mark_px if report else 0.0),
        position_usd=report.inventory_usd if report else 0.0,
        limit_usd=chosen.max_position_usd,
        warm=report.warm if report else False,
        levels=chosen.levels,
        level_step_bps=chosen.level_step_bps,
    )


def _known(value: float, prior: float) -> float:
    """The estimate when it is a positive number, else the prior."""
    return value if 0.0 < value < float("inf") else prior


def _mean(values: list[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return sum(finite) / len(finite) if finite else 0.0


def account_input(view: View, plan: Plan) -> AccountInput:
    """The account and what all coins share."""
    risk = plan.risk
    return AccountInput(view.equity_usd, risk.max_gross_usd, risk.max_net_usd, risk.max_margin_fraction)


def allocation_message(
    result: AllocationResult,
    actions: ActionPlan,
    *,
    epoch: int,
    version: int,
    valid_ns: int,
    leads: Mapping[str, tuple[Lead, ...]] = NOBODY,
) -> Allocation:
    """The answer as the gateway is told it; `leads` are those each coin follows."""
    holds = (f"actions are held back by the {actions.binding}",) if actions.binding else ()
    return Allocation(
        portfolio_epoch=epoch,
        version=version,
        valid_ns=valid_ns,
        action_price_usd=actions.price_usd,
        coins=tuple(
            CoinAllocation(
                coin=share.coin,
                target_usd=share.target_usd,
                limit_usd=share.limit_usd,
                gamma_per_bps_usd=share.gamma_per_bps_usd,
                skew_row_bps_per_usd=share.skew_row_bps_per_usd,
                leads=leads.get(share.coin, ()),
            )
            for share in result.coins
        ),
        status=result.status,
        binding=result.binding + holds,
        solve_ms=result.solve_ms,
    )


def action_budgets(view: View, refill_per_s: float) -> tuple[Budget, ...]:
    """What the venue will still take. Address requests are earned by trading, one a dollar (HL §5.2).

    The requests in hand need only bridge the time until fills earn new ones, so they are spread over ADDRESS_S; when
    fills do not come the price rises with what is spent.
    """
    budget = view.budget
    found = [Budget("address requests", budget.address_cap - budget.address_used, ADDRESS_S, refill_per_s)]
    if budget.day_cap > 0:
        left_s = SECONDS_PER_DAY - (view.venue_ms // 1_000) % SECONDS_PER_DAY
        found.append(Budget("actions of the day", budget.day_cap - budget.day_used, left_s))
    return tuple(found)
