"""Hourly funding from premium samples (HL §9).

A sample every five seconds of venue time; the rate of an hour is an eighth of
F = P + clamp(0.01 % - P, -0.05 %, 0.05 %), P the mean of the samples, at most 4 % either way. It is paid, in millionths
of a dollar (recorded payments and their sums), on the position held and the oracle price at a moment 15 to 46 ms past
the hour, the same for all (recorded stamps).
"""

from typing import Any, Final

from portfolio_mm.venue.clearinghouse.position import TICK_LOT_1E8
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.protocol.amounts import rounded, usd_text, wire_text
from portfolio_mm.venue.state import CoinState, VenueState

HOUR_MS: Final = 3_600_000
SAMPLE_MS: Final = 5_000
RATE_DECIMALS: Final = 10
RATE_UNIT: Final = 10**RATE_DECIMALS
MICRO_1E8: Final = 100
FIRST_STAMP_MS: Final = 15
STAMPS_MS: Final = 32
OTHER_VENUES: Final = ("BinPerp", "BybitPerp")


def stamp_ms(hour: int) -> int:
    """When the funding of the hour that ends at `hour` (hours since the epoch) is paid.

    >>> [stamp_ms(hour) - hour * 3_600_000 for hour in (480_000, 480_001, 480_002)]
    [15, 36, 25]
    """
    return hour * HOUR_MS + FIRST_STAMP_MS + hour * 21 % STAMPS_MS


def sample(state: VenueState, before_ms: int) -> None:
    """Take the premium of every coin when a sample is due; a book too thin for impact prices has none."""
    if state.now_ms // SAMPLE_MS == before_ms // SAMPLE_MS:
        return
    for book in state.books:
        premium = book.premium_1e10()
        if premium is not None:
            book.funding.take(premium)


def pay(state: VenueState, latest_ms: int) -> None:
    """Pay what fell due since the latest block before: an hour is paid once, also when the clock steps back over it."""
    for hour in range(latest_ms // HOUR_MS, state.now_ms // HOUR_MS + 1):
        if latest_ms < stamp_ms(hour) <= state.now_ms:
            pay_all(state, stamp_ms(hour))


def pay_all(state: VenueState, at_ms: int) -> None:
    """Pay one hour of every coin."""
    for book in state.books:
        if book.halted:
            continue
        rate = book.funding_1e10()
        premium = book.funding.mean_1e10
        row = {
            "coin": book.coin.coin,
            "fundingRate": wire_text(rate, RATE_DECIMALS),
            "premium": wire_text(premium, RATE_DECIMALS),
            "time": at_ms,
        }
        book.rates.append(row)
        book.funding.clear()
        for user in state.holders():
            if user.szi(book.coin.index):
                _charge(state, user, book, rate, at_ms)


def _charge(state: VenueState, user: User, book: CoinState, rate_1e10: int, at_ms: int) -> None:
    """Longs pay when the rate is positive: position times oracle price times rate."""
    coin, position = book.coin, user.position(book.coin.index)
    notional_1e8 = position.szi * book.oracle_ticks * TICK_LOT_1E8
    paid = rounded(notional_1e8 * rate_1e10, RATE_UNIT * MICRO_1E8) * MICRO_1E8
    if position.isolated:
        position.raw_1e8 -= paid
    else:
        user.raw_1e8 -= paid
    position.fund(paid)
    delta = {
        "coin": coin.coin,
        "usdc": usd_text(-paid),
        "szi": wire_text(position.szi, coin.sz_decimals),
        "fundingRate": wire_text(rate_1e10, RATE_DECIMALS),
        "nSamples": None,
    }
    user.fundings.append({"time": at_ms, "hash": state.block_hash(), "delta": {"type": "funding", **delta}})
    state.outbox.fundings[user.number].append({"time": at_ms, **delta})


def predicted(state: VenueState) -> list[Any]:
    """Reply to `predictedFundings`, of the first dex alone: the running hour's rate; other venues are unknown."""
    hour = state.latest_ms // HOUR_MS
    due = next(stamp for stamp in (stamp_ms(hour), stamp_ms(hour + 1)) if stamp > state.latest_ms)
    shown = []
    for coin in state.listing.dexes[0].coins:
        book = state.books[coin.index]
        rate = wire_text(book.funding_1e10(), RATE_DECIMALS)
        ours = {"fundingRate": rate, "nextFundingTime": due // HOUR_MS * HOUR_MS, "fundingIntervalHours": 1}
        shown.append([book.coin.coin, [["HlPerp", ours], *([venue, None] for venue in OTHER_VENUES)]])
    return shown
