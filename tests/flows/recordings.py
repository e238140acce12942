"""Where the recorded sets are: beside the project, or where PORTFOLIO_MM_RECORDED says."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[3] / "shared/data/recorded"
SETS = Path(os.environ.get("PORTFOLIO_MM_RECORDED", BESIDE))
SET = SETS / "hl4_20250904"
needed = pytest.mark.skipif(not SET.exists(), reason="the recordings are not beside the project")
