"""Durations as people write them."""

import re
from typing import Final

UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
PATTERN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")


def seconds(text: str) -> float:
    """Parse `90`, `60s`, `5m`, `1.5h`, `1h30m`.

    Raises:
        ValueError: not a positive duration.

    >>> seconds("1h30m"), seconds("90"), seconds("250ms")
    (5400.0, 90.0, 0.25)
    """
    parts = PATTERN.findall(text)
    if "".join(number + unit for number, unit in parts) != text or not parts:
        msg = f"{text!r} is not a duration; write 60s, 5m, 1h30m"
        raise ValueError(msg)
    total = sum(float(number) * UNITS_S[unit or "s"] for number, unit in parts)
    if total <= 0:
        msg = f"{text!r} is not a positive duration; write 60s, 5m, 1h30m"
        raise ValueError(msg)
    return total
