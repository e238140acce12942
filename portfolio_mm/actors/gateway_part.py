"""The gateway, one life after another: each life takes the account anew and reconciles before it trades."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, cast

from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.actors.persevere import persevere
from portfolio_mm.actors.topology import GATEWAY
from portfolio_mm.domain.errors import OtherInstanceError, SignatureMismatch

LOG: Final = logging.getLogger(__name__)


class GatewayPart:
    """A gateway that is started again when the world fails it."""

    def __init__(self, gateway: Gateway, refuse: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._refuse = refuse
        self._refused = False
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Lives until stopped."""
        await persevere(GATEWAY, self._once, self._stopping)

    async def _once(self) -> None:
        """One life. What no other life can mend ends the run: another instance's account, wrong signatures."""
        try:
            await self._gateway.run()
        except (OtherInstanceError, SignatureMismatch) as error:
            LOG.error("%s", error)  # noqa: TRY400 - the text says it all
            self._refused = True
            await asyncio.to_thread(self._refuse, f"{type(error).__name__}: {error}")
            await self._stopping.wait()

    async def stop(self) -> None:
        """End in order: cancel all, verify, let go of the account."""
        self._stopping.set()
        await self._gateway.stop()

    def status(self) -> dict[str, str | int | float | bool]:
        """A few words for supervisors."""
        said = cast("dict[str, str | int | float | bool]", self._gateway.status())
        return said | {"refused": self._refused}
