"""The report of each market, end to end: files, numbers, words; and what bad input says."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from portfolio_mm.backtest.document import Report, SessionReport
from portfolio_mm.backtest.files import NUMBERS, PAGE, write_report
from portfolio_mm.backtest.page import EXPERIMENT
from portfolio_mm.backtest.predictions import PREDICTIONS, UNSCORED
from portfolio_mm.backtest.runner import Wanted, make_report
from portfolio_mm.backtest.signals import ablation_of, scores_of
from portfolio_mm.cli.main import app
from portfolio_mm.domain.errors import ConfigurationError, PortfolioMMError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.engine.attribution import ITEMS
from portfolio_mm.engine.parts import ESTIMATORS
from portfolio_mm.engine.signals import SIGNALS
from portfolio_mm.engine.state import new_coin
from portfolio_mm.models.skill import MIN_BLOCKS
from scripts.bench.replay import TAPE, tape
from tests.backtest.sessions import SCENARIOS, played, quiet
from tests.backtest.test_session import COINS, PLAIN

FULL = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
SECONDS = 1_800 if FULL else 10
MARKETS = {
    "calm": ("BTC", "SOL"),
    "volatile": ("BTC", "SOL"),
    "cascade": ("BTC", "ETH"),
    "thin_book": (),
    "hip3": ("SOL", "xyz:TSLA"),
    "twin": ("BTC", "SOL"),
}


@pytest.mark.parametrize("name", MARKETS)
def test_every_market_and_its_twin_are_reported(name: str, tmp_path: Path) -> None:
    drawn = FULL or name == "thin_book"
    wanted = Wanted(scenario=SCENARIOS / f"{name}.yaml", coins=MARKETS[name], seconds=SECONDS, draw=drawn)
    report = make_report(wanted, tmp_path, quiet)
    assert [one.twin for one in report.sessions] == ([True, False] if name == "twin" else [False, True])
    for session in report.sessions:
        _check(session)
    read = msgspec.json.decode((tmp_path / NUMBERS).read_bytes(), type=Report)
    assert msgspec.json.encode(read) == msgspec.json.encode(report)
    page = (tmp_path / PAGE).read_text()
    for coin in report.sessions[0].coins:
        assert f"<h3>{coin.coin}</h3>" in page
        assert f"<h3>{coin.coin}: Signals in the experiment</h3>" in page
    assert all(f"<th>{words}</th>" in page for words in EXPERIMENT.values())
    assert "<th>value." not in page
    assert page.count("<svg") == len(list(tmp_path.glob("*.svg")))
    assert drawn == ("<svg" in page)
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )


def _check(session: SessionReport) -> None:
    assert session.played_s == pytest.approx(SECONDS)
    for coin in session.coins:
        assert coin.events > 0
        assert len(coin.scores) == len(PREDICTIONS)
        assert [one.signal for one in coin.ablation] == list(SIGNALS)
        assert all(set(EXPERIMENT) <= set(one.numbers) for one in coin.ablation)
        assert [one.item for one in coin.items] in ([], list(ITEMS))
        assert sum(one.share for one in coin.why if one.side == "bid") == pytest.approx(1.0)
        for score in coin.scores:
            assert (score.low is None) == (score.blocks < MIN_BLOCKS)
            is_prior = (score.part, score.prediction) == ("fair", "book")  # half the micro-price, until judged
            assert score.weight == 0.0 or score.blocks >= MIN_BLOCKS or is_prior
        for markout in coin.markouts:
            assert (markout.net_bps.low is None) == (markout.net_bps.blocks < MIN_BLOCKS)


def test_the_same_session_makes_the_same_files(tmp_path: Path) -> None:
    result = played(PLAIN, COINS, 12.0)
    result = result._replace(coins=result.coins[:1])
    for name in ("one", "two"):
        write_report(tmp_path / name, "a test", (result,))
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) > 5
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_every_part_is_scored_or_says_why_not() -> None:
    scored = {one.part for one in PREDICTIONS}
    assert scored | set(UNSCORED) == set(ESTIMATORS)
    assert all(UNSCORED.values())
    state, _ = new_coin(Instrument("SOL", 5, 0, 2, 20), 1)
    for place, one in enumerate(PREDICTIONS):
        kept = state[one.part]["skill"]
        target = kept if kept.ndim == 1 else kept[:, one.place]
        target["skill"], target["blocks"], target["skill_se"], target["weight"] = place + 0.5, MIN_BLOCKS, 0.1, 0.4
    found = scores_of(state)
    assert [one.skill for one in found] == [place + 0.5 for place in range(len(PREDICTIONS))]
    assert all(one.verdict == "earns" for one in found)


def test_the_experiment_is_read_by_the_names_of_its_state() -> None:
    state, _ = new_coin(Instrument("SOL", 5, 0, 2, 20), 1)
    state["signals"]["applied"][0] = np.arange(len(SIGNALS))
    found = ablation_of(state)
    assert [one.numbers["applied"] for one in found] == list(range(len(SIGNALS)))
    value = state["signals"]["value"]
    value["effect_usd"], value["effect_se_usd"], value["on_count"] = 0.5, 0.1, 500
    value["blocks"][0, :2], value["off_count"][0] = MIN_BLOCKS, 100
    value["off_count"][0, 1] = 3
    first, second, third, *_ = [one.effect_usd for one in ablation_of(state)]
    assert first is not None
    assert first.low == pytest.approx(0.304, abs=1e-3)
    for few in (second, third):  # too few intervals off, too few blocks
        assert few is not None
        assert (few.value, few.low) == (0.5, None)


def test_a_tape_is_reported_without_a_twin(tmp_path: Path) -> None:
    recorded = tape_of(tmp_path)
    report = make_report(Wanted(tape=recorded, coins=("SOL",), draw=False), tmp_path / "out", quiet)
    assert len(report.sessions) == 1
    assert 25.0 < report.sessions[0].played_s < 35.0, "all of it"
    assert report.sessions[0].coins[0].truth == ()
    assert report.sessions[0].coins[0].events > 100


def tape_of(folder: Path) -> Path:
    """Half a minute of a synthetic tape."""
    from scripts.bench import replay  # noqa: PLC0415 - its length is changed here

    before, replay.SECONDS, where = replay.SECONDS, 30, replay.TAPE  # type: ignore[misc] # shorter than its own use
    try:
        replay.TAPE = folder / "nowhere"  # type: ignore[misc] # whether or not there is a recording
        return tape(folder)
    finally:
        replay.SECONDS, replay.TAPE = before, where  # type: ignore[misc]


@pytest.mark.recorded
@pytest.mark.skipif(not TAPE.exists(), reason="the recorded set is not beside the project")
def test_the_recorded_set_is_reported(tmp_path: Path) -> None:
    wanted = Wanted(tape=TAPE, coins=() if FULL else ("BTC",), seconds=None if FULL else 60.0, draw=FULL)
    report = make_report(wanted, tmp_path, quiet)
    btc = report.sessions[0].coins[0]
    assert btc.coin == "BTC"
    assert btc.median_spread_bps is not None
    assert btc.median_spread_bps < 0.2
    assert btc.maker_fee_bps == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "give one of --scenario, --tape and --run, not 0"),
        (["--scenario", "S", "--run"], "not 2"),
        (["--scenario", "nowhere.yaml"], "--scenario nowhere.yaml does not exist"),
        (["--tape", "nowhere.jsonl"], "--tape nowhere.jsonl does not exist"),
        (["--scenario", "S", "--for", "soon"], "'soon' is not a duration"),
        (["--scenario", "S", "--coins", "PEPE"], "PEPE"),
        (["--scenario", "S", "--coins", "xyz:TSLA"], "the market has no xyz:TSLA"),
        (["--run"], "holds no journal of a coin"),
    ],
)
def test_bad_input_is_explained(options: list[str], words: str, tmp_path: Path) -> None:
    given = [str(SCENARIOS / "calm.yaml") if one == "S" else one for one in options]
    given += ["--out", str(tmp_path / "out"), "--state-folder", str(tmp_path / "state")]
    ran = CliRunner().invoke(app, ["report", *given])
    assert isinstance(ran.exception, PortfolioMMError), ran.output
    assert words in str(ran.exception)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write the report to"):
        write_report(tmp_path / "file", "a test", ())


def test_the_command_prints_the_numbers_for_a_program(tmp_path: Path) -> None:
    given = [
        "--scenario",
        str(SCENARIOS / "thin_book.yaml"),
        "--for",
        "8s",
        "--no-twin",
        "--no-plots",
        "--json",
        "--out",
        str(tmp_path),
    ]
    ran = CliRunner().invoke(app, ["report", *given])
    assert ran.exit_code == 0, ran.output
    assert msgspec.json.decode(ran.stdout, type=Report).sessions[0].coins[0].coin == "WLFI"
    assert (tmp_path / PAGE).exists()
