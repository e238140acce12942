"""What the venue allows on websockets, counted in one place for all sockets of a process (HL §5.3)."""

import asyncio

import pytest

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.hyperliquid.limits import CONNECTS_PER_MINUTE, MAX_CONNECTIONS, MAX_SUBSCRIPTIONS, MAX_USERS
from portfolio_mm.hyperliquid.socket_limits import CANCELS, SocketBudget
from portfolio_mm.hyperliquid.websocket import VenueSocket


def trades(count: int) -> list[dict[str, str]]:
    return [{"type": "trades", "coin": f"C{n}"} for n in range(count)]


def test_subscriptions_users_and_sockets_of_a_process_add_up() -> None:
    budget = SocketBudget()
    assert budget.plan(1, trades(MAX_SUBSCRIPTIONS - 10)) == ""
    assert budget.plan(2, trades(11)) == f"{MAX_SUBSCRIPTIONS + 1} subscriptions in this process; the venue allows 1000"
    users = [{"type": "userFills", "user": f"0x{n:040X}"} for n in range(MAX_USERS)]
    assert budget.plan(2, users) == ""
    assert budget.plan(2, [{"type": "userFills", "user": f"0x{0:040x}"}] * 2) == "", "its own plan is replaced"
    budget.forget(1)
    assert (budget.subscriptions, budget.users) == (2, 1)
    assert budget.plan(3, [*users, {"type": "orderUpdates", "user": "0x" + "f" * 40}]).startswith("11 users")
    for socket in range(3, 2 + MAX_CONNECTIONS):
        assert budget.plan(socket, ()) == ""
    assert budget.plan(99, ()).startswith("11 sockets")


def test_a_socket_that_does_not_fit_is_refused_before_it_connects() -> None:
    budget = SocketBudget()
    VenueSocket("ws://127.0.0.1:1/ws", trades(600), budget=budget)
    with pytest.raises(ConfigurationError, match="1200 subscriptions in this process"):
        VenueSocket("ws://127.0.0.1:1/ws", trades(600), budget=budget)


def test_no_more_connections_a_minute_than_the_venue_takes() -> None:
    budget = SocketBudget()
    for second in range(CONNECTS_PER_MINUTE):
        assert budget.connect_wait_s(float(second)) == 0.0
        budget.connecting(float(second))
    assert budget.connect_wait_s(30.0) == 30.0
    assert budget.connect_wait_s(60.0) == 0.0
    assert budget.connects(61.5) == CONNECTS_PER_MINUTE - 2


def test_the_last_messages_of_a_minute_are_for_cancels_and_then_for_pings() -> None:
    budget = SocketBudget()
    for _ in range(2_000 - 100 - CANCELS):
        assert budget.post_wait_s(1.0) == 0.0
        budget.sent(1.0)
    assert budget.post_wait_s(2.0) == 59.0
    for _ in range(CANCELS):
        assert budget.post_wait_s(2.0, cancel=True) == 0.0
        budget.sent(2.0)
    assert budget.post_wait_s(3.0, cancel=True) == 58.0


async def test_every_try_to_connect_is_counted_and_the_next_one_waits() -> None:
    budget = SocketBudget()
    socket = VenueSocket("ws://127.0.0.1:1/ws", (), backoff_s=(0.001,), budget=budget)
    socket.start()
    async with asyncio.timeout(10):
        while budget.connects(0.0) < CONNECTS_PER_MINUTE:  # noqa: ASYNC110 - the socket tells nobody
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert budget.connects(0.0) == CONNECTS_PER_MINUTE
    await socket.close()
