"""The first sign of trouble in the run's own words: views, reports, counters, log. What any day shows is none."""

import logging
import time
from typing import Final, NamedTuple

from portfolio_mm.domain.limits import RiskState
from tests.actors.harness import Run

ORDINARY: Final = ("WOULD_CROSS", "GONE", "STALE", "LIMIT", "PRICED_OUT", "MARGIN", "MIN_NOTIONAL")
"""Refusals of any trading day."""
TELLING: Final = {
    "NOT_CONNECTED",
    "FEED_DOWN",
    "NO_BOOK",
    "STALE_BOOK",
    "NO_PERMIT",
    "KILLED",
    "RISK_CANCEL_ONLY",
    "MODE_CANCEL_ONLY",
    "RISK_REDUCE_ONLY",
    "MODE_REDUCE_ONLY",
    "NO_COLLATERAL",
}
"""Reasons of a side that does not quote, other than price, size and luck."""
OLD_ACCOUNT_S: Final = 8.0
"""The account is read every five seconds."""


class Sign(NamedTuple):
    """Who said what, how long after the beginning."""

    after_s: float
    words: str

    def __str__(self) -> str:
        return f"{self.after_s:.1f} s: {self.words}"


class Signs(logging.Handler):
    """Counters as they stood at the beginning, and what has changed since."""

    def __init__(self, run: Run) -> None:
        super().__init__(logging.INFO)
        self._run = run
        self._began_s = time.monotonic()
        self._before: dict[str, float] = {}
        self.first: Sign | None = None

    def begin(self) -> None:
        """From now on; what stands now is the rule."""
        self.first = None
        self._began_s = time.monotonic()
        self._before = self._now()

    def emit(self, record: logging.LogRecord) -> None:
        """Words in the log of any part of the bot."""
        words = record.getMessage()
        if any(word in words for word in ORDINARY) or record.name.startswith("portfolio_mm.venue"):
            return
        if record.levelno >= logging.WARNING or record.name.endswith("hyperliquid.websocket"):
            self._see(f"log of {record.name.rpartition('.')[2]}: {words}")

    def look(self) -> Sign | None:
        """The first sign so far."""
        if self.first is None:
            for words, value in self._now().items():
                if value > self._before.get(words, 0.0):
                    self._see(words)
                    break
        return self.first

    def _see(self, words: str) -> None:
        if self.first is None:
            self.first = Sign(time.monotonic() - self._began_s, _plain(words))

    def _now(self) -> dict[str, float]:
        return {**self._of_view(), **self._of_coins(), **self._of_relay()}

    def _of_view(self) -> dict[str, float]:
        view = self._run.view
        if view is None:
            return {}
        found = {
            "gateway: not reconciled": float(not view.reconciled),
            "gateway: unreadable user messages": view.malformed,
            "gateway: orders of unknown fate": view.orders_unknown,
            "gateway: the account is old": float(view.account_age_s > OLD_ACCOUNT_S),
            f"gateway: the account is in {view.mode} mode": 1.0,
            "gateway: money came": max(0.0, view.net_transfers_usd),
            f"risk: {view.risk_state.name} {', '.join(view.risk_reasons)}": float(view.risk_state > RiskState.YELLOW),
        }
        found |= {f"gateway: refused {name}": count for name, count in view.refused if name not in ORDINARY}
        return found

    def _of_coins(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for report in self._run.view.coins if self._run.view is not None else ():
            found["coin: unreadable market messages"] = (
                found.get("coin: unreadable market messages", 0.0) + report.malformed
            )
            for side in report.sides:
                if side.reason in TELLING:
                    found[f"coin: {side.reason}"] = 1.0
        return found

    def _of_relay(self) -> dict[str, float]:
        relay = self._run.parts["relay"].status()
        return {
            "relay: the venue's stream is down": float(not relay["up"]),
            "relay: unreadable frames": float(relay["malformed"]),
        }


def _plain(words: str) -> str:
    """As it fits into a cell of a table."""
    for mark in "|`\n":
        words = words.replace(mark, " ")
    cut = words.find("http://")
    words = words if cut < 0 else words[:cut] + "…"
    return words if len(words) <= 90 else words[:89] + "…"
