"""The one place that says when an action will next be possible, and what it must be worth until then (HL §5).

Five budgets: requests of the address over its life, actions of the UTC day in unified modes, weight of this internet
address, messages and posts of its sockets; and the back-off after refusals of whole actions. Each keeps a reserve that
only cancels can spend; orders that reduce a position may use what is kept of the address and of the day.

From 80 % of any of them the price of an action rises, so that orders move less and thin out, and reads that can wait
come more rarely. The address is judged by what is left, not by its share: an old account lives near its growing cap.
"""

import time
from collections import deque
from typing import Final, NamedTuple

from portfolio_mm.actors.budget_view import BudgetView
from portfolio_mm.actors.gateway.backoff import Backoff
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.purpose import NOW, Next, Purpose
from portfolio_mm.domain.errors import OutcomeUnknown, VenueError, VenueRefused
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.order import Refusal
from portfolio_mm.domain.units import NS_PER_MS
from portfolio_mm.hyperliquid.errors import WORDS, Trouble, classify, is_expired, trouble_of
from portfolio_mm.hyperliquid.limits import (
    MAX_POSTS_IN_FLIGHT,
    MESSAGES_PER_MINUTE,
    STALE_ACTION_COST,
    AddressBudget,
    DayBudget,
    IpBudget,
    info_weight,
)
from portfolio_mm.hyperliquid.socket_limits import SocketBudget

UNPRICED: Final = 0.0
PROACTIVE: Final = 0.8
"""Share of a budget from which its use is slowed down."""
STEEPEST: Final = 64.0
"""How much dearer an action is when a budget is down to its reserve."""
GRANT: Final = 10_000
"""Requests an address is given at first; with a fifth of them left it counts as 80 % used."""
SOON_S: Final = 3_600.0
"""A reserve that will be reached within this time, at the rates of the last minutes, counts as 80 % used and more."""
JUDGED_NS: Final = 20 * NS_PER_MS
"""How long a judgement of how tight budgets are holds: ten orders of one batch need not ask ten times."""
LEAST_S: Final = 60.0
WINDOW_S: Final = 600.0
"""Rates are taken over at least and at most this long."""
FAR_S: Final = 600.0
"""What is said for "nobody knows when": look again then."""
SLOWEST: Final = 4.0
"""How much rarer reads that can wait come, at most."""


WHOLE: Final = frozenset({Refusal.BUDGET, Refusal.RATE_LIMIT, Refusal.STALE, Refusal.VENUE_OTHER})
"""Classes that speak of the account or the venue; one word for all legs may also speak of the orders."""


class Sample(NamedTuple):
    """What was spent and earned until a moment (seconds, requests, USD)."""

    at_s: float
    legs: int
    traded_usd: float


