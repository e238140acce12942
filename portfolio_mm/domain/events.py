"""The event record: everything a coin may ever hear, as one flat record.

One event is one record; a wire message with several trades becomes several events, the last one flagged `LAST`.
`docs/wiring.md` lists which part hears which kind.

Fields by kind (a field not named for a kind is zero):

| kind | fields |
|---|---|
| TIMER | recv_ns |
| BBO | venue_ms, bid_px[0], bid_sz[0], ask_px[0], ask_sz[0], bid_ticks, ask_ticks (a missing side is 0) |
| BOOK | venue_ms, bid_px/bid_sz/ask_px/ask_sz up to BOOK_LEVELS best first, bid_ticks, ask_ticks |
| TRADE | venue_ms, side (aggressor), px, sz, tid, bits LAST |
| CONTEXT | venue_ms, px mark, px2 oracle, sz hourly funding rate (fraction), sz2 open interest (coins), px_ticks mark |
| FEED | status 1 up / 0 down: the market feed (re)connected or was lost; after "down" the book is not to be trusted |
| REFERENCE | the reference venue's book of this coin, in units of our coin: venue_ms (its clock), bid_px/bid_sz/ask_px/\
ask_sz up to BOOK_LEVELS best first, sz and sz2 coins on both sides of its deep book (0 unknown) |
| REFERENCE_TRADE | a trade there: venue_ms, side (aggressor), px, sz, in units of our coin |
| LEADER | coin j of the account, not this one: venue_ms, px its mid |
| ORDER | own order of this coin: side, level, status (`OrderEvent`), cloid, oid, px_ticks, sz_lots (remaining), seq; \
refused: oid `Refusal`, tid ns until the next order is possible (0 unknown) |
| FILL | any coin of the account: coin, side, px_ticks, sz_lots, fee_1e8, tid, oid, cloid, seq; bits TAKER |
| POSITION | any coin: coin, sz_lots (signed position), px_ticks average entry, seq: replaces what was known |
| ACCOUNT | px equity USD, px2 free collateral USD, sz maker fee bps, sz2 taker fee bps, status `AccountMode` |
| FUNDING | coin, fee_1e8 (payment, positive = received) |
| ALLOCATION | this coin: px inventory target USD, px2 inventory limit USD, sz action price USD per action, \
sz2 gamma per (bps USD), oid valid-for ns, seq version |
| SKEW | coin j, px coefficient sqrt(gamma) Gamma_ij in bps per USD, seq version (precede the ALLOCATION of that version) |
| LEAD | coin j leads this one: px bps of this coin's move per bps of j's, sz seconds until it has followed, seq version \
(precede the ALLOCATION of that version, which drops leads of other versions) |
| PERMIT | status `RiskState`, oid valid-for ns (0 = none), seq epoch |
| MODE | status `CoinMode`: what the operator or the gateway asks of this coin, oid `Mood`: the venue's reason for it |
| DEADLINE | oid ns until this coin should hold nothing (0: no deadline) |
| SYNC | seq: the account stream (re)starts here; POSITION and ORDER events of a full snapshot follow, LAST ends it |
"""  # noqa: E501

from enum import IntEnum
from typing import Final

from portfolio_mm.domain.records import record

BOOK_LEVELS: Final = 5


class EventKind(IntEnum):
    """What happened."""

    TIMER = 1
    BBO = 2
    BOOK = 3
    TRADE = 4
    CONTEXT = 5
    FEED = 6
    REFERENCE = 7
    REFERENCE_TRADE = 8
    LEADER = 9
    ORDER = 10
    FILL = 11
    POSITION = 12
    ACCOUNT = 13
    FUNDING = 14
    SYNC = 15
    ALLOCATION = 20
    SKEW = 21
    PERMIT = 22
    MODE = 23
    LEAD = 24
    DEADLINE = 25


class CoinMode(IntEnum):
    """What a coin is asked to do."""

    TRADE = 0
    REDUCE_ONLY = 1
    CANCEL_ONLY = 2


class Mood(IntEnum):
    """Why the venue or the account's money lets a coin do less (EVENT.oid of kind MODE)."""

    NONE = 0
    OI_CAP = 1
    """Open interest is at the venue's cap: only reducing is taken."""
    DELISTED = 2
    HALTED = 3
    """Its deployer halted it (HIP-3); it may come back."""
    ORACLE_SILENT = 4
    """Its deployer sets no prices: the mark is the book's own."""
    MONEY_ELSEWHERE = 5
    """The money that would back it lies in another wallet or dex."""


class AccountMode(IntEnum):
    """How the venue keeps the account's collateral (HL §8.6)."""

    STANDARD = 0
    UNIFIED = 1
    PORTFOLIO_MARGIN = 2


LAST: Final = 1
"""Bit: last event of its wire message; quotes are decided once per message."""
TAKER: Final = 2
"""Bit on FILL: our order crossed (venue field `crossed`)."""
REPLAYED: Final = 4
"""Bit: this event repeats history (snapshot or journal); it updates state and learns nothing twice."""

EVENT = record(
    [
        ("kind", "i4"),
        ("coin", "i4"),
        ("side", "i4"),
        ("level", "i4"),
        ("status", "i4"),
        ("bits", "i4"),
        ("seq", "i8"),
        ("venue_ms", "i8"),
        ("recv_ns", "i8"),
        ("oid", "i8"),
        ("tid", "i8"),
        ("cloid_hi", "u8"),
        ("cloid_lo", "u8"),
        ("px_ticks", "i8"),
        ("sz_lots", "i8"),
        ("fee_1e8", "i8"),
        ("bid_ticks", "i8"),
        ("ask_ticks", "i8"),
        ("px", "f8"),
        ("sz", "f8"),
        ("px2", "f8"),
        ("sz2", "f8"),
        ("bid_px", "f8", (BOOK_LEVELS,)),
        ("bid_sz", "f8", (BOOK_LEVELS,)),
        ("ask_px", "f8", (BOOK_LEVELS,)),
        ("ask_sz", "f8", (BOOK_LEVELS,)),
    ]
)
