"""A flow that does only what a test says: real order books, background orders placed by hand."""

from itertools import count

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.book import OrderBook
from portfolio_mm.matching.market import Fill, Market, NewOrder, Print, Tif
from portfolio_mm.venue.flows.flow import Block, CoinBlock, CoinContext

BTC = Instrument("BTC", 0, 0, 5, 40, 56)
ETH = Instrument("ETH", 1, 1, 4, 25, 55)
WLFI = Instrument("WLFI", 2, 2, 0, 5, 5)
SOL = Instrument("SOL", 3, 3, 2, 20, 54)
TSLA = Instrument("xyz:TSLA", 4, 4, 3, 3, 3)
GOLD = Instrument("xyz:GOLD", 5, 5, 3, 3, 3)
COIN = Instrument("flx:COIN", 6, 6, 3, 3, 3)
OF_DEXES = (TSLA, GOLD, COIN)
"""As a flow sees coins of other dexes: how they are listed it does not know."""
MID = {"BTC": 100_000.0, "ETH": 4_000.0, "WLFI": 0.2, "SOL": 200.0}
MID |= {"xyz:TSLA": 400.0, "xyz:GOLD": 500.0, "flx:COIN": 150.0}
START_MS = 1_000
CHANGED = (True, True, False)
UNCHANGED = (False, False, False)


class StillFlow:
    """Books ten ticks wide around MID, with a thousand USD or so at each of a few prices."""

    def __init__(self, more: tuple[Instrument, ...] = ()) -> None:
        self._instruments = (BTC, ETH, WLFI, SOL, *more)
        self._books = {coin.coin: OrderBook() for coin in self.instruments()}
        self._contexts = {c: CoinContext(px, px, 0.0000125, 1000.0, modelled=False) for c, px in MID.items()}
        self._oids = count(1)
        self._waiting: list[CoinBlock] = []
        for coin in self.instruments():
            tick = 10 ** (coin.px_decimals - (0 if coin.coin == "BTC" else 1 if coin.coin == "ETH" else 2))
            tick = 10 if coin.coin == "WLFI" else tick
            for level in range(1, 6):
                for side, sign in ((BUY, -1), (SELL, 1)):
                    px = coin.ticks(MID[coin.coin]) + sign * level * tick
                    self.rest(coin, side, px, coin.lots(1_000 / MID[coin.coin]))

    def rest(self, coin: Instrument, side: int, px_ticks: int, lots: int) -> None:
        """Background order."""
        self._books[coin.coin].place(NewOrder(-next(self._oids), 0, side, px_ticks, lots, Tif.GTC))

    def hit(self, coin: Instrument, side: int, px_ticks: int, lots: int) -> None:
        """Background taker, told in the next block."""
        placed = self._books[coin.coin].place(NewOrder(-next(self._oids), 0, side, px_ticks, lots, Tif.IOC))
        prints = tuple(Print(f.px_ticks, f.sz_lots, f.aggressor_side) for f in placed.fills)
        fills: tuple[Fill, ...] = tuple(f for f in placed.fills if f.maker_owner)
        self._waiting.append(CoinBlock(coin.coin, fills, prints, *CHANGED, None))

    def mark(self, coin: Instrument, px: float) -> None:
        """New mark and oracle price."""
        context = CoinContext(px, px, 0.0000125, 1000.0, modelled=False)
        self._contexts[coin.coin] = context
        self._waiting.append(CoinBlock(coin.coin, (), (), *UNCHANGED, context))

    @property
    def start_ms(self) -> int:
        return START_MS

    def instruments(self) -> tuple[Instrument, ...]:
        return self._instruments

    def markets(self) -> dict[str, Market]:
        return dict(self._books)

    def context(self, coin: str) -> CoinContext:
        return self._contexts[coin]

    def day_volume_usd(self, coin: str) -> float:
        return 10.0 * MID[coin]

    @property
    def over(self) -> bool:
        return False

    def next_ms(self) -> int | None:
        return 0 if self._waiting else None

    def advance(self, now_ms: int) -> Block:
        waiting, self._waiting = self._waiting[:1], self._waiting[1:]
        return Block(now_ms, tuple(waiting))
