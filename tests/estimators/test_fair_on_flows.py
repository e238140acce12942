"""Fair value beside the venue's own synthetic market, whose reference is ahead by a known time, and beside its twin."""

import msgspec
import numpy as np
import pytest

from portfolio_mm.models import fair_row as row
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from tests.estimators.feeds import Floats
from tests.estimators.planted import Parts, silence

MINUTES = 7.0
COIN = "ETH"


def heard(lead_ms: int, *, twin: bool, seed: int = 3) -> tuple[Floats, Floats, Floats]:
    """Own rows (mid, bid_sz, ask_sz), the reference's, and signed volume, two rows a block of 100 ms."""
    params = msgspec.structs.replace(synthetic_params((COIN,), seed=seed), reference_lead_ms=lead_ms, twin=twin)
    flow = SyntheticFlow(params)
    n = int(MINUTES * 600)
    own, there, volume = np.full((2 * n, 3), np.nan), np.full((2 * n, 3), np.nan), np.zeros(2 * n)
    for i in range(n):
        block = flow.advance(flow.next_ms())
        (bid,), (ask,) = flow.markets()[COIN].levels(1)
        own[2 * i : 2 * i + 2] = (0.5 * (bid.px_ticks + ask.px_ticks), bid.sz_lots, ask.sz_lots)
        there[2 * i] = (flow.reference_px(COIN), 1.0, 1.0)
        for coin in block.coins:
            for print_ in coin.prints:
                volume[2 * i + print_.aggressor_side] += (1.0 - 2.0 * print_.aggressor_side) * print_.sz_lots
    own[:, 0] *= there[0, 0] / own[0, 0]
    return own, there, volume


@pytest.mark.parametrize("twin", [False, True])
def test_the_venues_reference_is_found_and_its_twins_too(twin: bool) -> None:  # noqa: FBT001 - a case
    own, there, volume = heard(500, twin=twin)
    parts = Parts()
    weights = parts.hear(own, there, silence(len(own)), volume)
    fair = parts.fair[0]
    assert weights[-1, row.REFERENCE] > 0.5
    assert fair["skill"]["skill"][row.REFERENCE] > 2.0 * fair["skill"]["skill_se"][row.REFERENCE]
    assert fair["slopes"][row.REFERENCE, row.GAP] + fair["slopes"][row.REFERENCE, row.MOVE] > 0.1
