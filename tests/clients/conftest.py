"""One venue for each file of client tests: accounts rich in volume, so that nothing is refused for want of it."""

from collections.abc import Iterator

import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import served, with_settings


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with served(with_settings(accounts=4, prior_volume_usd=2e6)) as running:
        yield running
