"""Which of the event orders of HL §13 were seen, told from what reached the gateway and in which order."""

import json
from collections import Counter, defaultdict
from typing import Any, Final

from portfolio_mm.hyperliquid.encode import Action

CASES: Final = (
    "ALO accepted, reply first",
    "ALO accepted, row first",
    "ALO crosses, reply first",
    "ALO crosses, row first",
    "partial maker fill",
    "full maker fill, fill first",
    "full maker fill, row first",
    "fill before anything else of its order",
    "cancel wins, reply first",
    "cancel wins, row first",
    "cancel loses, fill known",
    "cancel loses, fill later",
    "IOC partial",
    "IOC none",
    "GTC crossing partially",
    "modify ok, open before canceled",
    "modify ok, canceled before open",
    "modify ok, fill of the new before its open",
    "modify of a dead order",
    "modify new-leg refusal",
    "self-trade prevention",
    "margin failure",
    "dead man's switch",
    "liquidation cancels",
    "liquidation fill",
    "auto-deleveraging",
    "funding",
    "outcome unknown",
    "action expired",
    "nonce burnt by noop",
    "lost place never landed",
    "unknown place rests",
    "stream gap with fills in it",
)
"""The rows of HL §13, split where the order of arrival matters, and the ends of an unknown outcome."""


class Tales:
    """What was heard of each order, in the order in which it came."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self._words: defaultdict[str, list[str]] = defaultdict(list)
        self._old: dict[str, str] = {}
        self._cloids: dict[int, str] = {}
        self._tids: set[int] = set()

    def sent(self, action: Action) -> None:
        """An action leaves: modifies tie the new cloid to the old one."""
        for leg in getattr(action, "modifies", None) or ():
            old = self._cloids.get(leg.oid)
            if old is not None:
                self._old[leg.order.c] = old

    def answered(self, action: Action, payload: Any) -> None:
        """The gateway reads an answer."""
        if not isinstance(payload, dict) or payload.get("status") != "ok":
            text = str(payload.get("response", "")) if isinstance(payload, dict) else ""
            self.seen["action expired"] += text.startswith("Action already expired")
            return
        statuses = payload["response"].get("data", {}).get("statuses", ())
        for name, keys in (("orders", _cloids), ("modifies", _new_cloids), ("cancels", _cancel_cloids)):
            legs = getattr(action, name, None)
            if legs is not None and len(statuses) == len(legs):
                for cloid, status in zip(keys(legs), statuses, strict=True):
                    if cloid is not None:
                        self._answer(cloid, status)

    def _answer(self, cloid: str, status: Any) -> None:
        words = self._words[cloid]
        match status:
            case {"resting": {"oid": int(oid)}}:
                self._cloids[oid] = cloid
                self._count("ALO accepted, row first", "open" in words)
                words.append("reply")
            case {"error": str(text)}:
                self._error(words, text)
            case "success":
                self._count("cancel wins, row first", "canceled" in words)
                words.append("cancelled")
            case _:
                words.append("reply")

    def _error(self, words: list[str], text: str) -> None:
        if text.startswith("Post only"):
            self._count("ALO crosses, row first", "badAloPxRejected" in words)
            words.append("crossed")
        elif text.startswith("Error placing new order during modify"):
            self._count("modify new-leg refusal")
        elif text.startswith("Cannot modify"):
            self._count("modify of a dead order")
        elif text.startswith("Order was never placed"):
            self._count("cancel loses, fill known", "fill" in words)
            words.append("too late")
        elif text.startswith("Order could not immediately"):
            self._count("IOC none")

    def _count(self, case: str, happened: bool = True) -> None:  # noqa: FBT001, FBT002
        self.seen[case] += happened

    # -- streams -------------------------------------------------------------------------------------------------

    def heard(self, raw: bytes) -> None:
        """The gateway reads a frame."""
        frame = json.loads(raw)
        data = frame["data"]
        if frame["channel"] == "orderUpdates":
            for row in data:
                self._row(row["order"], row["status"])
        elif frame["channel"] in {"user", "userFills"}:
            for row in data.get("fills", ()):
                self._fill(row, gap=bool(data.get("isSnapshot")))
            self._count("funding", "funding" in data)
        elif frame["channel"] == "userFundings":
            self._count("funding", bool(data.get("fundings")) and not data.get("isSnapshot"))

    def _row(self, order: dict[str, Any], status: str) -> None:
        cloid = order.get("cloid")
        if cloid is None:
            self._foreign(order, status)
            return
        self._cloids[order["oid"]] = cloid
        words, old = self._words[cloid], self._words[self._old.get(cloid, "")]
        match status:
            case "open":
                self._count("ALO accepted, reply first", "reply" in words)
                if cloid in self._old:
                    self._count("modify ok, canceled before open", "canceled" in old)
                    self._count("modify ok, open before canceled", "canceled" not in old)
                    self._count("modify ok, fill of the new before its open", "fill" in words)
            case "canceled":
                self._count("cancel wins, reply first", "cancelled" in words)
            case "badAloPxRejected":
                self._count("ALO crosses, reply first", "crossed" in words)
            case "filled":
                self._count("full maker fill, fill first", "fill" in words)
        named = {
            "selfTradeCanceled": "self-trade prevention",
            "marginCanceled": "margin failure",
            "scheduledCancel": "dead man's switch",
            "liquidatedCanceled": "liquidation cancels",
            "iocCancelRejected": "IOC none",
        }
        self._count(named.get(status, "other rows"))
        words.append(status)

    def _foreign(self, order: dict[str, Any], status: str) -> None:
        """An order of a person on this account."""
        left, asked = float(order["sz"]), float(order["origSz"])
        self._count("IOC none", status == "iocCancelRejected")
        self._count("GTC crossing partially", status == "open" and 0 < left < asked)
        self._count("IOC partial", status in {"canceled", "filled"} and 0 < left < asked)

    def _fill(self, row: dict[str, Any], *, gap: bool) -> None:
        if row["tid"] in self._tids:
            return
        self._tids.add(row["tid"])
        self._count("stream gap with fills in it", gap)
        self._count("liquidation fill", "liquidation" in row)
        self._count("auto-deleveraging", row["dir"] == "Auto-Deleveraging")
        cloid = row.get("cloid")
        if cloid is None:
            return
        words = self._words[cloid]
        self._count("fill before anything else of its order", not words)
        self._count("cancel loses, fill later", "too late" in words)
        self._count("full maker fill, row first", "filled" in words)
        self._count("partial maker fill", "fill" in words)
        words.append("fill")


def _cloids(legs: Any) -> list[str | None]:
    return [leg.c for leg in legs]


def _new_cloids(legs: Any) -> list[str | None]:
    return [leg.order.c for leg in legs]


def _cancel_cloids(legs: Any) -> list[str | None]:
    return [getattr(leg, "cloid", None) for leg in legs]
