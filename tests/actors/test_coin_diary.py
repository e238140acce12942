"""The decision journal on disk: complete after a kill, never a reason to stop."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio_mm.actors.coin_diary import WATCHED, Diary
from portfolio_mm.actors.decisions import read_diary
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.models.features import FEATURES
from tests.engine.tape import COIN, Bench, market

RUN = 11
SEGMENT = 1 << 20


class Keeping(Bench):
    """A Bench whose diary goes to disk; it keeps what it heard."""

    def __init__(self, diary: Diary) -> None:
        super().__init__(Tuning(levels=1, ablation_share=0.2))
        self.heard: list[Any] = []
        real = self.step

        def noting(events: Any, i: int, state: Any, params: Any, commands: Any) -> int:
            count = int(real(events, i, state, params, commands))
            self.heard.append(events[i : i + 1].copy())
            diary.take(events, i, state, params, commands, count)
            return count

        self.step = noting


def again(heard: list[Any], diary: Diary) -> None:
    """The next life steps the inputs again."""
    state, params = new_coin(COIN, 3, Tuning(levels=1, ablation_share=0.2))
    commands = np.zeros(MAX_COMMANDS, COMMAND)
    for one in heard:
        diary.again(one, 0, state, params, commands, step(one, 0, state, params, commands))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any], Diary]:
    folder = tmp_path_factory.mktemp("journals")
    diary = Diary(folder, "coin-TEST", SEGMENT)
    diary.open(RUN)
    bench = Keeping(diary)
    bench.start()
    bench.hear(market(1_200))
    diary.close()
    return folder, bench.heard, diary


def test_what_a_kill_cut_off_is_written_in_the_next_life(whole: tuple[Path, list[Any], Diary], tmp_path: Path) -> None:
    complete = read_diary(whole[0], "coin-TEST")
    assert len(complete.decisions) > 10
    assert len(complete.intervals) >= 3
    for path in whole[0].glob("*.seg"):
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(data[: len(data) * 2 // 3])
    diary = Diary(tmp_path, "coin-TEST", SEGMENT)
    diary.open(RUN)
    again(whole[1], diary)
    diary.close()
    mended = read_diary(tmp_path, "coin-TEST")
    for ours, theirs in zip(mended, complete, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_another_run_writes_its_own_rows_although_it_counts_from_one(
    whole: tuple[Path, list[Any], Diary], tmp_path: Path
) -> None:
    for path in whole[0].glob("*.seg"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    diary = Diary(tmp_path, "coin-TEST", SEGMENT)
    diary.open(RUN + 1)
    again(whole[1], diary)
    diary.close()
    assert len(read_diary(tmp_path, "coin-TEST").decisions) == 2 * len(read_diary(whole[0], "coin-TEST").decisions)


def test_a_disk_that_refuses_ends_the_diary_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    diary = Diary(tmp_path / "file", "coin-TEST", SEGMENT)
    diary.open(RUN)
    assert not diary.is_open
    bench = Keeping(diary)
    bench.start()
    bench.hear(market(200))
    assert bench.commands
    diary.close()


def test_features_that_say_nothing_are_told_after_enough_decisions(
    whole: tuple[Path, list[Any], Diary],
) -> None:
    """A wire that is missing shows: the reference venue's features are NaN where no reference is heard."""
    diary = whole[2]
    rows = len(read_diary(whole[0], "coin-TEST").decisions)
    if rows < WATCHED:
        assert diary.speechless() == ((), ())
    fresh = Diary(whole[0], "none", SEGMENT)
    decisions = read_diary(whole[0], "coin-TEST").decisions
    decisions["snap"]["features"][:, 15] = 2.0
    for _ in range(WATCHED // len(decisions) + 1):
        fresh._watch(decisions)
    told = fresh.speechless()
    assert FEATURES[15] in told.constant
    assert "reference_move_bps" in told.unknown
    assert "micro_dev_bps" not in {*told.constant, *told.unknown}