class Budgets:
    """What may be spent, and what it costs."""

    def __init__(self, clock: VenueClock, day_cap: int = 50_000) -> None:
        self._clock = clock
        self.address: Final = AddressBudget()
        self.day: Final = DayBudget(day_cap)
        self.ip: Final = IpBudget()
        self.socket: Final = SocketBudget()
        self.backoff: Final = Backoff()
        self.published_usd = UNPRICED
        """Shadow price of one action, from the portfolio."""
        self.counts_days = False
        self._legs = 0
        self._traded_usd = 0.0
        self._samples: deque[Sample] = deque()
        self._tight, self._judged_ns = 0.0, -JUDGED_NS - 1

    def set_mode(self, mode: AccountMode) -> None:
        """Only unified modes count actions per day (HL §5.4)."""
        self.counts_days = mode is not AccountMode.STANDARD

    # -- what happened -------------------------------------------------------------------------------------------

    def spend(self, legs: int) -> None:
        """The venue charged requests, or may have."""
        if legs:
            self._legs += legs
            self.address.spend(legs)
            self.day.spend(legs, self._clock.block_ms)

    def answered(self, error: str, count: int, *, cancel: bool) -> None:
        """An action was taken, or refused whole: that costs nothing, a stale one five requests a leg (HL §5.2)."""
        now_ns = time.monotonic_ns()
        if not error:
            self.spend(count)
            self.backoff.succeeded(now_ns, cancel=cancel)
            return
        if is_expired(error):
            self.spend(STALE_ACTION_COST * count)
        if classify(error) in WHOLE:
            self.backoff.failed(trouble_of(error), error, now_ns)

    def failed(self, error: VenueError, count: int) -> None:
        """An action was not answered; one whose outcome is not known may have been charged."""
        if isinstance(error, OutcomeUnknown):
            self.spend(count)
        trouble = trouble_of(str(error)) if isinstance(error, VenueRefused) else Trouble.BROKEN
        self.backoff.failed(trouble, str(error), time.monotonic_ns())

    def earn(self, traded_usd: float) -> None:
        """Volume was traded: one request a USD (HL §5.2)."""
        self._traded_usd += traded_usd
        self.address.spend(0, traded_usd=traded_usd)

    def claim(self, purpose: Purpose, now_ns: int) -> None:
        """An action is about to leave: beyond the budget it takes the one request of these ten seconds."""
        if self._needs_slot(purpose):
            self.address.take_slot(now_ns / 1e9)

    def observe(self, now_ns: int) -> None:
        """Once a second: what the rates are made of."""
        now_s, self._judged_ns = now_ns / 1e9, -JUDGED_NS - 1
        self._samples.append(Sample(now_s, self._legs, self._traded_usd))
        while self._samples[0].at_s < now_s - WINDOW_S:
            self._samples.popleft()

    # -- when ----------------------------------------------------------------------------------------------------

    def next_action(self, purpose: Purpose, now_ns: int) -> Next:
        """When one more leg, or one more read, will be possible; the longest wait counts."""
        now_s = now_ns / 1e9
        worst = NOW
        for found in (
            self._after_failure(purpose, now_ns),
            self._ip(purpose, now_s),
            self._requests(purpose, now_s) if purpose is not Purpose.READ else NOW,
            self._sockets(purpose, now_s) if purpose is not Purpose.READ else NOW,
        ):
            if found.wait_s > worst.wait_s:
                worst = found
        return worst

    def batch(self, purpose: Purpose, most: int) -> int:
        """Legs that may go in one action: one beyond the address budget, else no more than fit."""
        if self._needs_slot(purpose):
            return 1
        return most if purpose is Purpose.CANCEL else max(1, min(most, self.address.left))

    def _after_failure(self, purpose: Purpose, now_ns: int) -> Next:
        trouble = self.backoff.trouble
        if purpose is Purpose.READ and trouble is not Trouble.THROTTLED:
            return NOW
        wait_s = self.backoff.wait_s(now_ns, cancel=purpose is Purpose.CANCEL)
        refusal = Refusal.BUDGET if trouble is Trouble.BUDGET else Refusal.RATE_LIMIT
        return Next(wait_s, WORDS[trouble], refusal) if wait_s > 0.0 else NOW

    def _ip(self, purpose: Purpose, now_s: float) -> Next:
        """Weight of the address. A cancel does not wait for our count, which others behind the address make wrong.

        One the venue refuses costs nothing and is tried again after its pause; an order left resting may cost anything.
        """
        if purpose is Purpose.CANCEL:
            return NOW
        weight = info_weight("") if purpose is Purpose.READ else 1
        wait_s = self.ip.wait_s(weight, now_s, urgent=purpose is not Purpose.READ)
        if wait_s <= 0.0:
            return NOW
        words = f"{self.ip.used(now_s)} of {self.ip.cap} weight of this internet address used this minute"
        return Next(wait_s, words, Refusal.RATE_LIMIT)

    def _sockets(self, purpose: Purpose, now_s: float) -> Next:
        wait_s = self.socket.post_wait_s(now_s, cancel=purpose is Purpose.CANCEL)
        if wait_s <= 0.0:
            return NOW
        words = f"{self.socket.messages(now_s)} messages this minute, {self.socket.posts} posts await answers"
        return Next(wait_s, words, Refusal.RATE_LIMIT)

    def _needs_slot(self, purpose: Purpose) -> bool:
        """Whether an action of this purpose is beyond the address budget, and only one goes every ten seconds."""
        address = self.address
        if address.cap <= 0 or purpose is Purpose.READ:
            return False
        return not address.may_spend(1, cancel=True) if purpose is Purpose.CANCEL else address.left < 1

    def _requests(self, purpose: Purpose, now_s: float) -> Next:
        """The address and the day."""
        address = self.address
        if address.cap <= 0:  # not read yet: only what takes risk away
            blind = Next(FAR_S, "the address budget was not read yet", Refusal.BUDGET)
            return blind if purpose is Purpose.PLACE else NOW
        if purpose is Purpose.PLACE and not address.may_spend(1):
            words = f"{address.left} requests of the address left, {address.reserve} are kept for cancels and reducing"
            return Next(self._earned_s(), words, Refusal.BUDGET)
        if self.counts_days:
            now_ms = self._clock.block_ms
            if not self.day.may_spend(1, now_ms, cancel=purpose is not Purpose.PLACE):
                words = f"{self.day.used(now_ms)} of {self.day.cap} actions of the UTC day used"
                return Next(self.day.left_s(now_ms), words, Refusal.BUDGET)
        if self._needs_slot(purpose):
            return Next(address.slot_wait_s(now_s), WORDS[Trouble.BUDGET], Refusal.BUDGET)
        return NOW

    def _earned_s(self) -> float:
        """Seconds until trading has earned what lacks, at the rate of the last minutes."""
        _, earned = self._rates()
        lacks = self.address.reserve + 1 - self.address.left
        return min(FAR_S, lacks / earned) if earned > 0.0 else FAR_S

    # -- how tight -----------------------------------------------------------------------------------------------

    def _rates(self) -> tuple[float, float]:
        """Requests and USD a second over the last minutes; zero before there were any."""
        if not self._samples or self._samples[-1].at_s - self._samples[0].at_s < LEAST_S:
            return 0.0, 0.0
        first, last = self._samples[0], self._samples[-1]
        elapsed_s = last.at_s - first.at_s
        return (last.legs - first.legs) / elapsed_s, (last.traded_usd - first.traded_usd) / elapsed_s

    def forecast_s(self) -> float:
        """Seconds until only the address's reserve is left; infinite when trading earns more than it costs."""
        return self.address.forecast_s(*self._rates())

    def shares(self, now_ns: int) -> tuple[tuple[str, float], ...]:
        """How much of each budget is used; 1 is where only its reserve is left."""
        now_s, address, socket = now_ns / 1e9, self.address, self.socket
        grant = max(1, min(address.cap, GRANT) - address.reserve)
        spent = 0.0 if address.cap <= 0 else 1.0 - (address.left - address.reserve) / grant
        left_s = self.forecast_s()
        soon = 0.0 if left_s >= SOON_S else 1.0 - (1.0 - PROACTIVE) * left_s / SOON_S
        rows = [
            ("address requests", max(0.0, spent, soon)),
            ("weight of this internet address", self.ip.used(now_s) / (self.ip.cap - self.ip.cancels)),
            ("messages a minute", socket.messages(now_s) / MESSAGES_PER_MINUTE),
            ("posts in flight", socket.posts / MAX_POSTS_IN_FLIGHT),
        ]
        if self.counts_days:
            rows.append(("actions of the day", self.day.used(self._clock.block_ms) / (self.day.cap - self.day.reserve)))
        return tuple(rows)

    def tight(self, now_ns: int) -> float:
        """How far the tightest budget is from 80 % (0) to its reserve (1)."""
        if abs(now_ns - self._judged_ns) > JUDGED_NS:
            share = max(share for _, share in self.shares(now_ns))
            self._tight = min(1.0, max(0.0, (share - PROACTIVE) / (1.0 - PROACTIVE)))
            self._judged_ns = now_ns
        return self._tight

    def price_usd(self, now_ns: int) -> float:
        """What an action must earn: the portfolio's price, and more of it when a budget runs short."""
        return self.published_usd * float(STEEPEST ** self.tight(now_ns))

    def patience(self, now_ns: int) -> float:
        """How much longer than usual reads that can wait are put off: 1 to SLOWEST."""
        share = self.ip.used(now_ns / 1e9) / (self.ip.cap - self.ip.reserve)
        return 1.0 + (SLOWEST - 1.0) * min(1.0, max(0.0, (share - PROACTIVE) / (1.0 - PROACTIVE)))

    # -- for people ----------------------------------------------------------------------------------------------

    def view(self, now_ms: int, now_ns: int) -> BudgetView:
        """For people and monitors; a cap of 0 means that there is none."""
        now_s = now_ns / 1e9
        place, cancel, read = (self.next_action(p, now_ns) for p in (Purpose.PLACE, Purpose.CANCEL, Purpose.READ))
        name, share = max(self.shares(now_ns), key=lambda row: row[1])
        return BudgetView(
            address_used=self.address.used,
            address_cap=self.address.cap + self.address.surplus,
            day_used=self.day.used(now_ms),
            day_cap=self.day.cap if self.counts_days else 0,
            ip_weight_used=self.ip.used(now_s),
            ip_weight_cap=self.ip.cap,
            action_price_usd=self.price_usd(now_ns),
            place_wait_s=place.wait_s,
            cancel_wait_s=cancel.wait_s,
            read_wait_s=min(FAR_S, read.wait_s),
            why=place.why or cancel.why,
            tightest=name,
            tightest_share=share,
            address_left_s=min(1e9, self.forecast_s()),
            messages_used=self.socket.messages(now_s),
            posts_in_flight=self.socket.posts,
            connects_used=self.socket.connects(now_s),
            connections=self.socket.connections,
            subscriptions=self.socket.subscriptions,
            users=self.socket.users,
            trouble=self.backoff.trouble.name,
        )
