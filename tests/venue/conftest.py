"""One venue for all tests that do not need settings of their own."""

from collections.abc import Iterator

import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import Client, client, served


@pytest.fixture(scope="session")
def venue() -> Iterator[RunningVenue]:
    with served() as running:
        yield running


@pytest.fixture
def alice(venue: RunningVenue) -> Iterator[Client]:
    with client(venue) as made:
        yield made
        for order in made.info.open_orders(made.address):
            made.exchange.cancel(order["coin"], order["oid"])
        for held in made.info.user_state(made.address)["assetPositions"]:
            made.exchange.market_close(held["position"]["coin"])
