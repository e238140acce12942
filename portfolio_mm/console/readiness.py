"""Is it alive, is it ready, and if not, why: the run-time wiring audit in words.

Ready means: the gateway was heard within two seconds and has reconciled, risk allows trading, and on every coin each
enabled part has heard its events within its window.
"""

from typing import Any, Final, NamedTuple

VIEW_WINDOW_S: Final = 2.0
KILLED: Final = 4
GREEN_ENOUGH: Final = 1
PART_WINDOW_S: Final = 60.0
"""A part may be silent this long: trades and fills of a quiet coin are rarer than its book."""


class Readiness(NamedTuple):
    """Whether traffic may be sent here, and every reason why not."""

    ready: bool
    killed: bool
    reasons: tuple[str, ...]


def assess(view: dict[str, Any] | None, age_s: float) -> Readiness:
    """Judge the latest view.

    Args:
        view: `actors.messages.View` as plain dictionaries, or None.
        age_s: seconds since it arrived.
    """
    if view is None:
        return Readiness(ready=False, killed=False, reasons=("the gateway has not been heard yet",))
    reasons = [*_account_reasons(view, age_s)]
    for coin in view["coins"]:
        reasons.extend(_coin_reasons(coin))
    killed = view["risk_state"] == KILLED
    return Readiness(ready=not reasons, killed=killed, reasons=tuple(reasons))


def _account_reasons(view: dict[str, Any], age_s: float) -> list[str]:
    reasons = []
    if age_s > VIEW_WINDOW_S:
        reasons.append(f"the gateway was last heard {age_s:.1f} s ago (window {VIEW_WINDOW_S:.0f} s)")
    if not view["reconciled"]:
        reasons.append("orders and positions are not reconciled with the venue yet")
    if view["risk_state"] > GREEN_ENOUGH:
        reasons.append("risk: " + "; ".join(view["risk_reasons"] or ("no permit",)))
    if view["stopping"]:
        reasons.append("stopping")
    return reasons


def _coin_reasons(coin: dict[str, Any]) -> list[str]:
    name = coin["coin"]
    reasons = [] if coin["warm"] else [f"{name}: warming up"]
    for part in coin["parts"] if coin["warm"] else ():
        if part["seen"] == 0:
            reasons.append(f"{name}: part {part['part']} has heard nothing yet")
        elif part["age_s"] > PART_WINDOW_S:
            reasons.append(f"{name}: part {part['part']} has heard nothing for {part['age_s']:.0f} s")
    return reasons
