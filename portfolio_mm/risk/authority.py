"""The risk authority: everything the policy must remember between two snapshots, and nothing it must do.

The actor around it reads clocks, writes the latch and the marks to disk *before* it answers, and sends the permit.
"""

from typing import Final

import msgspec

from portfolio_mm.domain.limits import LimitSet, Permit, RiskState
from portfolio_mm.risk.aggregate import Outlook, Standing, assess_all, settle
from portfolio_mm.risk.kill_switch import Latch, Suspicion, judge, refusal_to_resume
from portfolio_mm.risk.permit import decide
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot

FRESH_S: Final = 1.5
"""A snapshot older than this says nothing about now; nor does one from the future, whose clock is not ours."""


class Review(msgspec.Struct, frozen=True):
    """Outcome of one look. `kill` is not empty exactly once per kill: latch it on disk before using the permit."""

    permit: Permit
    kill: str
    outlook: Outlook | None


class Authority:
    """One account's risk policy with its memory: latch, suspicions, state in force."""

    def __init__(self, epoch: int, limits: LimitSet, rules: Rules, latch: Latch) -> None:
        """Args: the actor's epoch, the full limit set, thresholds, and the latch as read from disk."""
        self._epoch = epoch
        self._limits = limits
        self._rules = rules
        self._latch = latch
        self._pending: tuple[Suspicion, ...] = ()
        self._standing: Standing | None = None
        self._outlook: Outlook | None = None

    @property
    def latch(self) -> Latch:
        """The kill switch as last told or decided."""
        return self._latch

    def review(self, snapshot: Snapshot | None, now_ns: int, now_ms: int) -> Review:
        """Assess the newest snapshot. Call it on every permit request and on a timer, with None when there is none.

        Args:
            snapshot: newest known, or None.
            now_ns: monotonic clock of this host.
            now_ms: Unix time, only to date a kill.
        """
        if snapshot is None or not snapshot.known or abs(now_ns - snapshot.taken_ns) > FRESH_S * 1e9:
            self._outlook = None
            return Review(self._permit(None), "", None)
        outlook = assess_all(snapshot, self._limits, self._rules, now_ns)
        self._outlook = outlook
        judgement = judge(self._pending, outlook.verdicts, snapshot.taken_ns, self._rules.confirm_s)
        self._pending = judgement.pending
        kill = "" if self._latch.killed else judgement.reason
        if kill:
            self._latch = Latch(kill, now_ms)
        stopped = min(outlook.state, RiskState.CANCEL_ONLY)  # killing is the latch's, states of the market return
        if self._standing is not None:
            self._standing = settle(self._standing, stopped, now_ns, self._rules.reentry_step_s)
        elif stopped < RiskState.CANCEL_ONLY:  # the first start has nothing to return from
            self._standing = Standing(stopped)
        return Review(self._permit(outlook), kill, outlook)

    def kill(self, reason: str, now_ms: int) -> Latch:
        """Latch at once for a reason from outside (an operator, a fatal error); the first reason stays."""
        if not self._latch.killed:
            self._latch = Latch(reason or "no reason given", now_ms)
        return self._latch

    def resume(self, who: str) -> str:
        """Open the latch, or say why not. Afterwards store `drawdown.accepted(marks)` and the open latch on disk."""
        verdicts = self._outlook.verdicts if self._outlook is not None else ()
        refusal = refusal_to_resume(self._latch, verdicts, who)
        if not refusal:
            self._latch = Latch()
            self._pending = ()
        return refusal

    def _permit(self, outlook: Outlook | None) -> Permit:
        standing = self._standing or Standing(RiskState.CANCEL_ONLY)
        return decide(
            epoch=self._epoch,
            latch=self._latch,
            outlook=outlook,
            standing=standing,
            limits=self._limits,
            rules=self._rules,
        )
