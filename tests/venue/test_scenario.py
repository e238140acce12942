"""A run of the venue as a file: what it says is what runs, and what is wrong with it is said at once."""

import contextlib
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.__main__ import main, parse
from portfolio_mm.venue.clearinghouse.tiers import tiers
from portfolio_mm.venue.delays import Constant, Latency, Lognormal, Quantiles
from portfolio_mm.venue.faults.events import Sweep
from portfolio_mm.venue.faults.kinds import Drop
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.protocol.actions import Cancel, Order
from portfolio_mm.venue.scenario.file import load_scenario, scenario_text
from portfolio_mm.venue.settings import AccountOverride, FeeTierName, VenueSettings, market_params
from scripts.scenario import TARGET, page_text
from tests.venue.bench_chain import Bench, leg
from tests.venue.served import client, served

FOLDER = Path(__file__).parents[2] / "examples" / "scenarios"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.yaml"))
CALM = (FOLDER / "calm.yaml").read_text()

WRONG = """\
title: wrong
market:
  coins: [BTC, NOPE]
  sped: 3
time:
  block_ms: 1
  latency: {feed: {kind: lognormal, median_ms: 5, p99_ms: 4}}
accounts:
  mode: classic
  overrides:
    - {account: 3}
faults:
  - kind: dorp
  - {kind: drop, rate: 2}
events:
  - {kind: delist}
  - {kind: mode_flip, account: 2, mode: unified, mode: standard}
server: 3001
"""
SAID = """\
wrong.yaml has 11 faults:
  wrong.yaml:3: market.coins is refused: no synthetic flow for NOPE; choose among BTC, ETH, SOL,
  wrong.yaml:4: market.sped is not a key of market (did you mean speed?); keys: coins, dexes, seed, speed,
  wrong.yaml:6: time.block_ms is 1, must be a whole number from 5 to 10000
  wrong.yaml:7: time.latency.feed.p99_ms is 4, must be at least median_ms (5)
  wrong.yaml:9: accounts.mode is 'classic', must be one of dex, portfolio, standard, unified
  wrong.yaml:10: accounts.overrides names account 3; name each of the 2 at most once
  wrong.yaml:13: faults.0.kind is 'dorp', must be drop, delay, duplicate, reorder, truncate, stall,
  wrong.yaml:14: faults.1.rate is 2, must be a number from 0 to 1
  wrong.yaml:16: events.0.coin is missing, must be text
  wrong.yaml:17: events.1.mode was already given on line 17; keep one of them
  wrong.yaml:18: server is 3001, must be a mapping of its keys
"""


def test_a_bad_file_says_all_that_is_wrong_with_line_key_and_what_is_allowed() -> None:
    with pytest.raises(ConfigurationError) as refused:
        scenario_text(WRONG, "wrong.yaml")
    lines = str(refused.value).splitlines()
    assert len(lines) == len(SAID.splitlines())
    assert [line for line, start in zip(lines, SAID.splitlines(), strict=True) if not line.startswith(start)] == []


def test_a_bad_file_ends_the_program_with_four(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("time: {block_ms: soon}\n")
    assert main(["--scenario", str(bad)]) == 4
    said = capsys.readouterr()
    assert f"{bad}:1: time.block_ms is 'soon', must be a whole number from 5 to 10000" in said.err
    assert (said.out, "Traceback" in said.err) == ("", False)


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "a: &a [*a]", "\0", "x: 2026-99-99", "5", "a: " + "[" * 3000])
def test_what_is_no_scenario_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        scenario_text(text)


@given(st.integers(0, len(CALM)), st.integers(0, 12), st.text(" \n:-[]{}&*!#'\"0aé.", max_size=6))
def test_a_damaged_file_is_read_or_refused(at: int, gone: int, put: str) -> None:
    text = CALM[:at] + put + CALM[at + gone :]
    with contextlib.suppress(ConfigurationError):
        assert isinstance(scenario_text(text), VenueSettings)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yaml does not exist"):
        load_scenario(tmp_path / "gone.yaml")


def test_what_a_file_says_is_what_the_venue_gets() -> None:
    read = scenario_text(
        "market: {coins: [ETH], seed: 9}\n"
        "accounts: {count: 3, overrides: [{account: 2, mode: unified}]}\n"
        "rules: {reply_order: reply_first}\n"
        "time: {latency: {taker: {kind: constant, ms: 1e2}}}\n"
        "events: [{kind: sweep, coin: ETH, usd: 5, at_s: 2}]\n"
        "faults: [{kind: drop, channel: bbo, rate: 0.5}]\n"
    )
    assert (read.coins, read.seed, read.accounts, read.reply_order) == (("ETH",), 9, 3, "reply_first")
    assert read.account_overrides == (AccountOverride(2, mode="unified"),)
    assert read.latency.taker == Constant(100.0)
    assert read.events == (Sweep(coin="ETH", usd=5.0, at_s=2.0),)
    assert read.faults == (Drop(channel="bbo", rate=0.5),)


def test_a_word_of_before_is_refused_with_those_of_now() -> None:
    with pytest.raises(
        ConfigurationError, match="reply_order is 'turns', must be one of drawn, events_first, reply_first"
    ):
        scenario_text("rules: {reply_order: turns}\n")


def test_an_empty_file_is_the_defaults() -> None:
    assert scenario_text("") == VenueSettings()


def test_the_command_line_wins_over_the_file() -> None:
    settings = parse(["--scenario", str(FOLDER / "calm.yaml"), "--seed", "7", "--coins", "ETH", "--no-ip-limit"])
    assert (settings.seed, settings.coins, settings.ip_limit, settings.deposit_usd) == (7, ("ETH",), False, 10_000.0)


