"""Paper: one local venue is driven by the public feed of another, as it would be by the real one."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.flows.live import LiveFlow
from portfolio_mm.venue.flows.upstream import PAUSES_S
from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import client, listener, served, with_settings

COINS = ("BTC", "SOL")


@pytest.fixture(scope="module")
def real() -> Iterator[RunningVenue]:
    with served(with_settings(coins=COINS, seed=7)) as running:
        yield running


@pytest.fixture(scope="module")
def paper(real: RunningVenue) -> Iterator[RunningVenue]:
    with served(with_settings(upstream=real.ws, seed=8)) as running:
        yield running


def is_of(channel: str, frame: Any) -> bool:
    return bool(frame["channel"] == channel)


def test_the_paper_venue_lists_and_publishes_what_the_upstream_does(real: RunningVenue, paper: RunningVenue) -> None:
    assert (paper.flow, paper.coins) == ("live", COINS)
    with client(real) as there, client(paper) as here:
        rows = [{row["name"]: row for row in side.info.meta()["universe"]} for side in (there, here)]
        assert [rows[1][coin] for coin in COINS] == [rows[0][coin] for coin in COINS]
        bid, ask = here.touch("BTC")
        assert bid < ask
        assert abs(bid / there.touch("BTC")[0] - 1.0) < 0.01
    with listener(paper) as stream:
        stream.subscribe(type="trades", coin="SOL")
        stream.subscribe(type="bbo", coin="SOL")
        stream.subscribe(type="activeAssetCtx", coin="SOL")
        for channel in ("trades", "bbo", "activeAssetCtx"):
            stream.wait(partial(is_of, channel))


def test_orders_fill_here_by_what_trades_there_and_never_leave(real: RunningVenue, paper: RunningVenue) -> None:
    with client(paper) as here, listener(paper) as stream:
        stream.subscribe(type="userFills", user=here.address)
        bid, ask = here.touch("SOL")
        for px, is_buy in ((bid, True), (ask, False)):
            reply = here.exchange.order("SOL", is_buy=is_buy, sz=0.5, limit_px=px, order_type={"limit": {"tif": "Gtc"}})
            assert set(here.statuses(reply)[0]) <= {"resting", "filled"}
        stream.wait(lambda frame: frame["channel"] == "userFills" and not frame["data"].get("isSnapshot"))
        assert here.info.user_fills(here.address)
        for order in here.info.open_orders(here.address):
            here.exchange.cancel("SOL", order["oid"])
    users = real.venue.state.users.values()
    assert not any(user.open or user.fills for user in users)


def test_a_lost_connection_is_made_again(real: RunningVenue, paper: RunningVenue) -> None:
    flow = paper.venue.state.flow
    assert isinstance(flow, LiveFlow)
    with listener(paper) as stream:
        stream.subscribe(type="trades", coin="BTC")
        stream.wait(partial(is_of, "trades"))
        before = flow.connections
        dropped_ms = paper.venue.state.now_ms
        real.pulse.get_loop().call_soon_threadsafe(real.venue.hub.drop_all)
        later_ms = dropped_ms + 1_000 * PAUSES_S[0]
        stream.wait(lambda frame: frame["channel"] == "trades" and frame["data"][-1]["time"] > later_ms)
    assert flow.connections == before + 1
    assert flow.refused == 0


@pytest.mark.parametrize(
    ("upstream", "complaint"),
    [("http://127.0.0.1:1", "is no socket"), ("ws://127.0.0.1:1/ws", "does not answer metaAndAssetCtxs")],
)
def test_an_upstream_that_is_none_is_named(upstream: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint), served(with_settings(upstream=upstream)):
        pass


def test_a_coin_the_upstream_does_not_list_is_named(real: RunningVenue) -> None:
    wrong = with_settings(upstream=real.ws, coins=("SOLL",))
    with pytest.raises(ConfigurationError, match=r"does not list SOLL; .*did you mean SOL"), served(wrong):
        pass
