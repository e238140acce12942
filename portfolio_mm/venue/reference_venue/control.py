"""What a client may ask of a connection, and the venue's words when it asks wrongly.

Texts from "Live Subscribing/Unsubscribing to streams" of the USD-M futures documentation; the position behind `unknown
variant` is that of the end of our reading, as theirs is of their parser.
"""

from typing import Any, Final

import msgspec

METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
COMBINED: Final = "combined"
Answer = dict[str, Any]


class Wishes:
    """Streams and property of one connection."""

    def __init__(self, streams: list[str], *, combined: bool, max_streams: int) -> None:
        self.streams = dict.fromkeys(streams)
        self.combined = combined
        self._max_streams = max_streams

    def ask(self, text: str) -> Answer:
        """Carry out one request; the answer."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return _error(3, f"Invalid JSON: {error}")
        if not isinstance(asked, dict):
            return _error(2, "Invalid request: expected an object")  # wording ours
        number = asked.get("id")
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            return _error(2, "Invalid request: request ID must be an unsigned integer")
        method = asked.get("method")
        if method not in METHODS:
            known = ", ".join(f"`{name}`" for name in METHODS)
            return _error(
                2, f"Invalid request: unknown variant `{method}`, expected one of {known} at line 1 column {len(text)}"
            )
        return self._perform(str(method), asked.get("params", []), number)

    def _perform(self, method: str, params: Any, number: int) -> Answer:
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(self.streams), "id": number}
        if not isinstance(params, list):
            return _error(2, "Invalid request: params must be an array") | {"id": number}  # wording ours
        if method in {"SET_PROPERTY", "GET_PROPERTY"}:
            return self._property(method, params, number)
        if not all(isinstance(name, str) for name in params):
            return _error(2, "Invalid request: params must be strings") | {"id": number}  # wording ours
        if method == "UNSUBSCRIBE":
            for name in params:
                self.streams.pop(name, None)
        elif len(self.streams | dict.fromkeys(params)) > self._max_streams:
            return _error(2, "Invalid request: too many streams") | {"id": number}  # wording ours
        else:
            self.streams |= dict.fromkeys(params)
        return {"result": None, "id": number}

    def _property(self, method: str, params: list[Any], number: int) -> Answer:
        name = params[0] if params else None
        if not isinstance(name, str):
            return _error(2, "Invalid request: property name must be a string") | {"id": number}
        if name != COMBINED:
            return _error(0, "Unknown property") | {"id": number}
        if method == "GET_PROPERTY":
            return {"result": self.combined, "id": number}
        value = params[1] if len(params) > 1 else None
        if not isinstance(value, bool):
            return _error(1, "Invalid value type: expected Boolean") | {"id": number}
        self.combined = value
        return {"result": None, "id": number}


def _error(code: int, words: str) -> Answer:
    return {"code": code, "msg": words}
