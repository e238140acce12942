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


RAY = ("tests/actors/test_on_ray.py", "tests/kills/test_kills.py", "tests/cluster/test_ray_up.py")
"""They start clusters: one at a time, though beside all others."""
LONG = (
    "ray",
    "tests/lifecycle/test_life_cycle.py",
    "cli",
    "tests/engine/test_nets.py",
    "tests/actors/test_books.py",
    "tests/faults/test_alone.py",
    "tests/faults/test_endings.py",
    "tests/actors/test_coin_hears.py",
    "tests/estimators/test_general.py",
    "tests/actors/test_whole.py",
    "tests/fuzz/test_guided.py",
    "tests/venue/test_reference_venue.py",
    "tests/portfolio/test_lead_lag.py",
    "tests/actors/test_account_truth.py",
    "tests/venue/test_hostile.py",
    "tests/examples/test_examples.py",
    "tests/clients/test_recipes.py",
    "tests/gateway/test_flatten.py",
    "tests/kills/test_gateway_kill.py",
    "tests/engine/moves/test_order_flow.py",
    "tests/actors/test_fallbacks.py",
)
"""Groups and files that take longest, so that nobody waits for one of them at the end."""


def group_of(nodeid: str) -> str:
    """What of the tests stays together: a file, clusters of Ray, or the command line on its fixed default ports."""
    file = nodeid.partition("::")[0]
    return "cli" if file.startswith("tests/cli/") else "ray" if file in RAY else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first. A test that starts a cluster belongs to the group of those."""
    for item in items:
        if item.get_closest_marker("ray") and group_of(item.nodeid) != "ray":
            msg = f"{item.nodeid} starts a Ray cluster: name its file in RAY of tests/conftest.py"
            raise pytest.UsageError(msg)
    rank = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(group_of(item.nodeid), len(rank)))


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """What stays in one process when several share the tests. (xdist's own groups do not hold with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        """The name of the group of a test."""
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Share the tests out by what must stay together, in the order they have here."""
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile what is missing: a minute or two on a machine that never ran this version, else a second."""
    if not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
        subprocess.run([sys.executable, "-m", "portfolio_mm.actors.kernel_cache"], check=True)
