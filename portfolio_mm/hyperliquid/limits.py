"""The venue's scarce request budgets, as plain arithmetic with time passed in (HL §5).

IpBudget: REST weight per minute of an address on the internet. AddressBudget: requests an account earned by trading.
DayBudget: 50,000 actions a UTC day in unified and portfolio-margin mode. Cancels may always spend what is reserved.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from portfolio_mm.domain.errors import MalformedMessage

IP_WEIGHT_PER_MINUTE: Final = 1200
DAY_ACTIONS: Final = 50_000
MS_PER_DAY: Final = 86_400_000
STALE_ACTION_COST: Final = 5
"""An action that reaches the venue after its `expiresAfter` costs five requests a leg (HL §2.1)."""
SLOT_S: Final = 10.5
"""Beyond its budget an address gets one request per 10 s; passes were measured about 11 s apart (HL §5.2)."""
MAX_CONNECTIONS: Final = 10
CONNECTS_PER_MINUTE: Final = 30
MAX_SUBSCRIPTIONS: Final = 1000
MAX_USERS: Final = 10
MESSAGES_PER_MINUTE: Final = 2000
MAX_POSTS_IN_FLIGHT: Final = 100
"""Websocket limits per IP (HL §5.3)."""
_LIGHT: Final = frozenset(
    {"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus"}
)
_PER_20: Final = frozenset(
    {
        "recentTrades",
        "historicalOrders",
        "userFills",
        "userFillsByTime",
        "fundingHistory",
        "userFunding",
        "userNonFundingLedgerUpdates",
        "twapHistory",
        "userTwapSliceFills",
        "userTwapSliceFillsByTime",
        "delegatorHistory",
        "delegatorRewards",
        "validatorStats",
    }
)


def info_weight(request_type: str) -> int:
    """Weight of an /info request before its items (HL §5.1)."""
    if request_type in _LIGHT:
        return 2
    return 60 if request_type == "userRole" else 20


def item_weight(request_type: str, items: int) -> int:
    """Extra weight of a reply with that many rows (HL §5.1)."""
    if request_type in _PER_20:
        return items // 20
    return items // 60 if request_type == "candleSnapshot" else 0


def exchange_weight(legs: int) -> int:
    """Weight of an /exchange action with that many legs (HL §5.1)."""
    return 1 + legs // 40


class IpBudget:
    """Weight spent in the sliding last minute; share one object among all clients behind one internet address."""

    def __init__(self, cap: int = IP_WEIGHT_PER_MINUTE, reserve: int = 200, cancels: int = 60) -> None:
        self.cap: Final = cap
        self.reserve: Final = reserve
        """Weight that only urgent requests (actions, reconciliation) may use."""
        self.cancels: Final = cancels
        """Weight within it that is left to cancels, which do not wait for this count: two thousand orders."""
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._beside: dict[str, tuple[float, int]] = {}

    def beside(self, who: str, weight: int, now_s: float) -> None:
        """What another program of ours behind this address says that it has used in the last minute."""
        self._beside[who] = (now_s, weight)

    def used(self, now_s: float) -> int:
        """Weight spent since `now_s - 60`, here and beside."""
        while self._spent and self._spent[0][0] <= now_s - 60.0:
            self._sum -= self._spent.popleft()[1]
        return self._sum + sum(weight for at_s, weight in self._beside.values() if at_s > now_s - 60.0)

    def wait_s(self, weight: int, now_s: float, *, urgent: bool = False) -> float:
        """Seconds until `weight` may be spent; 0 means now. Infinite when it never fits."""
        ceiling = self.cap - (self.cancels if urgent else self.reserve)
        excess = self.used(now_s) + weight - ceiling
        if excess <= 0:
            return 0.0
        for at, spent in self._spent:
            excess -= spent
            if excess <= 0:
                return at + 60.0 - now_s
        return float("inf") if weight > ceiling else 60.0  # beside: a minute from now it is gone, or said anew

    def spend(self, weight: int, now_s: float) -> None:
        """Book weight that was, or is about to be, spent; may overdraw (the venue counts what it counts)."""
        self._spent.append((now_s, weight))
        self._sum += weight

    def spent(self, now_s: float) -> list[tuple[float, int]]:
        """What was spent since `now_s - 60`: when (seconds, of `now_s`'s clock) and how much."""
        self.used(now_s)
        return list(self._spent)

    def throttled(self, now_s: float) -> None:
        """The venue said 429: others spend behind this address too. Book a quarter of the minute for them.

        Never beyond the cap: however often it is said, the minute is full once.
        """
        self.spend(min(self.cap // 4, max(0, self.cap - self.used(now_s))), now_s)


class AddressBudget:
    """Requests the account has left: 10,000 plus one per USD traded, over its life (HL §5.2).

    Placing stops at the reserve; cancels go on to the venue's own higher ceiling, min(cap + 100,000, 2 cap).
    """

    def __init__(self, reserve: int = 500) -> None:
        self.reserve: Final = reserve
        self.used = 0
        self.cap = 0
        self.surplus = 0
        self._slot_s = -SLOT_S

    def update(self, reply: Mapping[str, Any]) -> None:
        """Take over the venue's count (`userRateLimit`).

        Raises:
            MalformedMessage: a counter is missing or not a number.
        """
        try:
            used, cap = int(reply["nRequestsUsed"]), int(reply["nRequestsCap"])
            surplus = int(reply.get("nRequestsSurplus", 0))
        except (KeyError, TypeError, ValueError) as error:
            msg = f"userRateLimit: {error!r} in {reply!r}"
            raise MalformedMessage(msg) from error
        self.used, self.cap, self.surplus = used, cap, surplus

    @property
    def left(self) -> int:
        """Requests left before the venue slows us to one per 10 s; negative when overdrawn."""
        return self.cap - self.used + self.surplus

    def may_spend(self, legs: int, *, cancel: bool = False) -> bool:
        """Whether `legs` more requests fit: all others keep the reserve free for cancels."""
        if cancel:
            ceiling = min(self.cap + 100_000, 2 * self.cap)
            return self.used + legs <= ceiling + self.surplus
        return self.left - legs >= self.reserve

    def slot_wait_s(self, now_s: float) -> float:
        """Beyond the budget: seconds until the venue takes the next single request; 0 means now."""
        return max(0.0, self._slot_s + SLOT_S - now_s)

    def take_slot(self, now_s: float) -> None:
        """The single request of the next ten seconds is on its way."""
        self._slot_s = now_s

    def spend(self, legs: int, *, traded_usd: float = 0.0) -> None:
        """Book requests the venue accepted and the volume that earned new ones (1 per USD)."""
        self.used += legs
        self.cap += int(traded_usd)

    def forecast_s(self, legs_per_s: float, volume_usd_per_s: float) -> float:
        """Seconds until only the reserve is left at these rates; infinite when trading earns more than it costs."""
        drain = legs_per_s - volume_usd_per_s
        if drain <= 0.0:
            return float("inf")
        return max(0.0, (self.left - self.reserve) / drain)


class DayBudget:
    """Actions of the UTC day in unified and portfolio-margin mode; every leg counts, the careful reading of HL §5.4."""

    def __init__(self, cap: int = DAY_ACTIONS, reserve: int = 1000) -> None:
        self.cap: Final = cap
        self.reserve: Final = reserve
        self._day = -1
        self._used = 0

    def used(self, now_ms: int) -> int:
        """Legs counted since midnight UTC of `now_ms` (venue time)."""
        self._roll(now_ms)
        return self._used

    def may_spend(self, legs: int, now_ms: int, *, cancel: bool = False) -> bool:
        """Whether `legs` more fit today; only cancels may use the reserve."""
        ceiling = self.cap if cancel else self.cap - self.reserve
        return self.used(now_ms) + legs <= ceiling

    def spend(self, legs: int, now_ms: int) -> None:
        """Book legs that were sent."""
        self._roll(now_ms)
        self._used += legs

    def restore(self, used: int, now_ms: int) -> None:
        """Take over a count kept from before a restart on the same UTC day."""
        self._roll(now_ms)
        self._used = max(self._used, used)

    def left_s(self, now_ms: int) -> float:
        """Seconds until midnight UTC, when the count begins anew."""
        return (MS_PER_DAY - now_ms % MS_PER_DAY) / 1000.0

    def _roll(self, now_ms: int) -> None:
        day = now_ms // MS_PER_DAY
        if day > self._day:
            self._day, self._used = day, 0
