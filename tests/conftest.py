"""Before the first test kernels are compiled once, into the folder the program itself uses; proofs get their counts.

`make proof` sets PORTFOLIO_MM_PROOF=full; properties without a count of their own then try two thousand examples.
"""

import os
import subprocess
import sys

import pytest
from hypothesis import settings

from portfolio_mm.actors.kernel_cache import environment

# Numba reads its folder when it is imported, which no test has done yet.
os.environ.update(environment())
settings.register_profile("full", max_examples=2_000, deadline=None)
settings.register_profile("quick", deadline=None, derandomize=True)  # the same examples everywhere
settings.load_profile("full" if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else "quick")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stays together when two processes share the tests: one file, and whatever two of would disturb each other.

    The command line's tests start on its fixed default ports.
    """
    for item in items:
        together = "cli" if item.path.parent.name == "cli" else str(item.path)
        item.add_marker(pytest.mark.xdist_group(together))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile what is missing: a minute or two on a machine that never ran this version, else a second."""
    if not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
        subprocess.run([sys.executable, "-m", "portfolio_mm.actors.kernel_cache"], check=True)
