"""The gateway, one life after another: each life takes the account anew and reconciles before it trades."""

import asyncio
from typing import cast

from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.actors.persevere import persevere
from portfolio_mm.actors.topology import GATEWAY


class GatewayPart:
    """A gateway that is started again when the world fails it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Lives until stopped."""
        await persevere(GATEWAY, self._gateway.run, self._stopping)

    async def stop(self) -> None:
        """End in order: cancel all, verify, let go of the account."""
        self._stopping.set()
        await self._gateway.stop()

    def status(self) -> dict[str, str | int | float | bool]:
        """A few words for supervisors."""
        return cast("dict[str, str | int | float | bool]", self._gateway.status())
