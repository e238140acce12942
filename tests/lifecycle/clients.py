"""The gateway's own clients on the played wire."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from portfolio_mm.domain.errors import OutcomeUnknown, VenueRefused, VenueUnreachable
from portfolio_mm.hyperliquid.answer import ActionAnswer, read_legs
from portfolio_mm.hyperliquid.encode import Action, NoopAction, legs
from portfolio_mm.hyperliquid.exchange import Envelope, ExchangeClient, Signed
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.venue.info import reads
from tests.lifecycle.net import ENCODER, NO_ANSWER, NO_SIGNATURE, POST_S, Net, NetSocket


class NetInfo(InfoClient):
    """Reads over the played wire; retries, budget and shapes are the real client's."""

    net: Net

    async def _ask(self, request: Mapping[str, Any]) -> tuple[int, bytes, str]:
        net = self.net
        await asyncio.sleep(net.delay_s())
        if net.hits(net.weather.info_lost):
            net.seen["read lost"] += 1
            return net.chance.choice(((0, b"", "no answer"), (502, b"", "HTTP 502")))
        reply = ENCODER.encode(reads.answer(net.venue.state, dict(request)))
        net.note(f"read {dict(request)} {reply[:600]!r}")
        await asyncio.sleep(net.delay_s())
        return 200, reply, "HTTP 200"


class NetExchange(ExchangeClient):
    """Actions over the played wire; sending twice never happens by itself."""

    net: Net

    def sign(self, action: Action, nonce: int, expires_after: int | None = None) -> Signed:
        return Signed(Envelope(action, nonce, NO_SIGNATURE, None, expires_after), legs(action))

    async def send_signed(self, signed: Signed, written: Callable[[], None] | None = None) -> ActionAnswer:
        net, sent_ns = self.net, time.monotonic_ns()
        socket = net.socket
        assert socket is not None
        if net.hits(net.weather.refused):
            net.seen["action refused by the door"] += 1
            raise net.chance.choice((VenueRefused("429"), VenueUnreachable("nothing was sent")))
        if written is not None:
            written()
        try:
            payload = await self._answer_to(signed, socket)
        except OutcomeUnknown:
            net.seen["outcome unknown"] += 1
            raise
        net.tales.answered(signed.envelope.action, payload)
        answered, error = read_legs(payload, signed.legs)
        net.seen["nonce burnt by noop"] += isinstance(signed.envelope.action, NoopAction) and not error
        return ActionAnswer(answered, error, signed.nonce, sent_ns, time.monotonic_ns())

    async def _answer_to(self, signed: Signed, socket: NetSocket) -> Any:
        answer = self.net.launch(signed)
        if socket.connected:
            return await socket.post(answer)
        try:  # over HTTP, which the cut of the websocket does not touch
            return await asyncio.wait_for(asyncio.shield(answer), POST_S)
        except TimeoutError:
            raise OutcomeUnknown(NO_ANSWER) from None
