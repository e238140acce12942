"""What people are told of the predictions: all of them, by discovery, and no verdict before there are enough blocks."""

import numpy as np

from portfolio_mm.engine.parts import ESTIMATORS
from portfolio_mm.engine.readings import ScoreReading
from portfolio_mm.engine.report import read
from portfolio_mm.models.skill import MIN_BLOCKS
from tests.engine import led
from tests.engine.tape import Bench


def of_fair(coin: Bench) -> dict[str, ScoreReading]:
    return {score.prediction: score for score in read(coin.state, coin.params).scores if score.part == "fair"}


def test_every_prediction_is_told_with_its_rival() -> None:
    coin = Bench()
    told = {(score.part, score.prediction): score.rival for score in read(coin.state, coin.params).scores}
    assert told == {(part, name): rival for part, each in ESTIMATORS.items() for name, rival in each.SCORES.items()}
    assert {score.verdict for score in read(coin.state, coin.params).scores} == {"insufficient"}


def test_a_verdict_needs_blocks_and_says_what_the_weight_says() -> None:
    coin = led.play("reference")
    scores = of_fair(coin)
    assert scores["reference"].verdict == "better"
    assert scores["reference"].blocks >= MIN_BLOCKS
    assert 0.5 < scores["reference"].weight <= 1.0
    assert scores["leaders"].verdict == "insufficient"
    assert scores["leaders"].weight == 0.0
    assert np.isfinite([score.skill for score in scores.values()]).all()


def test_a_feed_that_a_coin_lacks_is_no_part_of_it() -> None:
    """Else a coin without a reference venue would never be ready."""
    parts = {part.part for part in read(*_arrays(led.play("order_flow", seconds=10.0))).parts}
    assert {"fair", "order_flow"} <= parts
    assert not parts & {"reference"}
    heard = {part.part: part for part in read(*_arrays(led.play("reference", seconds=10.0))).parts}
    assert heard["reference"].ready
    assert heard["reference"].age_s < 1.0


def _arrays(coin: Bench) -> tuple[np.ndarray, np.ndarray]:
    return coin.state, coin.params
