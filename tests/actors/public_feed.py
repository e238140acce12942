"""A public feed under the test's thumb: speaks the venue's websocket protocol and says what the test tells it to."""

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from portfolio_mm.actors.frame_key import FrameKey, request_of, subscription_key


class PublicFeed:
    """Accepts every subscription; `say` sends a frame to everyone."""

    def __init__(self) -> None:
        self.connections: set[ServerConnection] = set()
        self.subscribed: set[FrameKey] = set()
        self._server: Server | None = None
        self.port = 0

    async def start(self) -> str:
        self._server = await serve(self._one, "127.0.0.1", self.port, compression=None)
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{self.port}/ws"

    async def _one(self, connection: ServerConnection) -> None:
        self.connections.add(connection)
        try:
            async for frame in connection:
                request = request_of(frame)
                if request.method == "ping":
                    await connection.send('{"channel":"pong"}')
                elif request.subscription is not None:
                    self.subscribed.add(subscription_key(request.subscription))
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)

    async def say(self, frame: str) -> None:
        for connection in list(self.connections):
            await connection.send(frame)

    async def drop(self) -> None:
        """Stop listening and cut everyone off."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        self._server = None

    async def stop(self) -> None:
        if self._server is not None:
            await self.drop()


def bbo(coin: str, bid: float, ask: float, ms: int) -> str:
    return (
        f'{{"channel":"bbo","data":{{"coin":"{coin}","time":{ms},'
        f'"bbo":[{{"px":"{bid}","sz":"1.0","n":1}},{{"px":"{ask}","sz":"1.0","n":1}}]}}}}'
    )


def trade(coin: str, px: float, tid: int, ms: int) -> str:
    return (
        f'{{"channel":"trades","data":[{{"coin":"{coin}","side":"B","px":"{px}","sz":"0.1","time":{ms},'
        f'"hash":"0x0","tid":{tid},"users":["0x1","0x2"]}}]}}'
    )
