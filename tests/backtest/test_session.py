"""Sessions in virtual time: the venue's word about orders and money, no clock but the block's, the same bytes again."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.backtest.coin_run import CoinRun
from portfolio_mm.backtest.journals import replay_journals
from portfolio_mm.backtest.portfolio import PlainPortfolio
from portfolio_mm.backtest.result import SessionResult
from portfolio_mm.backtest.runner import Wanted, plan_of, play
from portfolio_mm.backtest.timeline import Line, Timeline
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.units import SIGN
from portfolio_mm.engine.attribution import ITEM_COUNT
from portfolio_mm.settings.load import load
from portfolio_mm.storage.journal import Journal
from portfolio_mm.venue.delays import Constant, Latency, Lognormal
from portfolio_mm.venue.faults.events import Disconnect, Sweep
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.settings import VenueSettings
from tests.backtest.sessions import SCENARIOS, played, quiet, session_of

COINS = ("SOL", "ETH")
PLAIN = VenueSettings(coins=COINS, accounts=1, ip_limit=False, seed=3)
LIMIT_USD = 2_000.0


@pytest.fixture(scope="module")
def plain() -> SessionResult:
    return played(PLAIN, COINS, 60.0)


def test_the_same_seed_gives_the_same_bytes(plain: SessionResult) -> None:
    again, other = played(PLAIN, COINS, 60.0), played(VenueSettings(coins=COINS, accounts=1, seed=4), COINS, 20.0)
    for one, two in zip(plain.coins, again.coins, strict=True):
        assert one.state.tobytes() == two.state.tobytes()
        for notes in ("samples", "mids", "fills", "orders", "forecasts", "ended"):
            assert getattr(one, notes).tobytes() == getattr(two, notes).tobytes()
    assert other.coins[0].mids[:20].tobytes() != plain.coins[0].mids[:20].tobytes()


def test_coins_quote_and_are_filled(plain: SessionResult) -> None:
    for coin in plain.coins:
        assert coin.samples["quoting"][20:].mean() > 0.8
        assert len(coin.fills) > 0
        assert len(coin.samples) == 60


def test_the_items_of_every_second_sum_to_the_distance(plain: SessionResult) -> None:
    for coin in plain.coins:
        rows = coin.samples[coin.samples["quoting"].all(1)]
        assert rows["items_bps"].shape[1:] == (2, ITEM_COUNT)
        shift = (rows["fair_px"] / rows["mid_px"] - 1.0) * 1e4
        from_mid = rows["items_bps"][:, :, :-1].sum(2)
        from_fair = from_mid + shift[:, None] * np.array([1.0, -1.0])
        np.testing.assert_allclose(from_fair, rows["distance_bps"], atol=2e-3)


def test_positions_are_the_venues() -> None:
    session = session_of(PLAIN, COINS)
    result = session.run(60.0)
    user = session.venue.state.by_address[session._user]
    for place, coin in enumerate(result.coins):
        instrument = session.instruments[place]
        ours = sum(SIGN[int(row["side"])] * int(row["lots"]) for row in coin.fills)
        venue = next(one for one in session.venue.state.coins if one.coin == instrument.coin)
        assert user.szi(venue.index) == ours == session.gateway.ledger.positions[place].szi_lots
        assert int(coin.state["account"]["lots"][0, place]) == ours


def test_no_position_beyond_the_limit(plain: SessionResult) -> None:
    for coin in plain.coins:
        assert np.abs(coin.samples["position_usd"]).max() < LIMIT_USD


def test_an_order_arrives_after_its_delay() -> None:
    slow = VenueSettings(coins=COINS, accounts=1, seed=3, latency=Latency(entry=Constant(2_000.0)))
    session = session_of(slow, COINS)
    session.run(12.0)
    user = session.venue.state.by_address[session._user]
    first_ms = min(order.placed_ms for order in user.records.values())
    sent = min(int(coin.orders["snap"]["placed_ns"].min()) for coin in map(_noted, session.runs) if len(coin.orders))
    assert 2_000 <= first_ms - sent // 1_000_000 <= 2_200


def _noted(run: CoinRun) -> Any:
    from portfolio_mm.backtest.result import CoinResult  # noqa: PLC0415 - beside its only use

    return CoinResult.of(run)


def test_frames_of_a_line_keep_their_order() -> None:
    line = Line(1, "market", Lognormal(20.0, 400.0))
    times = [line.arrival_ns(at * 10_000_000) for at in range(200)]
    assert times == sorted(times)
    free = [Line(1, "entry", Lognormal(20.0, 400.0)).arrival_ns(0, in_order=False) for _ in range(3)]
    assert len(set(free)) == 1  # seeded


def test_what_arrives_together_arrives_in_the_order_it_was_sent() -> None:
    timeline, chance = Timeline(), random.Random(1)
    for number in range(300):
        timeline.add(chance.randrange(10), "x", number)
    seen = [(one.due_ns, one.what) for one in timeline.until(10)]
    assert seen == sorted(seen)
    assert len(seen) == 300


def test_a_cut_of_connections_pulls_the_quotes_for_a_moment() -> None:
    def cancels(settings: VenueSettings) -> int:
        return sum(int(coin.state["counters"]["safety"][0]) for coin in played(settings, COINS, 20.0).coins)

    cut = VenueSettings(coins=COINS, accounts=1, seed=3, events=(Disconnect(at_s=15.0),))
    assert cancels(cut) > cancels(PLAIN)


def test_a_sweep_of_the_scenario_happens() -> None:
    swept = VenueSettings(coins=COINS, accounts=1, seed=3, events=(Sweep(at_s=10.0, coin="SOL", usd=2e6, side="sell"),))
    lowest = []
    for one in (swept, PLAIN):
        prints = played(one, COINS, 12.0).coins[0].prints
        lowest.append(prints["px"][prints["side"] == 0].min())
    assert lowest[0] < lowest[1] * (1.0 - 5e-4)


def test_what_cannot_happen_is_told() -> None:
    lost = VenueSettings(coins=COINS, accounts=1, events=(Sweep(at_s=1.0, coin="XRP"),))
    assert played(lost, COINS, 3.0).happened_not == ("XRP is not listed",)


def test_the_leading_market_is_heard() -> None:
    led = VenueSettings(coins=COINS, accounts=1, reference=ReferenceSettings())
    for coin in played(led, COINS, 5.0).coins:
        heard, refused = coin.state["counters"]["heard"][0], coin.state["counters"]["refused"][0]
        assert heard[EventKind.REFERENCE] >= 40
        assert heard[EventKind.REFERENCE_TRADE] > 0
        assert refused.sum() == 0


def test_followers_hear_their_leader(plain: SessionResult) -> None:
    leader, follower = (coin.state["counters"]["heard"][0, EventKind.LEADER] for coin in plain.coins)
    assert leader == 0
    assert follower > 50


def test_leads_come_with_the_allocation_once_they_are_proven() -> None:
    coins = session_of(PLAIN, COINS).instruments
    portfolio, rng = PlainPortfolio(plan_of(None, COINS, COINS), coins), np.random.default_rng(3)
    moves = np.cumsum(rng.normal(0.0, 2e-5, 6_000))
    late = np.concatenate([np.zeros(5), moves[:-5]]) + np.cumsum(rng.normal(0.0, 1e-5, 6_000))
    row = np.zeros(1, EVENT)
    for at, pair in enumerate(zip(moves, late, strict=True)):
        for coin, move in enumerate(pair):
            row["coin"], row["venue_ms"] = coin, 1_790_000_000_000 + 100 * at
            row["bid_px"][0, 0], row["ask_px"][0, 0] = 99.99 * np.exp(move), 100.01 * np.exp(move)
            portfolio.observe(row[0])
        if at % 50 == 0:
            portfolio.allocate(at * 100_000_000)
    rows = portfolio.rows(coins[1], 600_000_000_000)
    assert rows["kind"].tolist() == [EventKind.LEAD, EventKind.ALLOCATION]
    assert rows["coin"][0] == 0
    assert 0.5 < rows["px"][0] < 1.3
    assert portfolio.rows(coins[0], 600_000_000_000)["kind"].tolist() == [EventKind.ALLOCATION]


def test_a_dex_is_traded_with_unified_money() -> None:
    result = play(Wanted(scenario=SCENARIOS / "hip3.yaml", coins=("SOL", "xyz:TSLA"), seconds=30.0, twin=False), quiet)[
        0
    ]
    assert [coin.coin for coin in result.coins] == ["SOL", "xyz:TSLA"]
    assert all(len(coin.orders) for coin in result.coins)


def test_after_the_venue_settled_a_position_the_account_is_read_and_coins_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    halted = (SCENARIOS / "hip3.yaml").read_text().replace("at_s: 600}", "at_s: 40}").replace("at_s: 660", "at_s: 45")
    scenario = tmp_path / "halted.yaml"
    scenario.write_text(halted)
    result = play(Wanted(scenario=scenario, coins=("SOL", "xyz:TSLA"), seconds=70.0, twin=False), quiet)[0]
    assert "settled a position of ours" in caplog.text
    assert result.refused.get("RECONCILING", 0) < 10, "a second's worth, not all that was wished after it"


def test_a_journal_of_a_session_gives_the_same_state(tmp_path: Path) -> None:
    """What a coin heard, written as its actor writes it and heard again, ends in the same bytes."""
    session = session_of(PLAIN, COINS)
    journals = [Journal(tmp_path, f"coin-{one.coin}", EVENT, segment_bytes=1 << 20) for one in session.instruments]
    for run, journal in zip(session.runs, journals, strict=True):
        run.hear = _written(run, journal)  # type: ignore[method-assign]
    result = session.run(30.0)
    for journal in journals:
        journal.close()
    again = replay_journals(tmp_path, load(None, {"coins.names": list(COINS)}).plan(), Wanted(), quiet)
    assert [coin.coin for coin in again.coins] == sorted(COINS)
    by_name = {coin.coin: coin for coin in again.coins}
    for coin in result.coins:
        assert by_name[coin.coin].state.tobytes() == coin.state.tobytes()
        assert by_name[coin.coin].samples.tobytes() == coin.samples.tobytes()


def _written(run: CoinRun, journal: Journal) -> Any:
    hear = run.hear

    def both(events: Any, at: int, kind: int) -> Any:
        journal.append(np.ascontiguousarray(events[at : at + 1]))
        return hear(events, at, kind)

    return both


def test_journals_that_are_not_there_are_named(tmp_path: Path) -> None:
    plan = load(None).plan()
    with pytest.raises(ConfigurationError, match="holds no journal of a coin"):
        replay_journals(tmp_path, plan, Wanted(), quiet)
    Journal(tmp_path, "coin-BTC", EVENT, segment_bytes=1 << 20).close()
    with pytest.raises(ConfigurationError, match="holds no journal of SOL; it has BTC"):
        replay_journals(tmp_path, plan, Wanted(coins=("SOL",)), quiet)


def test_every_order_noted_was_asked_for(plain: SessionResult) -> None:
    for coin in plain.coins:
        counters = coin.state["counters"][0]
        assert len(coin.orders) == counters["placed"] + counters["modified"]
        assert (coin.orders["snap"]["mid_px"] > 0.0).all()
