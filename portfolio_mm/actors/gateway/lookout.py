"""Hears and reads the venue's moods: free words of the user stream, and a little REST beside them.

IP weight a minute: exchangeStatus every 5 s is 24, `meta` every minute 20 for each dex; while a mood lasts `meta` is
read every 15 s (80 for each dex). A hint, such as a refusal for open interest, reads at once, and hints that explain
nothing wait longer each time. Caps of open interest come with `webData3`; only while it is silent are they asked for.
"""

import asyncio
import logging
import time
from typing import Final

from portfolio_mm.actors.gateway.account_view import AccountView
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.moods import Moods
from portfolio_mm.domain.errors import MalformedMessage, VenueError
from portfolio_mm.domain.order import Refusal
from portfolio_mm.hyperliquid.account import MODES
from portfolio_mm.hyperliquid.meta import closed_coins, tiers_of
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.web_data import Oracle, WebData, parse_web

LOG: Final = logging.getLogger(__name__)
STEP_S: Final = 0.1
STATUS_S: Final = 5.0
WINDOW_S: Final = 1.0
"""In a special window its end is worth knowing."""
LONG_AGO_S: Final = 1e6
CAPS_SILENT_S: Final = 30.0
HINT_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Least pauses between hints that are followed, by how many in a row taught nothing; 60 s of quiet forget them."""


class Lookout:
    """One life's ears for moods. `run` reads until cancelled."""

    def __init__(self, info: InfoClient, moods: Moods, money: AccountView, config: GatewayConfig) -> None:
        self._info = info
        self._universe_s, self._moody_s = config.universe_s, config.moody_s
        self._moods = moods
        self._money = money
        self._dexes = config.dexes
        self._web_s = -CAPS_SILENT_S
        self._oracle_ns = 0
        self._vain, self._followed_s = 0, -LONG_AGO_S
        self._status_s = -LONG_AGO_S
        self.account_moved = asyncio.Event()
        """Set when the account is worth a look before its time."""
        self.asks_mode = False
        """Whether the stream said another mode than the one last read, or the venue missed margin."""

    def reconnected(self) -> None:
        """A venue that cut us off may have been upgraded: ask at once."""
        self._status_s = -LONG_AGO_S

    def _doubt_mode(self) -> None:
        self.asks_mode = True
        self.account_moved.set()

    def hint(self, refusal: Refusal) -> None:
        """The venue refused an order as in one of its moods, or as in an account whose money lies elsewhere."""
        if refusal is Refusal.MARGIN:
            self._doubt_mode()
        else:
            self._moods.hint()

    def hear(self, raw: bytes, recv_ns: int) -> None:
        """One frame that is none of our orders'.

        Raises:
            MalformedMessage: it is one of ours, and cannot be read.
        """
        match parse_web(raw):
            case WebData(mode=mode, capped=capped):
                self._web_s = time.monotonic()
                self._moods.capped(capped)
                truth = self._money.truth
                if truth is not None and MODES.get(mode) is not truth.mode:
                    self._doubt_mode()
            case Oracle(coin=coin, px=px):
                self._oracle_ns = recv_ns
                self._moods.oracle(coin, px, recv_ns)
            case _:
                pass

    async def run(self) -> None:
        """Look around for ever; what cannot be read changes no mood."""
        meta_s = -LONG_AGO_S
        while True:
            now_s = time.monotonic()
            self._moods.turn(time.monotonic_ns(), self._oracle_ns)
            hinted, before = self._follows_hint(now_s), self._moods.words()
            try:
                if hinted or now_s - self._status_s >= (WINDOW_S if self._moods.special else STATUS_S):
                    self._status_s = now_s
                    self._moods.status((await self._info.exchange_status()).get("specialStatuses"))
                if hinted or now_s - meta_s >= (self._moody_s if self._moods.closed_now else self._universe_s):
                    meta_s = now_s
                    await self._read_universes(caps=hinted or now_s - self._web_s > CAPS_SILENT_S)
            except (VenueError, MalformedMessage) as error:
                LOG.warning("the venue's moods could not be read: %s", error)
            if hinted:
                self._learned(new=self._moods.words() != before)
            await asyncio.sleep(STEP_S)

    def _learned(self, *, new: bool) -> None:
        """What following a hint was good for: refusals for another reason must not eat the IP weight."""
        self._vain = 0 if new else self._vain + 1

    def _follows_hint(self, now_s: float) -> bool:
        pause_s = HINT_S[min(self._vain, len(HINT_S) - 1)]
        if now_s - self._followed_s < pause_s or not self._moods.take_hint():
            return False
        if now_s - self._followed_s > HINT_S[-1]:
            self._vain = 0
        self._followed_s = now_s
        return True

    async def _read_universes(self, *, caps: bool) -> None:
        """Which coins trade, with which margin tiers; and which are capped, when the stream has not said so lately."""
        for dex in self._dexes:
            meta = await self._info.meta(dex)
            self._money.tiers.update(tiers_of(meta))
            self._moods.closed(closed_coins(meta), dex)
            if caps:
                self._moods.capped(await self._info.coins_at_cap(dex), dex)
