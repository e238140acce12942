"""The part of `doctor` about scarce goods: requests and when they run out, the mode's daily limit, fees and tiers."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any, Final, Literal

from portfolio_mm.actors.messages import View
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.hyperliquid.account import MODE_WORDS, AccountTruth
from portfolio_mm.hyperliquid.limits import DAY_ACTIONS, AddressBudget
from portfolio_mm.settings.plan import Plan

Grade = Literal["ok", "warn", "bad"]
Row = tuple[str, Grade, str]
DAY_S: Final = 86_400.0
SOON_S: Final = 2 * DAY_S
LEAST_RUN_S: Final = 30.0
"""A younger run says nothing about a rate."""
RESERVE: Final = 10_000
REQUEST_USD: Final = 0.0005


async def live_view(folder: RunFolder) -> View | None:
    """What the gateway of a run in this folder says; None when none answers."""
    if not folder.path.is_dir():
        return None
    with contextlib.suppress(ProtocolError):
        async with Operator(folder) as gateway:
            return await gateway.view()
    return None


def mode_finding(truth: AccountTruth, view: View | None) -> Row:
    """The mode, and what it allows in a day."""
    word = MODE_WORDS[truth.mode]
    if truth.mode is AccountMode.STANDARD:
        return "mode", "ok", f"{word}: no daily limit of actions"
    used = "" if view is None else f", {view.budget.day_used:,} used today"
    text = f"{word}: {DAY_ACTIONS:,} actions a UTC day for the whole account, 0.58 a second{used}"
    full = view is not None and view.budget.day_used > 0.8 * DAY_ACTIONS
    return "mode", "warn" if full else "ok", f"{text}; standard mode has no such limit"


def budget_finding(truth: AccountTruth, view: View | None, plan: Plan) -> Row:
    """Requests left, when they run out at the rate of the run, and the command when a reserve is needed."""
    budget = AddressBudget(reserve=plan.risk.actions_stop_left)
    budget.used, budget.cap, budget.surplus = truth.address_used, truth.address_cap, truth.address_surplus
    left_s, rate = float("inf"), "the rate is unknown: nothing has run here for long"
    run_s = 0.0 if view is None else time.time() - view.run
    if view is not None and run_s > LEAST_RUN_S:
        actions_s, usd_s = (view.placed + view.modified + view.cancelled) / run_s, view.volume_usd / run_s
        left_s = budget.forecast_s(actions_s, usd_s)
        rate = f"{actions_s:.2f} actions and {usd_s:.2f} USD of volume a second"
        rate += ": trading earns them" if left_s == float("inf") else f": they run out in {span(left_s)}"
    text = f"{budget.left:,} of {budget.cap + budget.surplus:,} requests left; {rate}"
    grade: Grade = "ok"
    if budget.left <= plan.risk.actions_warn_left or left_s < SOON_S:
        grade = "bad" if budget.left <= plan.risk.actions_stop_left else "warn"
        cost = RESERVE * REQUEST_USD
        text += (
            f". A reserve is needed, which only the master key can buy: `portfolio-mm account reserve-requests "
            f"--requests {RESERVE} --max-usd {cost:.2f}`"
        )
    return "budget", grade, text


def span(seconds: float) -> str:
    """A duration for people.

    >>> span(5400.0), span(200_000.0)
    ('1.5 hours', '2.3 days')
    """
    return f"{seconds / 3600:.1f} hours" if seconds < DAY_S else f"{seconds / DAY_S:.1f} days"


def fee_finding(fees: Mapping[str, Any]) -> Row:
    """What is paid now, and what the next tier needs (HL §10.1). Volume is that of the fourteen days before today."""
    try:
        maker, taker = float(fees["userAddRate"]) * 1e4, float(fees["userCrossRate"]) * 1e4
        days = fees["dailyUserVlm"][:-1][-14:]
        volume = sum(float(day["userCross"]) + float(day["userAdd"]) for day in days)
        made = sum(float(day["userAdd"]) for day in days)
        everybody = sum(float(day["exchange"]) for day in days)
        tiers = [(float(row["ntlCutoff"]), float(row["add"]) * 1e4) for row in fees["feeSchedule"]["tiers"]["vip"]]
        rebates = [(float(row["makerFractionCutoff"]), float(row["add"]) * 1e4) for row in _rebates(fees)]
    except (KeyError, TypeError, ValueError) as error:
        return "fees", "warn", f"userFees cannot be read: {error!r}"
    text = f"maker {maker:g} bps, taker {taker:g} bps; {volume:,.0f} USD in 14 days"
    above = [(cutoff, add) for cutoff, add in tiers if cutoff > volume]
    if above:
        cutoff, add = min(above)
        text += f", {cutoff - volume:,.0f} USD more for maker {add:g} bps"
    share = made / everybody if everybody > 0 else 0.0
    next_rebates = [(cutoff, add) for cutoff, add in rebates if cutoff > share]
    if next_rebates:
        cutoff, add = min(next_rebates)
        text += f"; {cutoff:.1%} of the venue's maker volume (now {share:.4%}) for {add:g} bps"
    return "fees", "ok", text


def _rebates(fees: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(fees["feeSchedule"]["tiers"]["mm"])
