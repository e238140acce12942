"""Who speaks to whom, as one table, and how an actor finds the socket of another.

Ray carries creation, names and restarts; everything in this table goes over sockets (architecture, section 2).
Names: `coin:BTC`, `gateway`, `portfolio`, `risk`, `relay`, `console`, `supervisor`, `watchdog`.
"""

import json
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from portfolio_mm.actors.run_folder import HUB_SOCKET, write_private
from portfolio_mm.domain.errors import ProtocolError

RELAY: Final = "relay"
GATEWAY: Final = "gateway"
PORTFOLIO: Final = "portfolio"
RISK: Final = "risk"
CONSOLE: Final = "console"
WATCHDOG: Final = "watchdog"
SUPERVISOR: Final = "supervisor"


def coin_name(coin: str) -> str:
    """Name of the actor of one coin."""
    return f"coin:{coin}"


class Link(NamedTuple):
    """One direction of speech: `says` are message or record kinds, `over` the kind of socket."""

    speaker: str
    hearer: str
    says: tuple[str, ...]
    over: str


WEBSOCKET: Final = "Hyperliquid websocket on loopback"
HUB: Final = "hub stream"

TOPOLOGY: Final[tuple[Link, ...]] = (
    Link("venue", RELAY, ("bbo", "l2Book", "trades", "activeAssetCtx"), "Hyperliquid websocket"),
    Link(RELAY, "coin:*", ("bbo", "l2Book", "trades", "activeAssetCtx"), WEBSOCKET),
    Link(RELAY, PORTFOLIO, ("bbo",), WEBSOCKET),
    Link("reference venue", RELAY, ("bookTicker", "depth20@100ms", "aggTrade"), "Binance websocket"),
    Link(RELAY, "coin:*", ("bookTicker", "depth20@100ms", "aggTrade"), "Binance websocket on loopback"),
    Link("coin:*", GATEWAY, ("COMMAND", "CoinReport"), HUB),
    Link(GATEWAY, "coin:*", ("EVENT",), HUB),
    Link(PORTFOLIO, GATEWAY, ("Allocation",), HUB),
    Link(GATEWAY, PORTFOLIO, ("View",), HUB),
    Link(GATEWAY, RISK, ("PermitRequest",), HUB),
    Link(RISK, GATEWAY, ("PermitAnswer", "KillOrder"), HUB),
    Link(GATEWAY, CONSOLE, ("View", "Answer"), HUB),
    Link(CONSOLE, GATEWAY, ("Ask",), HUB),
    Link("operator", GATEWAY, ("Ask",), HUB),
    Link(GATEWAY, "operator", ("View", "Answer"), HUB),
    Link(GATEWAY, WATCHDOG, ("Heartbeat",), HUB),
    Link(WATCHDOG, GATEWAY, ("Heartbeat",), HUB),
    Link(GATEWAY, "venue", ("order", "cancel", "modify", "noop"), "Hyperliquid websocket post, REST when it is down"),
    Link(WATCHDOG, "venue", ("cancel", "scheduleCancel"), "Hyperliquid REST"),
)


class Address(msgspec.Struct, frozen=True):
    """Where a part listens: `unix:/path` or `ws://host:port/ws`, and since when (to tell a restart)."""

    url: str
    pid: int


class Directory(Protocol):
    """Finds the socket of a named part. Asked again before every reconnect, because a restart may move it."""

    async def find(self, name: str) -> Address:
        """Where `name` listens now.

        Raises:
            ProtocolError: it does not listen anywhere yet; ask again later.
        """
        ...


class FolderDirectory:
    """Directory in the socket folder of a run: the hub at a fixed place, one small file for each other part."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets

    def announce(self, name: str, address: Address) -> None:
        """Say where `name` listens."""
        write_private(self._sockets / f"{name}.at", msgspec.json.encode(address).decode())

    async def find(self, name: str) -> Address:
        """Where `name` listens now (see `Directory.find`)."""
        path = self._sockets / f"{name}.at"
        try:
            return msgspec.json.decode(path.read_text(), type=Address)
        except FileNotFoundError:
            if name == GATEWAY:
                return Address(f"unix:{self._sockets / HUB_SOCKET}", 0)
            msg = f"{name} does not listen yet ({path} is missing)"
            raise ProtocolError(msg) from None
        except (msgspec.DecodeError, json.JSONDecodeError) as error:
            msg = f"{path} is damaged: {error}"
            raise ProtocolError(msg) from None
