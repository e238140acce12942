"""Flatten over REST, when no gateway can do it: cancel everything, close every position, have the venue confirm it.

Closing orders are reduce-only takers at bounded prices. When positions cannot be read, or the reading is that of an
account nobody ever saw, the coins of the configuration are probed: a reduce-only taker on each side closes what is
there, and the matching engine refuses the other with `Reduce only order would increase position` (HL §7.4). Two such
refusals prove that a coin is flat, without any reading.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from portfolio_mm.actors.sweeper import Sweeper, Target
from portfolio_mm.domain.errors import ConfigurationError, MalformedMessage, PreflightError, VenueError, VenueRefused
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.order import Refusal
from portfolio_mm.domain.price_grid import round_px
from portfolio_mm.domain.units import BUY, SELL, SIDES, SIGN
from portfolio_mm.hyperliquid.answer import ActionAnswer, Leg, LegState
from portfolio_mm.hyperliquid.encode import OrderWire, order_action, order_wire
from portfolio_mm.hyperliquid.errors import is_signature_unknown
from portfolio_mm.hyperliquid.meta import load_instruments

CROSS_BPS: Final = (20.0, 50.0, 100.0, 200.0)
"""How far through mid a closing order may trade, try by try."""
EXPIRES_MS: Final = 10_000
BATCH: Final = 38
PROBE_USD: Final = 100_000.0
"""Size of a probe; the venue shrinks it to the position (HL §7.4)."""
WORLD: Final = {Refusal.VENUE_WINDOW, Refusal.BUDGET, Refusal.RATE_LIMIT, Refusal.REDUCE_ONLY}
"""Refusals that a worse price does not cure."""
ARM_S: Final = 6.0
Say = Callable[[str], None]
Planned = tuple[str, int, OrderWire]
"""Coin, side, order."""


class Round(NamedTuple):
    """What one pass found, in words.

    `done`: the venue showed that nothing is left. `proved`: it did not, but the matching engine proved every coin flat
    that may be probed. `window`: the venue is in its post-only window and refuses takers.
    """

    text: str
    done: bool = False
    proved: bool = False
    window: bool = False


class Closer:
    """Passes over one account. `coins` are those that may be probed; use inside `async with Sweeper(target)`."""

    def __init__(self, sweeper: Sweeper, target: Target, coins: Sequence[str], say: Say) -> None:
        self._sweeper = sweeper
        self._target = target
        self._coins = tuple(coins)
        self._dexes = tuple(dict.fromkeys(("", *(coin.rpartition(":")[0] for coin in coins))))
        self._say = say
        self._grids: dict[str, Instrument] = {}
        self._tries: dict[str, int] = {}
        self._nothing: set[tuple[str, int]] = set()
        self._armed = False

    async def turn(self) -> Round:
        """One pass: cancel, read, close.

        Raises:
            VenueRefused: the key may not act for this account; nothing was done.
        """
        orders, unread = await self._cancel()
        held = await self._positions()
        if isinstance(held, dict) and not held:
            return Round(unread or (f"{orders} orders were just cancelled" if orders else ""), done=orders == 0)
        told = [unread] if unread else []
        if isinstance(held, dict):
            words, window = await self._close(held)
            return Round("; ".join([*told, *words]), window=window)
        told.append(f"positions could not be read ({held})")
        self._nothing.clear()
        words, window = await self._close(dict.fromkeys(self._coins, 0.0))
        proved = bool(self._coins) and len(self._nothing) == len(SIDES) * len(self._coins)
        if proved:
            words = [f"{', '.join(self._coins)} proved flat by refusals; other coins were not looked at"]
        return Round("; ".join([*told, *words]), proved=proved, window=window)

    async def _cancel(self) -> tuple[int, str]:
        """How many orders there were (-1: unknown), and what could not be verified."""
        try:
            return await self._sweeper.sweep(), ""
        except VenueRefused as error:
            if is_signature_unknown(str(error).removeprefix("cancel refused: ")):
                raise
            return -1, str(error)
        except (VenueError, MalformedMessage) as error:
            return -1, f"open orders could not be read or cancelled ({error}){await self._arm()}"

    async def _arm(self) -> str:
        """The venue cancels without our knowing what rests, where the account may use its switch (HL §2.6)."""
        if not self._armed:
            try:
                refusal = await self._sweeper.arm(ARM_S)
            except VenueError:
                return ""
            self._armed = not refusal
        return f"; scheduleCancel is armed: the venue cancels all within {ARM_S:.0f} s" if self._armed else ""

    async def _positions(self) -> dict[str, float] | str:
        """Signed sizes by coin; or why they cannot be known."""
        info, user = self._sweeper.info, self._target.account
        try:
            states = [await info.clearinghouse_state(user, dex) for dex in self._dexes]
            rows = [row["position"] for state in states for row in state["assetPositions"]]
            found = {str(row["coin"]): float(row["szi"]) for row in rows if float(row["szi"])}
            worth = [float(state["marginSummary"]["accountValue"]) for state in states]
            if not found and not any(worth) and not (await info.spot_state(user)).get("balances"):
                return "the venue shows an account without any money, which proves nothing"
        except (VenueError, MalformedMessage) as error:
            return str(error)
        except (KeyError, TypeError, ValueError) as error:
            return f"clearinghouseState: {error!r}"
        return found

    async def _close(self, held: Mapping[str, float]) -> tuple[list[str], bool]:
        """Send what closes; what stands in the way, and whether it is a window of the venue."""
        words: list[str] = []
        window = False
        try:
            mids = await self._prices()
            wires = [wire for coin, szi in held.items() for wire in await self._planned(coin, szi, mids, words)]
            for start in range(0, len(wires), BATCH):
                part = wires[start : start + BATCH]
                answer = await self._sweeper.send(order_action([one for _, _, one in part]), self._expires_ms())
                _may_act(answer)
                for (coin, side, _), leg in zip(part, answer.legs, strict=True):
                    word = self._learn(coin, side, leg)
                    window |= leg.refusal is Refusal.VENUE_WINDOW
                    if word:
                        words.append(word)
        except VenueRefused as error:
            if is_signature_unknown(str(error)):
                raise
            words.append(str(error))
        except (VenueError, MalformedMessage) as error:
            words.append(f"cannot close {', '.join(held)} yet: {error}")
        return list(dict.fromkeys(words)), window

    async def _planned(self, coin: str, szi: float, mids: Mapping[str, float], words: list[str]) -> list[Planned]:
        """Orders of one coin; one that cannot be traded keeps no other open."""
        try:
            if coin not in self._grids:
                self._grids |= {one.coin: one for one in await load_instruments(self._sweeper.info, [coin])}
            return self._orders(coin, szi, mids)
        except (ConfigurationError, PreflightError) as error:
            words.append(f"{coin} must be closed by hand: {error}")
            return []

    async def _prices(self) -> dict[str, float]:
        """Reference prices: mids, else marks."""
        info = self._sweeper.info
        found: dict[str, float] = {}
        for dex in self._dexes:
            try:
                reply: Any = await info.post({"type": "allMids", **({"dex": dex} if dex else {})}, urgent=True)
                found |= {str(coin): float(px) for coin, px in reply.items()}
            except (VenueError, MalformedMessage, AttributeError, TypeError, ValueError):
                meta, rows = await info.meta_and_ctxs(dex)
                names = [str(row["name"]) for row in meta["universe"]]
                found |= {name: float(row["markPx"]) for name, row in zip(names, rows, strict=True)}
        return found

    def _orders(self, coin: str, szi: float, mids: Mapping[str, float]) -> list[Planned]:
        """One order that closes `szi`, or one probe a side when it is not known (0)."""
        grid, mid = self._grids[coin], mids.get(coin, 0.0)
        if mid <= 0.0:
            msg = f"the venue shows no price of {coin}"
            raise PreflightError(msg)
        cross_bps = CROSS_BPS[min(self._tries.get(coin, 0), len(CROSS_BPS) - 1)]
        lots = abs(grid.lots(szi)) if szi else max(1, grid.lots(PROBE_USD / mid))
        found = []
        for side in (SELL if szi > 0 else BUY,) if szi else SIDES:
            target = mid * (1.0 + SIGN[side] * cross_bps / 1e4) * 10**grid.px_decimals
            ticks = round_px(target, grid.px_decimals, side == BUY)
            wire = order_wire(grid, side, px_ticks=ticks, sz_lots=lots, tif="Ioc", reduce_only=True)
            found.append((coin, side, wire))
        return found

    def _learn(self, coin: str, side: int, leg: Leg) -> str:
        """What an answer says; empty when nothing is in the way."""
        word = "buying" if side == BUY else "selling"
        if leg.state is LegState.FILLED:
            self._say(f"{coin}: closed {leg.total_sz} by {word} at {leg.avg_px}")
            return ""
        if leg.refusal is Refusal.REDUCE_ONLY:
            self._nothing.add((coin, side))
            return ""
        if leg.refusal not in WORLD:
            self._tries[coin] = self._tries.get(coin, 0) + 1
        return f"{coin}: {leg.error}"

    def _expires_ms(self) -> int:
        return time.time_ns() // 1_000_000 + EXPIRES_MS


def _may_act(answer: ActionAnswer) -> None:
    """Raise when the venue does not know the key."""
    if is_signature_unknown(answer.error):
        raise VenueRefused(answer.error)
