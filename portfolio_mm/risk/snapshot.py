"""What monitors read: the account at one moment, as plain numbers. The risk actor fills it from the gateway's view."""

from math import inf, isfinite

import msgspec

from portfolio_mm.risk.drawdown import Marks


class CoinSnapshot(msgspec.Struct, frozen=True):
    """One coin, USD notional at mark.

    `position_usd` is signed. `worst_long_usd` and `worst_short_usd` are not negative: the position if every buy
    (every sell) that rests, is in flight or of unknown fate were filled. `feed_age_s` is the age of the newest book or
    best-bid-offer message, infinite when none came yet.
    """

    coin: str
    position_usd: float
    worst_long_usd: float
    worst_short_usd: float
    feed_age_s: float


class PotSnapshot(msgspec.Struct, frozen=True):
    """Money that backs the positions of some coins, and only those. `all_move` is the adverse fraction to the end."""

    name: str
    coins: tuple[str, ...]
    equity_usd: float
    maintenance_usd: float
    all_move: float


class Snapshot(msgspec.Struct, frozen=True):
    """The account when the gateway looked at it, `taken_ns` on the monotonic clock of the host gateway and risk share.

    Ages are seconds at `taken_ns`, infinite when the thing was never heard. Day and address budgets count requests;
    a cap of 0 means the venue has no such cap. `user_kill` is the reason a person gave, empty without one.
    """

    taken_ns: int
    venue_ms: int
    equity_usd: float
    margin_used_usd: float
    maintenance_usd: float
    marks: Marks
    account_age_s: float
    user_stream_age_s: float
    watchdog_age_s: float
    reconciled: bool
    coins: tuple[CoinSnapshot, ...]
    day_used: int
    day_cap: int
    address_used: int
    address_cap: int
    user_kill: str = ""
    pots: tuple[PotSnapshot, ...] = ()
    liquidated_age_s: float = inf
    deleveraged_age_s: float = inf
    """Since the venue forced a position of ours; infinite when it never did."""

    @property
    def known(self) -> bool:
        """Whether every amount of money in it is a number."""
        amounts = [self.equity_usd, self.margin_used_usd, self.maintenance_usd, self.marks.earned_usd]
        amounts += [a for c in self.coins for a in (c.position_usd, c.worst_long_usd, c.worst_short_usd)]
        return all(isfinite(amount) for amount in amounts)

    def late_s(self, now_ns: int) -> float:
        """Seconds that have passed since the snapshot was taken; to be added to every age in it."""
        return max(0.0, (now_ns - self.taken_ns) / 1e9)
