"""The lease to trade, pulled from the risk actor (architecture section 2, permit).

A permit holds from the instant it was asked for, on our own monotonic clock, so no delay can lengthen it. Without one
that has at least a second left nothing is created; when it ends, everything is cancelled here, whoever is still alive.
"""

from typing import Final

from portfolio_mm.actors.messages import KillOrder, PermitAnswer
from portfolio_mm.domain.limits import LimitSet, Permit, RiskState
from portfolio_mm.domain.units import NS_PER_S

MIN_LEFT_NS: Final = NS_PER_S
"""What must be left of a permit when something is sent under it."""


class Permits:
    """The current permit, and what it allows at a given instant."""

    def __init__(self, gateway_epoch: int) -> None:
        self._gateway_epoch = gateway_epoch
        self._asked_ns = -1
        self._ends_ns = 0
        self._killed = ""
        self._killed_ns = -1
        self.permit: Permit | None = None

    def take(self, answer: PermitAnswer, now_ns: int) -> bool:
        """Accept an answer; False when it is of another gateway, older than what we hold, or from a former risk actor.

        A refusal (no time to live) ends a permit at once.
        """
        permit = answer.permit
        known = -1 if self.permit is None else self.permit.epoch
        # A successor's word beats its predecessor's to the same question, whichever came first.
        old = answer.asked_ns < self._asked_ns or (answer.asked_ns == self._asked_ns and permit.epoch <= known)
        stale = old or answer.asked_ns > now_ns
        usurped = permit.epoch < known
        if answer.gateway_epoch != self._gateway_epoch or stale or usurped:
            return False
        self._asked_ns = answer.asked_ns
        self._ends_ns = answer.asked_ns + permit.ttl_ns
        self.permit = permit
        if permit.ttl_ns <= 0 and answer.asked_ns > self._killed_ns:
            self._killed = ""  # the authority itself says no, and knew of the kill: now its answers alone decide
        return True

    def revoke(self, order: KillOrder, now_ns: int) -> None:
        """Stop now. Trading needs a refusal of a later question and then a new grant, or `reopen`."""
        self._killed = order.reason or "killed"
        self._killed_ns = now_ns

    def reopen(self) -> None:
        """The authority resumed on a person's word: its answers alone decide."""
        self._killed = ""

    def left_ns(self, now_ns: int) -> int:
        """What is left of the permit; 0 when there is none."""
        return 0 if self._killed else max(0, self._ends_ns - now_ns)

    def state(self, now_ns: int) -> RiskState:
        """What is allowed in general; nothing but cancels without a permit."""
        if self._killed:
            return RiskState.KILLED
        if self.permit is None:
            return RiskState.CANCEL_ONLY
        if self.permit.state >= RiskState.CANCEL_ONLY:
            return self.permit.state
        return self.permit.state if self.left_ns(now_ns) > 0 else RiskState.CANCEL_ONLY

    def coin_state(self, coin: str, now_ns: int) -> RiskState:
        """What is allowed for one coin."""
        state = self.state(now_ns)
        if self.permit is not None and coin in self.permit.cancel_only_coins:
            return max(state, RiskState.CANCEL_ONLY)
        if self.permit is not None and coin in self.permit.reduce_only_coins:
            return max(state, RiskState.REDUCE_ONLY)
        return state

    def may_create(self, now_ns: int) -> bool:
        """Whether anything at all may be created now."""
        return self.left_ns(now_ns) >= MIN_LEFT_NS and self.state(now_ns) < RiskState.CANCEL_ONLY

    @property
    def limits(self) -> LimitSet | None:
        """The limits of the newest permit; they keep bounding what still rests after it ended."""
        return None if self.permit is None else self.permit.limits

    def reasons(self, now_ns: int) -> tuple[str, ...]:
        """Why not everything is allowed, in words."""
        if self._killed:
            return (f"killed: {self._killed}",)
        if self.permit is None:
            return ("no permit was ever granted: the risk actor has not answered",)
        if self.permit.ttl_ns > 0 and self.left_ns(now_ns) == 0:
            return ("the permit ran out: the risk actor does not answer", *self.permit.reasons)
        return self.permit.reasons
