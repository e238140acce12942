"""`userFees`: the schedule, the user's fifteen days, rates and discounts (HL §1.14, §10)."""

from datetime import date
from typing import Any, Final

from portfolio_mm.venue.clearinghouse.fees import (
    REBATE_ABOVE_1E4,
    REFERRAL_1E4,
    STAKING,
    VIP_ABOVE_USD,
    WHOLE_1E4,
    WINDOW_DAYS,
    Standing,
)
from portfolio_mm.venue.clearinghouse.tiers import REBATES, VIP, rate_text
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import usd_text, wire_text
from portfolio_mm.venue.state import VenueState

SPOT_RATES: Final = ((400, 700), (300, 600), (200, 500), (100, 400), (0, 350), (0, 300), (0, 250))
EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
HYPE_PER_BPS: Final = 100_000
"""A basis point of the maximum supply of 1e9 HYPE."""


def fees(state: VenueState, user: User) -> dict[str, Any]:
    """Reply to `userFees`. Rates of the user include the staking discount, not the referral's."""
    standing = user.standing
    spot_add, spot_cross = SPOT_RATES[0]
    return {
        "dailyUserVlm": [_day(state, standing, day) for day in range(state.day - WINDOW_DAYS, state.day + 1)],
        "feeSchedule": {
            "cross": rate_text(VIP[0][1]),
            "add": rate_text(VIP[0][0]),
            "spotCross": rate_text(spot_cross),
            "spotAdd": rate_text(spot_add),
            "tiers": {"vip": _vip_rows(), "mm": _rebate_rows()},
            "referralDiscount": _share(REFERRAL_1E4),
            "stakingDiscountTiers": [_staking_row(0, 0), *(_staking_row(*tier) for tier in STAKING)],
        },
        "userCrossRate": _rate(standing, standing.tier.taker_1e6),
        "userAddRate": _rate(standing, standing.tier.maker_1e6),
        "userSpotCrossRate": _rate(standing, spot_cross),
        "userSpotAddRate": _rate(standing, spot_add),
        "activeReferralDiscount": _share(standing.referral_1e4(user.volume_1e8)),
        "trial": None,
        "feeTrialEscrow": "0.0",  # as the wire of 2026 has it; the documented example still says feeTrialReward
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": _active_staking(standing),
    }


def _rate(standing: Standing, rate_1e6: int) -> str:
    """A rate less the staking discount; rebates know none."""
    kept = WHOLE_1E4 - standing.staking_1e4 if rate_1e6 > 0 else WHOLE_1E4
    return wire_text(rate_1e6 * kept, 10)


def _share(share_1e4: int) -> str:
    return wire_text(share_1e4, 4)


def _day(state: VenueState, standing: Standing, day: int) -> dict[str, str]:
    taken, made = standing.volume.taken.get(day, 0), standing.volume.made.get(day, 0)
    return {
        "date": date.fromordinal(EPOCH_DAY + day).isoformat(),
        "userCross": usd_text(taken),
        "userAdd": usd_text(made),
        "exchange": usd_text(state.exchange.made.get(day, 0)),
    }


def _staking_row(hype: int, discount_1e4: int) -> dict[str, str]:
    return {"bpsOfMaxSupply": wire_text(hype * 10**8 // HYPE_PER_BPS, 8), "discount": _share(discount_1e4)}


def _active_staking(standing: Standing) -> dict[str, str]:
    bps = wire_text(round(standing.staked_hype * 10**8 / HYPE_PER_BPS), 8)
    return {"bpsOfMaxSupply": bps, "discount": _share(standing.staking_1e4)}


def _vip_rows() -> list[dict[str, str]]:
    return [
        {
            "ntlCutoff": f"{cutoff}.0",
            "cross": rate_text(taker),
            "add": rate_text(maker),
            "spotCross": rate_text(spot[1]),
            "spotAdd": rate_text(spot[0]),
        }
        for cutoff, (maker, taker), spot in zip(VIP_ABOVE_USD, VIP[1:], SPOT_RATES[1:], strict=True)
    ]


def _rebate_rows() -> list[dict[str, str]]:
    return [
        {"makerFractionCutoff": _share(cutoff), "add": rate_text(rate)}
        for cutoff, rate in zip(REBATE_ABOVE_1E4, REBATES, strict=True)
    ]