def test_a_tape_is_meant_from_the_folder_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "tape.yaml").write_text("market: {tape: ws.jsonl}")
    assert load_scenario(tmp_path / "tape.yaml").tape == str(tmp_path / "ws.jsonl")


def test_single_accounts_have_what_is_their_own() -> None:
    bench = Bench(account_overrides=(AccountOverride(2, deposit_usd=5.0, mode="unified", fee_tier="vip1"),))
    assert (bench.alice.raw_1e8, bench.bob.raw_1e8, bench.bob.spot_1e8) == (10**12, 0, 5 * 10**8)
    assert (bench.alice.tier.name, bench.bob.tier.name) == ("base", "vip1")


async def test_what_is_true_of_a_synthetic_market_is_written_beside_the_run(tmp_path: Path) -> None:
    settings = scenario_text(f"market: {{coins: [ETH], truth_folder: {tmp_path / 'truth'}}}")
    async with running_venue(settings):
        assert "ETH" in (tmp_path / "truth" / "truth.json").read_text()
    with pytest.raises(ConfigurationError, match=r"scenario:1: market\.truth_folder goes with synthetic flow only"):
        scenario_text("market: {tape: x, truth_folder: y}")


def test_fee_tiers_by_name_are_all_there_are() -> None:
    assert get_args(FeeTierName) == tuple(tiers())


def test_the_reference_in_the_docs_is_what_may_be_written() -> None:
    assert TARGET.read_text(encoding="utf-8") == page_text()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_scenario_can_be_traded_with_the_official_sdk(name: str) -> None:
    with served(load_scenario(FOLDER / name)) as running, client(running) as sdk:
        coin = running.coins[0]
        before = running.venue.blocks
        px = sdk.touch(coin)[0]
        size = {"WLFI": 500}.get(coin, 0.01)
        reply = sdk.buy(coin, size, px, {"limit": {"tif": "Alo"}})
        assert reply["status"] == "ok"
        assert sdk.info.user_state(sdk.address)["marginSummary"]["accountValue"] != "0.0"
        assert running.venue.blocks > before


def test_the_twin_has_other_laws_and_the_same_means() -> None:
    settings = load_scenario(FOLDER / "twin.yaml")
    assert settings.synthetic is not None
    plain = msgspec.structs.replace(settings.synthetic, twin=False)
    flows = [
        SyntheticFlow(market_params(given, settings.coins, settings.seed)) for given in (settings.synthetic, plain)
    ]
    twin, other = (flow.truth() for flow in flows)
    assert (twin["twin"], other["twin"]) == (True, False)
    for made, laws in (
        (twin, ("power", "power", "ageing", 0.3)),
        (other, ("exponential", "exponential", "constant", 0.0)),
    ):
        orders = (made["reach_law"], made["hawkes"]["kernel_law"])
        assert (*orders, made["makers"]["cancel_law"], made["stamp_hold"]) == laws
    assert twin["hawkes"]["branching_ratio"] == other["hawkes"]["branching_ratio"] > 0.1
    assert twin["A_per_s"] == other["A_per_s"]
    assert twin["makers"]["life_s"] == other["makers"]["life_s"] == 2.0
    traded = []
    for flow in flows:
        prints = [row for block in flow.advance(flow.start_ms + 60_000).coins for row in block.prints]
        traded.append([row.sz_lots for row in prints])
    assert traded[0] != traded[1]
    assert len(traded[0]) > 30


def test_every_example_is_on_the_page() -> None:
    page = TARGET.read_text(encoding="utf-8")
    assert [name for name in EXAMPLES if f"(../examples/scenarios/{name})" not in page] == []


def test_the_bot_of_the_docs_trades() -> None:
    bot = re.findall(r"```python\n(.*?)```", TARGET.read_text(encoding="utf-8"), re.DOTALL)[0]
    with served(VenueSettings(coins=("ETH",), block_ms=20)) as running:
        done = subprocess.run(
            [sys.executable, "-c", bot],
            input=running.ready_line() + "\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "resting" in done.stdout
        assert len(running.venue.state.users[1].records) == 1, "it may have been filled since"


async def test_cancels_take_their_own_way_in() -> None:
    latency = Latency(entry=Constant(400.0), cancel=Constant(0.0), reply=Constant(0.0), taker=Constant(100.0))
    async with running_venue(VenueSettings(coins=("BTC",), block_ms=20, latency=latency)) as running:
        trouble = running.venue.trouble
        place = Order((leg("BTC", "B", "1", "1"),), "na")
        take = Order((leg("BTC", "B", "1", "1", "Ioc"),), "na")
        assert [trouble.entry_s(action) for action in (place, take, Cancel(()))] == [0.4, 0.1, 0.0]


def test_delays_are_drawn_from_what_was_asked_for() -> None:
    chance = random.Random(1)
    delay = Lognormal(100.0, 450.0)
    drawn = sorted(delay.draw_ms(chance) for _ in range(20_000))
    assert drawn[10_000] == pytest.approx(100.0, rel=0.02)
    assert drawn[19_800] == pytest.approx(450.0, rel=0.06)
    measured = sorted(Quantiles((10.0, 20.0, 100.0)).draw_ms(chance) for _ in range(20_000))
    assert (measured[0] >= 10.0, measured[-1] <= 100.0) == (True, True)
    assert measured[10_000] == pytest.approx(20.0, rel=0.05)
    assert [delay.draw_ms(random.Random(3)) for _ in range(2)] == [delay.draw_ms(random.Random(3))] * 2
