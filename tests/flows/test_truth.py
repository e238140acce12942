"""The truth of a synthetic market is written beside the run, and is what the run does."""

import json
from pathlib import Path

import msgspec
import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic.params import Cascades, Regime
from portfolio_mm.venue.flows.synthetic_params import synthetic_params


def test_the_truth_is_written_at_the_start_and_as_it_happens(tmp_path: Path) -> None:
    params = msgspec.structs.replace(
        synthetic_params(("BTC", "ETH"), seed=2),
        regimes=(Regime(1.0, 5.0), Regime(2.0, 5.0)),
        common_jump_rate_per_h=200.0,
        common_jump_bps=20.0,
        cascades=Cascades(rate_per_h=100.0),
    )
    flow = SyntheticFlow(params, tmp_path / "run")
    static = json.loads((tmp_path / "run" / "truth.json").read_text())
    assert static["kappa_per_bps"] == [[0.8, 0.8], [0.5, 0.5]]
    assert static["rho"][0][1] == pytest.approx(0.9 * 0.85)
    assert static["regimes"][1]["sigma_bps_per_sqrt_s"] == pytest.approx([1.4, 2.1])
    for _ in range(1_300):
        flow.advance(flow.next_ms())
    lines = [json.loads(line) for line in (tmp_path / "run" / "truth_events.jsonl").read_text().splitlines()]
    assert {row["event"] for row in lines} == {"regime", "jump", "cascade", "measured"}
    assert [row["ms"] for row in lines] == sorted(row["ms"] for row in lines)
    assert [row for row in lines if row["event"] != "measured"] == flow.truth()["events"]
    measured = [row for row in lines if row["event"] == "measured"]
    assert len(measured) == 2
    assert measured[1]["coins"][0]["A_per_s"][0] == pytest.approx(2.0, rel=0.4)


def test_a_twin_says_so_and_which_laws_hold() -> None:
    params = msgspec.structs.replace(synthetic_params(("BTC",)), twin=True)
    truth = SyntheticFlow(params).truth()
    assert truth["twin"]
    assert (truth["reach_law"], truth["hawkes"]["kernel_law"]) == ("power", "power")
    assert (truth["makers"]["cancel_law"], truth["stamp_hold"]) == ("ageing", 0.3)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write the truth"):
        SyntheticFlow(synthetic_params(("BTC",)), tmp_path / "file")
