"""A coverage-guided fuzzer at each endpoint: seconds in `make test`, a million inputs each in `make proof`."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

FULL: Final = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
RUNS: Final = 1_000_000 if FULL else 2_000
MAX_S: Final = 0 if FULL else 5
"""Zero is no limit."""


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine")
@pytest.mark.timeout(12 * 3_600)
@pytest.mark.parametrize("endpoint", ["info", "exchange", "ws"])
def test_no_input_that_reaches_new_code_breaks_the_venue(endpoint: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.guided", endpoint, str(RUNS), str(MAX_S), str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    tried = re.search(r"Done (\d+) runs", done.stderr)
    kept = {path.name: path.read_bytes()[:2_000] for path in tmp_path.glob("*-*") if not path.name.startswith("valid")}
    assert done.returncode == 0, f"{done.stdout[-3_000:]}\n{done.stderr[-6_000:]}\n{kept}"
    assert tried is not None
    assert int(tried[1]) >= (RUNS if FULL else 100)
