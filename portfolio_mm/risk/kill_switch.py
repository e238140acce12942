"""The kill switch: which verdicts latch it, after how many readings, and who may open it again.

The latch itself is a row on disk, written before anything acts on it; here are only the rules. A latched kill never
opens by itself, not after a restart and not after any time: a person resumes, by name, once the cause is gone.
"""

import msgspec

from portfolio_mm.domain.limits import RiskState
from portfolio_mm.risk.verdict import Verdict


class Latch(msgspec.Struct, frozen=True):
    """The state of the switch as it is on disk. `reason` is empty exactly when it is open."""

    reason: str = ""
    when_ms: int = 0

    @property
    def killed(self) -> bool:
        """Whether trading is stopped until a person resumes."""
        return bool(self.reason)


class Suspicion(msgspec.Struct, frozen=True):
    """A monitor has asked to kill in every reading since `first_ns`."""

    monitor: str
    first_ns: int


class Judgement(msgspec.Struct, frozen=True):
    """Whether to latch now (`reason` not empty), and which monitors await their second reading."""

    reason: str
    pending: tuple[Suspicion, ...]


def judge(
    pending: tuple[Suspicion, ...], verdicts: tuple[Verdict, ...], reading_ns: int, confirm_s: float
) -> Judgement:
    """Decide about one reading.

    An urgent verdict latches at once. Any other must be there in a later reading at least `confirm_s` after the first,
    and in every reading between; the same reading twice confirms nothing.
    """
    since = {suspicion.monitor: suspicion.first_ns for suspicion in pending}
    reasons: list[str] = []
    waiting: list[Suspicion] = []
    for verdict in verdicts:
        if verdict.state < RiskState.KILLED:
            continue
        first_ns = since.get(verdict.monitor, reading_ns)
        confirmed = reading_ns > first_ns and reading_ns - first_ns >= confirm_s * 1e9
        if verdict.urgent or confirmed:
            reasons.append(f"{verdict.monitor}: {verdict.text}")
        waiting.append(Suspicion(verdict.monitor, first_ns))
    return Judgement("; ".join(reasons), tuple(waiting))


def refusal_to_resume(latch: Latch, verdicts: tuple[Verdict, ...], who: str) -> str:
    """Why trading may not resume now; empty when it may.

    Loss and drawdown are accepted by resuming (the marks begin anew), and a person's own kill ends with it; any other
    cause must be gone first.
    """
    if not latch.killed:
        return "the kill switch is not latched"
    if not who.strip():
        return "resuming needs the name of the person who answers for it"
    standing = [
        verdict.text
        for verdict in verdicts
        if verdict.state == RiskState.KILLED and verdict.monitor not in {"loss", "drawdown", "user_kill"}
    ]
    return f"the cause is still there: {'; '.join(standing)}" if standing else ""
