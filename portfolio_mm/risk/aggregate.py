"""All monitors, one answer: the worst of the verdicts counts. Worse at once, better in steps."""

from typing import Final, Protocol

import msgspec

from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.risk.monitors import drawdown, forced, headroom, loss, position, rate, staleness, user_kill, watchdog
from portfolio_mm.risk.rules import Rules
from portfolio_mm.risk.snapshot import Snapshot
from portfolio_mm.risk.verdict import Verdict


class Monitor(Protocol):
    """A module of `monitors/`."""

    def assess(self, snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Verdict:
        """Opinion of one snapshot."""
        ...


MONITORS: Final[tuple[Monitor, ...]] = (
    user_kill,
    loss,
    drawdown,
    headroom,
    position,
    forced,
    staleness,
    rate,
    watchdog,
)


class Outlook(msgspec.Struct, frozen=True):
    """What all monitors say together. `cancel_only` coins are not repeated in `reduce_only`."""

    state: RiskState
    reduce_only: tuple[str, ...]
    cancel_only: tuple[str, ...]
    reasons: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


class Standing(msgspec.Struct, frozen=True):
    """The state in force, and since when every verdict has been milder than it (None: not now)."""

    state: RiskState
    calm_since_ns: int | None = None


def assess_all(snapshot: Snapshot, limits: LimitSet, rules: Rules, now_ns: int) -> Outlook:
    """Ask every monitor; the worst state and the union of restrictions count."""
    verdicts = tuple(monitor.assess(snapshot, limits, rules, now_ns) for monitor in MONITORS)
    cancel = {r.coin for v in verdicts for r in v.coins if r.state >= RiskState.CANCEL_ONLY}
    reduce = {r.coin for v in verdicts for r in v.coins} - cancel
    return Outlook(
        state=max(verdict.state for verdict in verdicts),
        reduce_only=tuple(sorted(reduce)),
        cancel_only=tuple(sorted(cancel)),
        reasons=tuple(verdict.text for verdict in verdicts if verdict.text),
        verdicts=verdicts,
    )


def settle(standing: Standing, state: RiskState, now_ns: int, step_s: float) -> Standing:
    """The state in force after an assessment: a worse one at once, a better one by one step per `step_s` of calm."""
    if state >= standing.state:
        return Standing(state)
    if standing.calm_since_ns is None:
        return Standing(standing.state, now_ns) if step_s > 0 else Standing(state)
    if now_ns - standing.calm_since_ns < step_s * 1e9:
        return standing
    milder = RiskState(standing.state - 1)
    return Standing(milder, now_ns if milder > state else None)
