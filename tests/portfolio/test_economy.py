"""What the action price does to a whole account: minutes of trading in a synthetic market, in process and seeded."""

import msgspec
import pytest

from portfolio_mm.settings.load import load
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic_params import DEFAULT_COINS, synthetic_params
from tests.portfolio.economy import DAY_CAP, Economy

SETTLE_S = 120.0
WATCHED_S = 240.0


def trade(
    *, unified: bool, seed: int = 7, thin: str = "", settle_s: float = SETTLE_S
) -> tuple[Economy, dict[str, float]]:
    """Six coins from the first second of a UTC day; shares of two-sided time after `settle_s`, by coin.

    On a coin that is `thin` market orders are rare, small, and seldom reach beyond a maker's fee.
    """
    params = synthetic_params(DEFAULT_COINS, seed)
    rarely = {"market_rate": 0.2, "kappa_per_bps": 3.0, "market_usd": 2_000.0}
    coins = tuple(msgspec.structs.replace(each, **rarely) if each.coin == thin else each for each in params.coins)
    flow = SyntheticFlow(msgspec.structs.replace(params, coins=coins))
    economy = Economy(flow, load(None).plan(), unified=unified)
    economy.run(settle_s)
    before = {desk.instrument.coin: economy.two_sided_s(desk) for desk in economy.desks}
    economy.run(WATCHED_S)
    after = {desk.instrument.coin: economy.two_sided_s(desk) for desk in economy.desks}
    return economy, {coin: (after[coin] - before[coin]) / WATCHED_S for coin in after}


@pytest.mark.parametrize("seed", [7, 11])
def test_half_an_action_a_second_keeps_quotes_resting_and_is_spent(seed: int) -> None:
    """After ten minutes: the first orders cost more than their share, and the price then comes down by and by."""
    economy, two_sided = trade(unified=True, seed=seed, settle_s=600.0)
    allowed_per_s = DAY_CAP / 86_400.0
    assert 0.55 * allowed_per_s < economy.rate_per_s(WATCHED_S) < 1.05 * allowed_per_s
    for coin in ("SOL", "XRP", "DOGE", "HYPE"):
        assert two_sided[coin] > 0.85, (coin, two_sided, economy.silence())
    settled = economy.prices[-int(WATCHED_S / economy.plan.portfolio.every_s) :]
    assert max(settled) < 2.5 * min(settled)
    assert economy.fills > 20


def test_plenty_of_actions_are_nearly_free() -> None:
    economy, two_sided = trade(unified=False)
    assert max(economy.prices[5:]) < 1e-4
    assert min(two_sided.values()) > 0.7, (two_sided, economy.silence())


def test_a_coin_too_thin_for_the_price_says_so_and_leaves_its_actions_to_others() -> None:
    economy, two_sided = trade(unified=True, thin="BTC")
    silence = economy.silence()["BTC"]
    assert two_sided["BTC"] < 0.1
    assert silence.most_common(1)[0][0] == "CANNOT_PAY"
