"""What is looked at in most moments instead of the gain of moving an order: a bound that leaves no gain out."""

import numpy as np

from portfolio_mm.engine import reconcile
from portfolio_mm.engine.tuning import REQUEST_PRICE_USD
from tests.engine.tape import STEP, running

PRICES_USD = (0.02 * REQUEST_PRICE_USD, REQUEST_PRICE_USD, 5.0 * REQUEST_PRICE_USD)


def test_no_move_that_pays_is_settled() -> None:
    """Prices up to 20 ticks either way, sizes from a tenth to all, rates and volatility over three decades."""
    coin, _ = running()
    st, p, rng = coin.st, coin.params[0], np.random.default_rng(4)
    quote, leg = st["quote"], st["orders"]["slots"][0, 0]["leg"][0]
    assert coin.resting(0)
    paid, settled = 0, 0
    for _ in range(2_000):
        quote["px_ticks"][0, 0] = leg["px_ticks"] + int(rng.integers(-20, 21)) * STEP
        quote["lots"][0, 0] = leg["lots"] if rng.random() < 0.5 else max(1, int(leg["lots"] * rng.uniform(0.1, 1.0)))
        quote["rate_per_s"][0], quote["k_per_bps"][0] = 10.0 ** rng.uniform(-3.0, 0.0), 10.0 ** rng.uniform(-1.0, 0.5)
        quote["sigma_bps"] = 10.0 ** rng.uniform(-1.0, 1.0)
        price_usd = float(rng.choice(PRICES_USD))
        gain_usd = reconcile._move_gain(st, p, 0, 0, float(quote["k_per_bps"][0]), price_usd)
        bound_usd = reconcile._gain_bound(st, p, 0, 0, price_usd)
        paid += gain_usd > price_usd
        settled += bound_usd <= price_usd
        assert gain_usd <= price_usd or bound_usd > price_usd
    assert paid > 200
    assert settled > 200
