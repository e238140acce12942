"""Builder fees: who may charge a user how much, and whether an order may carry one (HL §2.2, §2.9, §10.3)."""

from typing import Any, Final

from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import parse_decimal
from portfolio_mm.venue.protocol.builders import ApproveBuilderFee, Builder
from portfolio_mm.venue.state import VenueState

MAX_BUILDERS: Final = 10
MAX_PERPS: Final = 100
MAX_SPOT: Final = 1000
"""Largest rates, tenths of a basis point: 0.1 % on perps, 1 % on spot."""
BUILDER_BALANCE_1E8: Final = 100 * USD_1E8
NOT_APPROVED: Final = "Builder fee has not been approved."
"""Also of a fee above the approved one."""
TOO_POOR: Final = "Builder has insufficient balance to be approved."
BAD_RATE: Final = "Invalid builder fee rate."
"""Ours, like the next one."""
TOO_MANY: Final = "Too many approved builders."
RATE_DECIMALS: Final = 3
"""A thousandth of a percent is a tenth of a basis point."""


def approve(state: VenueState, user: User, action: ApproveBuilderFee) -> str | None:
    """Approve, change or take back; the refusal text, or None when done."""
    rate = _rate(action.max_fee_rate)
    if rate is None or not 0 <= rate <= MAX_SPOT:
        return BAD_RATE
    address = action.builder.lower()
    if rate == 0:
        user.builders.pop(address, None)
        return None
    builder = state.by_address.get(address)
    if builder is None or margin.perps_value_1e8(builder, state.marks) < BUILDER_BALANCE_1E8:
        return TOO_POOR
    if address not in user.builders and len(user.builders) >= MAX_BUILDERS:
        return TOO_MANY
    user.builders[address] = rate
    return None


def _rate(text: str) -> int | None:
    """Tenths of a basis point of a percentage; None when it is none, or finer."""
    try:
        return parse_decimal(text[:-1], RATE_DECIMALS) if text.endswith("%") else None
    except ValueError:
        return None


def fault(user: User, builder: Builder | None) -> str | None:
    """Why a batch with a builder is refused whole. A sub-account has its master's approvals, a vault none."""
    if builder is None:
        return None
    approved = (user.master or user).builders.get(builder.b.lower(), 0)  # a fee of nothing needs no approval
    return None if builder.f <= min(approved, MAX_PERPS) else NOT_APPROVED


def max_fee(user: User, builder: str) -> int:
    """Reply to `maxBuilderFee`, tenths of a basis point."""
    return user.builders.get(builder.lower(), 0)


def approved(user: User) -> list[Any]:
    """Reply to `approvedBuilders`."""
    return list(user.builders)
