"""Market data messages as any Hyperliquid socket sends them, read as numbers (HL §4.3)."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from portfolio_mm.venue.flows.flow import CoinContext

Amount = Annotated[float, Meta(gt=0, le=1e12)]
"""A price, USD, or a size, coins."""
BlockTime = Annotated[int, Meta(ge=0, le=2**53)]


class FeedLevel(msgspec.Struct):
    """One price; numbers come as strings, `n` is the count of orders."""

    px: Amount
    sz: Amount
    n: Annotated[int, Meta(ge=0, le=2**53)] = 1


class FeedBook(msgspec.Struct):
    """A full book, bids and asks best first."""

    coin: str
    time: BlockTime
    levels: tuple[list[FeedLevel], list[FeedLevel]]


class FeedBest(msgspec.Struct):
    """Best prices of a block; a side may be empty."""

    coin: str
    time: BlockTime
    bbo: tuple[FeedLevel | None, FeedLevel | None]


class FeedTrade(msgspec.Struct):
    """One trade; side B: the aggressor bought."""

    coin: str
    side: Literal["A", "B"]
    px: Amount
    sz: Amount
    time: BlockTime
    tid: int


class FeedFigures(msgspec.Struct, rename="camel"):
    """Figures of a perpetual's context (HL §1.3)."""

    mark_px: float
    oracle_px: float
    funding: float
    open_interest: float
    day_ntl_vlm: float = 0.0

    def context(self) -> CoinContext:
        """As the flows give it."""
        return CoinContext(self.mark_px, self.oracle_px, self.funding, self.open_interest, modelled=False)


class FeedContext(msgspec.Struct):
    """Context of one coin."""

    coin: str
    ctx: FeedFigures


class FeedListed(msgspec.Struct, rename="camel"):
    """One row of the universe."""

    name: str
    sz_decimals: int
    max_leverage: int
    margin_table_id: int = 0
    only_isolated: bool = False
    is_delisted: bool = False


class FeedMeta(msgspec.Struct):
    """The universe."""

    universe: list[FeedListed]


class FeedFrame(msgspec.Struct):
    """Any server frame."""

    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


FRAMES: Final = msgspec.json.Decoder(FeedFrame)
BOOKS: Final = msgspec.json.Decoder(FeedBook, strict=False)
BESTS: Final = msgspec.json.Decoder(FeedBest, strict=False)
TRADES: Final = msgspec.json.Decoder(list[FeedTrade], strict=False)
CONTEXTS: Final = msgspec.json.Decoder(FeedContext, strict=False)
META_AND_CONTEXTS: Final = msgspec.json.Decoder(tuple[FeedMeta, list[FeedFigures]], strict=False)
