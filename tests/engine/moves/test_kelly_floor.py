"""The Kelly floor of gamma: only the equity that the account says differs, and so do the orders (D4, D6).

By default the risk budget is stricter by two powers of ten, so the floor is seen where the inventory that is allowed is
large beside what the market fills.
"""

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import attribution as at
from portfolio_mm.engine import quoting
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models import risk_aversion
from tests.engine.tape import MS, Bench, S, allocation, event, keys, running

WIDE = Tuning(levels=1, max_position_usd=1_000_000.0)
INVENTORY_USD = 20_000.0
"""Standard deviation of inventory that is within the risk budget: it alone would hardly lean a quote at all."""


def leaning(equity_usd: float) -> Bench:
    """100,000 USD long without an allocation, on an account of this equity."""
    bench, now_ns = running(WIDE)
    bench.params["inventory_sd_usd"] = INVENTORY_USD
    bench.hear(allocation(now_ns, 2, px2=1_000_000.0, oid=MS))
    bench.hear(event(EventKind.ACCOUNT, now_ns + 2 * MS, px=equity_usd, px2=1e6, sz=-0.3, sz2=4.5))
    bench.hear(event(EventKind.POSITION, now_ns + 3 * MS, coin=0, sz_lots=50_000, px_ticks=2_000_000))
    bench.quiet_book(4.0, now_ns + S)
    return bench


def test_a_small_account_leans_by_its_floor() -> None:
    small, large = leaning(10_000.0), leaning(1e9)
    assert keys(small.commands) != keys(large.commands)
    floors = [risk_aversion.kelly_floor(equity, float(small.params["kelly_share"][0])) for equity in (10_000.0, 1e9)]
    gammas = [quoting.risk_gamma(bench.state[0], bench.params[0]) for bench in (small, large)]
    assert gammas[0] == floors[0] > gammas[1] > floors[1]
    leans = [abs(float(bench.st["quote"]["items_bps"][0, at.OWN])) for bench in (small, large)]
    assert leans[0] > 2.0 * leans[1]
