"""The decision journal of a run of the whole tree: every decision, order, fill and markout joins by id (W5)."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from portfolio_mm.actors.coin import Coin
from portfolio_mm.actors.decisions import NOT_FOUND, columns, join, last_event, read_diary, write_parquet
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.engine.diary import DECISION, OUTCOME
from portfolio_mm.models.features import FEATURES
from tests.actors.harness import COINS, Run, whole_run

HORIZON_NS = 5 * 10**9
DUE_NS = HORIZON_NS + 3 * 10**9
"""A 5 s markout is known by then, or dropped."""
LAST_WORDS = 8
DOCS = Path(__file__).parents[2] / "docs" / "signals.md"


def labelled(run: Run, *names: str) -> int:
    """5 s markouts of some coins."""
    coins = () if run.view is None else run.view.coins
    return sum(row.count for coin in coins if coin.coin in names for row in coin.markouts if row.horizon_s == 5.0)


async def test_every_decision_order_fill_and_markout_joins(tmp_path: Path) -> None:
    async with whole_run(tmp_path) as run:
        await run.until(run.two_sided, "two-sided quotes everywhere", 60)
        await run.filled("BTC")
        await run.kill_9("coin:BTC")
        run.start("coin:BTC")
        await run.until(run.two_sided, "quotes again", 30)
        await run.until(lambda: labelled(run, "BTC") >= 1 and labelled(run, *COINS) >= 3, "markouts", 90)
        counted = {coin.coin: (coin.fills, coin.quotes_sent) for coin in run.view.coins}  # type: ignore[union-attr]
        reported = run.coin("BTC").experiment
        journals, number = run.spec.files.journals, run.spec.run
        assert len(reported.signals) == 12
        assert all(part.status()["decision journal"] for part in run.parts.values() if isinstance(part, Coin))
    for coin, (fills, sent) in counted.items():
        diary = read_diary(journals, f"coin-{coin}")
        joined = join(diary)
        assert len(diary.fills) >= fills
        assert len(diary.decisions) >= sent
        ids = diary.decisions[["cloid_hi", "cloid_lo"]]
        assert len(np.unique(ids)) == len(ids)
        assert len(np.unique(diary.fills["tid"])) == len(diary.fills)
        assert (joined.fill_decision != NOT_FOUND).all()
        assert (joined.markout_fill != NOT_FOUND).all()
        unanswered = diary.decisions["event"][joined.decision_order == NOT_FOUND]
        assert len(unanswered) <= LAST_WORDS, "of orders sent just before the kill and the end nobody hears"
        now_ns = diary.intervals["ns"].max(initial=0)
        due = (diary.fills["status"] == 1) & (diary.fills["ns"] < now_ns - DUE_NS)
        five = diary.markouts[diary.markouts["horizon_ms"] == 5_000]
        assert set(diary.fills["tid"][due]) <= set(five["tid"])
        assert (diary.decisions["run"] == number).all()
    assert last_event(journals, "coin-BTC-decisions", DECISION, number) > 0
    assert last_event(journals, "coin-BTC-outcomes", OUTCOME, number) > 0
    assert last_event(journals, "coin-BTC-decisions", DECISION, number + 1) == -1
    btc = read_diary(journals, "coin-BTC")
    flat = columns(btc.decisions)
    assert set(FEATURES) | {"cloid", "propensity", "item_fee", "signals_off", "decision"} <= set(flat)
    write_parquet(btc.decisions, tmp_path / "decisions.parquet")
    table = parquet.read_table(tmp_path / "decisions.parquet")
    assert table.num_rows == len(btc.decisions)
    assert table["cloid"][0].as_py() == flat["cloid"][0]
    assert table["propensity"].to_numpy() == pytest.approx(flat["propensity"])
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    exec(example, {"folder": journals, "parquet_file": tmp_path / "example.parquet"})
    assert parquet.read_table(tmp_path / "example.parquet").num_rows == len(btc.decisions)


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"portfolio-mm\[parquet\]"):
        write_parquet(np.zeros(1, DECISION), tmp_path / "none.parquet")
