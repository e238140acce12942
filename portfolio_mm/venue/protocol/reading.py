"""Reading what a client sent: JSON of a known shape, or one refusal whatever is wrong with it."""

from typing import Any

import msgspec


class Unreadable(ValueError):
    """Not JSON, not UTF-8, nested beyond reason, or of another shape: HTTP 422."""


def read_json(body: bytes | str | msgspec.Raw, shape: Any = Any) -> Any:
    """Decode a message of a client as `shape`.

    Raises:
        Unreadable: it is not what it should be.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error
