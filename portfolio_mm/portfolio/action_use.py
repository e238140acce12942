"""What coins really spend against what the demand model said: the model's level is learned, its shape is kept.

The demand of actions.py rests on fitted intensities, which are wrong by factors at the start of a run. So the ratio of
actions really sent to actions predicted at the price then in force scales the next prediction: too high a price
widens the quotes, the ratio falls, and with it the price; too low a price does the opposite. A few actions a minute
are a noisy count, and a day's budget is patient: the ratio follows within minutes, not seconds.
"""

from typing import Final

import msgspec

from portfolio_mm.models.decay import half_life_factor
from portfolio_mm.portfolio.actions import Demand

HALF_LIFE_S: Final = 120.0
FIRST_RATIO: Final = 0.4
"""Where quotes have settled it is 0.3 to 0.45 (three markets, 18 minutes each). It counts for PRIOR_S, so that placing
the first orders teaches little."""
PRIOR_S: Final = 240.0
LEAST: Final = 0.01
MOST: Final = 10.0


class ActionUse:
    """Exponentially weighted counts of actions sent and predicted. Time and counts are passed in."""

    def __init__(self, half_life_s: float = HALF_LIFE_S) -> None:
        self._half_life_s = half_life_s
        self._last_ns = 0
        self._last_sent = 0
        self._predicted_per_s = 0.0
        self._sent = 0.0
        self._predicted = 0.0
        self._prior_s = PRIOR_S

    def observe(self, now_ns: int, sent_total: int) -> None:
        """Take over the counter of actions sent; a counter that went back (a gateway restarted) starts a new count."""
        elapsed_s = (now_ns - self._last_ns) / 1e9
        if self._last_ns > 0 and elapsed_s > 0 and sent_total >= self._last_sent:
            keep = half_life_factor(elapsed_s, self._half_life_s)
            self._sent = keep * self._sent + sent_total - self._last_sent
            self._predicted = keep * self._predicted + self._predicted_per_s * elapsed_s
            self._prior_s *= keep
        self._last_ns, self._last_sent = now_ns, sent_total

    def predicted(self, per_s: float) -> None:
        """What the model (already scaled by `ratio`) expects from now on, actions a second."""
        ratio = self.ratio
        self._predicted_per_s = per_s / ratio

    @property
    def ratio(self) -> float:
        """Actions sent over actions the unscaled model predicted, shrunk to FIRST_RATIO while little is known."""
        prior = max(self._prior_s, 1e-3) * max(self._predicted_per_s, 0.01)
        found = (self._sent + FIRST_RATIO * prior) / (self._predicted + prior)
        return min(MOST, max(LEAST, found))


def scaled(wants: tuple[Demand, ...], ratio: float) -> tuple[Demand, ...]:
    """The same demands at another level."""
    return tuple(msgspec.structs.replace(want, scale=want.scale * ratio) for want in wants)
