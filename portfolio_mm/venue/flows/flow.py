"""The interface of a flow: it owns one market per coin and moves them all in venue time, block by block."""

from typing import NamedTuple, Protocol

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.matching.market import Fill, Market, Print


class CoinContext(NamedTuple):
    """Asset context of one coin: prices USD, funding a fraction per hour, open interest in coins.

    `modelled` is true when the values come from a stated model and not from a recording of the venue. `perp_px` is the
    median of other venues' perp mids, None where the flow has none.
    """

    mark_px: float
    oracle_px: float
    funding_rate: float
    open_interest: float
    modelled: bool
    perp_px: float | None = None


class CoinBlock(NamedTuple):
    """What one block did to one coin; only coins to which something happened are listed.

    `fills` are matches of owners' resting orders; `prints` all public trades, those fills included. `snapshot` says
    that a tape recorded a full book here. `context` is None when it did not change. `dark` says that the flow has
    lost sight of the coin (a gap or the end of a recording, a silent upstream): nothing of its market is published
    meanwhile.
    """

    coin: str
    fills: tuple[Fill, ...]
    prints: tuple[Print, ...]
    bbo_changed: bool
    book_changed: bool
    snapshot: bool
    context: CoinContext | None
    dark: bool = False


class Block(NamedTuple):
    """Everything up to one venue time."""

    venue_ms: int
    coins: tuple[CoinBlock, ...]


class Flow(Protocol):
    """What drives the markets. Times are venue milliseconds; the caller maps them to its own clock."""

    @property
    def start_ms(self) -> int:
        """Venue time of the state the markets are in before the first block."""
        ...

    def instruments(self) -> tuple[Instrument, ...]:
        """The coins in universe order: `index` equals `asset` equals position; leverage and margin table included."""
        ...

    def markets(self) -> dict[str, Market]:
        """The live market of every coin; they have books from the start."""
        ...

    def context(self, coin: str) -> CoinContext:
        """The latest context of a coin, from the start on."""
        ...

    def day_volume_usd(self, coin: str) -> float:
        """Modelled 24 h notional volume before the start, for the asset context."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing will ever happen again: a tape that ended. Its coins are dark then."""
        ...

    def next_ms(self) -> int | None:
        """Time of the next block; None when there is none, or none is known yet."""
        ...

    def advance(self, now_ms: int) -> Block:
        """Apply all blocks with a time up to and including `now_ms`, as one; `venue_ms` is that of the last one.

        For block-exact behaviour call it with `next_ms()`. When no block is due the result has no coins.
        """
        ...
