"""What `portfolio-mm status` says of money and moods."""

import msgspec
from rich.console import Console

from portfolio_mm.actors.signals_report import SignalReport, SignalsReport
from portfolio_mm.actors.view_rows import PotView, ReferenceView
from portfolio_mm.cli.table import draw
from tests.actors.sample import view


def drawn(**changes: object) -> str:
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as caught:
        console.print(draw(msgspec.structs.replace(view(), **changes)))
    return caught.get()


def test_status_says_how_far_liquidation_is_and_what_the_venue_leaves() -> None:
    pots = (
        PotView("perps", ("AAA",), 1_000.0, 500.0, 250.0, 750.0, 0.75, 0.0612, (("AAA", 0.125), ("BBB", 0.0801))),
        PotView("isolated xyz:TSLA", ("xyz:TSLA",), 50.0, 0.0, 5.0, 45.0, 0.9, 10.0, (("xyz:TSLA", 10.0),)),
        PotView("dex flx", (), 5.0, 5.0, 0.0, 5.0, 1.0, 10.0, ()),
    )
    text = drawn(pots=pots, notices=("BTC: halted by its deployer",))
    assert "perps: 750.00 USD above maintenance (75.0% of equity)" in text
    assert "if all coins move 6.1% against it, or BBB alone 8.0%" in text
    assert "xyz:TSLA alone further than prices go" in text
    assert "dex flx" not in text, "nothing can be liquidated there"
    assert "BTC: halted by its deployer" in text
    assert "liquidation" not in drawn()


NAN = float("nan")


def signal(name: str, usd_per_h: float, reach: float, *, acts: bool = True, weight: float = NAN) -> SignalReport:
    bounds = {"low_usd_per_h": usd_per_h - reach, "usd_per_h": usd_per_h, "high_usd_per_h": usd_per_h + reach}
    scored = {"weight": weight, "skill": 0.1, "skill_se": 0.02, "skill_blocks": 40}
    return SignalReport(name, acts, off_now=False, **scored, **bounds, blocks=64, without=90, bans=int(not acts))  # type: ignore[arg-type]


def test_status_says_what_signals_earn_and_which_are_off() -> None:
    first = SignalsReport((signal("book", 0.3, 0.3, weight=0.5), signal("flow", -1.0, 0.5, acts=False)))
    second = SignalsReport(
        (signal("book", 0.5, 0.4), signal("flow", NAN, NAN)),
        constant_features=("spread_bps",),
        unknown_features=("basis_bps", "kyle_bps"),
    )
    coins = tuple(
        msgspec.structs.replace(coin, experiment=each) for coin, each in zip(view().coins, (first, second), strict=True)
    )
    text = drawn(coins=coins)
    book, flow = (
        next(line.split() for line in text.splitlines() if line.startswith(name)) for name in ("book", "flow")
    )
    assert book == ["book", "2/2", "0.50", "+0.800", "+0.300", "..", "+1.300", "64"]
    assert flow == ["flow", "1/2", "-", "-1.000", "-1.500", "..", "-0.500", "(1", "of", "2", "coins)", "64", "BTC"]
    assert "ETH: features the same in every decision: spread_bps" in text
    assert "ETH: features never known: basis_bps, kyle_bps" in text
    assert "insufficient" in drawn(coins=(msgspec.structs.replace(coins[1]),) * 2)
    assert "acts in" not in drawn(), "a gateway of before says nothing of signals"


def test_status_says_where_each_coins_reference_stands() -> None:
    wrong = "1000PEPEUSDT trades at 1000 times our price (allowed 0.99 to 1.01); correct reference.symbols"
    coins = view().coins
    told = [
        msgspec.structs.replace(coins[0], reference=ReferenceView("BTCUSDT", "ok", 0.12, 1.0002, "")),
        msgspec.structs.replace(
            coins[0], coin="kPEPE", reference=ReferenceView("1000PEPEUSDT", "wrong map", text=wrong)
        ),
    ]
    text = drawn(coins=tuple(told))
    assert "reference: BTC 0.1 s, kPEPE wrong map" in text
    assert f"reference of kPEPE: {wrong}" in text
    assert "reference" not in drawn(), "a run that has none"
