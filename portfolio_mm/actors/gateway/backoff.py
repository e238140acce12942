"""How long to let the venue be after it did not take an action as a whole: by class, growing, reset by a success.

Refusals of single orders are not its business: those back off one side of one coin (engine/reconcile.py).
"""

import logging
from typing import Final, NamedTuple

from portfolio_mm.hyperliquid.errors import WORDS, Trouble

LOG: Final = logging.getLogger(__name__)


class Pause(NamedTuple):
    """First and longest wait, seconds: of orders, and of cancels, which matter more."""

    first_s: float
    longest_s: float
    cancel_first_s: float
    cancel_longest_s: float


PAUSES: Final[dict[Trouble, Pause]] = {
    Trouble.NONE: Pause(0.0, 0.0, 0.0, 0.0),
    Trouble.OTHER: Pause(0.5, 10.0, 0.25, 2.0),
    Trouble.BROKEN: Pause(0.25, 8.0, 0.25, 2.0),
    Trouble.CONGESTED: Pause(1.0, 30.0, 0.5, 5.0),
    Trouble.THROTTLED: Pause(1.0, 60.0, 0.25, 2.0),
    Trouble.NONCE: Pause(0.1, 2.0, 0.1, 1.0),
    Trouble.BUDGET: Pause(2.0, 10.5, 2.0, 10.5),
    Trouble.EXPIRED: Pause(0.25, 5.0, 0.25, 2.0),
    Trouble.SIGNER: Pause(5.0, 60.0, 2.0, 10.0),
}
"""A refusal for want of requests costs nothing and does not restart the venue's ten seconds (HL §5.2)."""


class Backoff:
    """One state for the account: what is wrong with a whole action is wrong with the next one too."""

    def __init__(self) -> None:
        self.trouble = Trouble.NONE
        self.words = ""
        """What the venue said last."""
        self.failures = 0
        """In a row."""
        self._until_ns = 0
        self._cancel_until_ns = 0

    def failed(self, trouble: Trouble, words: str, now_ns: int) -> None:
        """An action was not taken. Several that were on their way together count as one."""
        if trouble is Trouble.NONE:
            return
        if trouble is not self.trouble:
            LOG.warning("%s (%s)", WORDS[trouble], words)
        elif now_ns < self._cancel_until_ns:
            return
        self.failures = self.failures + 1 if trouble is self.trouble else 1
        self.trouble, self.words = trouble, words
        pause, growth = PAUSES[trouble], 2.0 ** min(self.failures - 1, 20)
        self._until_ns = now_ns + int(min(pause.first_s * growth, pause.longest_s) * 1e9)
        self._cancel_until_ns = now_ns + int(min(pause.cancel_first_s * growth, pause.cancel_longest_s) * 1e9)

    def succeeded(self, now_ns: int, *, cancel: bool = False) -> None:
        """The venue took an action; a cancel says nothing of a wait that holds for orders only."""
        if self.trouble is Trouble.NONE or (cancel and now_ns < self._until_ns):
            return
        LOG.warning("the venue takes actions again after %d refusals (%s)", self.failures, self.trouble.name)
        self.trouble, self.words, self.failures = Trouble.NONE, "", 0
        self._until_ns = self._cancel_until_ns = 0

    def wait_s(self, now_ns: int, *, cancel: bool = False) -> float:
        """Seconds until the next attempt."""
        return max(0.0, ((self._cancel_until_ns if cancel else self._until_ns) - now_ns) / 1e9)
