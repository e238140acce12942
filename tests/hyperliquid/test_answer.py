"""Answers to actions, leg by leg, in every documented and recorded shape (HL §2.1, §2.2)."""

from typing import Any

import pytest

from portfolio_mm.domain.errors import OutcomeUnknown
from portfolio_mm.domain.order import Refusal
from portfolio_mm.hyperliquid.answer import Leg, LegState, read_legs


def statuses(*entries: Any) -> Any:
    return {"status": "ok", "response": {"type": "order", "data": {"statuses": list(entries)}}}


def test_each_status_has_its_leg() -> None:
    legs, error = read_legs(
        statuses(
            {"resting": {"oid": 41569108691, "cloid": "0x285ad26a251f390c83d065af51e3f8d9"}},
            {"filled": {"totalSz": "0.02", "avgPx": "1891.4", "oid": 77747314}},
            {"error": "Order must have minimum value of $10. asset=173"},
            "success",
            "waitingForTrigger",
        ),
        5,
    )
    assert error == ""
    assert legs == (
        Leg(LegState.RESTING, oid=41569108691),
        Leg(LegState.FILLED, oid=77747314, total_sz="0.02", avg_px="1891.4"),
        Leg(LegState.ERROR, error="Order must have minimum value of $10. asset=173"),
        Leg(LegState.SUCCESS),
        Leg(LegState.WAITING),
    )
    assert [leg.refusal for leg in legs[:3]] == [Refusal.NONE, Refusal.NONE, Refusal.MIN_NOTIONAL]


def test_one_error_for_a_whole_batch_is_every_legs_error() -> None:
    legs, error = read_legs(statuses({"error": "Price must be divisible by tick size."}), 3)
    assert legs == (Leg(LegState.ERROR, error="Price must be divisible by tick size."),) * 3
    assert error == "Price must be divisible by tick size."
    legs, error = read_legs({"status": "err", "response": "Signed action over weight limit of 200."}, 2)
    assert [leg.error for leg in legs] == [error] * 2


def test_default_answers_are_success() -> None:
    assert read_legs({"status": "ok", "response": {"type": "default"}}, 1) == ((Leg(LegState.SUCCESS),), "")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        "ok",
        {"status": "ok"},
        {"status": "new"},
        statuses("success"),
        statuses("success", "success", "success"),
        statuses({"resting": {}}, "success"),
        statuses({"error": "x"}, {"unknown": 1}),
    ],
)
def test_what_cannot_be_read_may_have_happened(payload: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        read_legs(payload, 2)
