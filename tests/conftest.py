"""Before the first test kernels are compiled once, into the folder the program itself uses; proofs get their counts.

`make proof` sets PORTFOLIO_MM_PROOF=full; properties without a count of their own then try two thousand examples.
"""

import os
import subprocess
import sys

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from portfolio_mm.actors.kernel_cache import environment

# Numba reads its folder when it is imported, which no test has done yet.
os.environ.update(environment())
settings.register_profile("full", max_examples=2_000, deadline=None)
settings.register_profile("quick", deadline=None, derandomize=True)  # the same examples everywhere
settings.load_profile("full" if os.environ.get("PORTFOLIO_MM_PROOF") == "full" else "quick")


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """What stays in one process when several share the tests: a file, and whatever two of would disturb each other.

    The command line's tests start on its fixed default ports. (xdist's own groups do not hold with pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        """The name of the group of a test."""
        file = nodeid.partition("::")[0]
        return "cli" if file.startswith("tests/cli/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Share the tests out by what must stay together."""
    return Together(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile what is missing: a minute or two on a machine that never ran this version, else a second."""
    if not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
        subprocess.run([sys.executable, "-m", "portfolio_mm.actors.kernel_cache"], check=True)
