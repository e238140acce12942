"""Valid requests bent a little: one place after another becomes something else, is left out or comes twice."""

import json
import random
import re
from pathlib import Path
from typing import Any, Final

CORPUS: Final = Path(__file__).parent / "corpus"
WORDS: Final[tuple[Any, ...]] = (
    *(None, True, False, -1, 0, 1, 2, 5, 20, 2**31, 2**32, 2**53, 2**63, 2**64, 10**400, 1.5, -0.0, 1e300),
    *("", "0", "-1", "1", "0.001", "1e9", "NaN", "Infinity", "99000", "100000.5", "9" * 400, "0." + "0" * 50 + "1"),
    *("BTC", "ETH", "MATIC", "PURR/USDC", "@1", "xyz:TSLA", "#1", "Alo", "Ioc", "Gtc", "na", "spot", "1m", "USDC"),
    *("0x", "0x1", "0x" + "f" * 32, "0x" + "0" * 40, "0X" + "A" * 40, "\u0661", "\x00", "\U0001f600", "a" * 5_000),
    *([], {}, [[]], {"": {}}, [None], {"type": "meta"}),
)

INTEGERS: Final = tuple(word for word in WORDS if type(word) is int)
NUMBERS: Final = (
    *(word for word in WORDS if isinstance(word, str) and word[:1].isdigit()),
    "-1",
    "0.19",
    "4000",
    "200",
)
NUMBER: Final = re.compile(r"[0-9.]+")
SHAPE: Final = frozenset({"type", "method", "action", "signature", "signatureChainId", "hyperliquidChain"})


def valid(endpoint: str) -> list[Any]:
    """The requests of the corpus."""
    return [json.loads(line) for line in (CORPUS / f"{endpoint}.jsonl").read_text().splitlines()]


def bent(request: Any, chance: random.Random) -> Any:
    """A copy of a request with one place changed, in rare cases none or many."""
    for _ in range(chance.choice((0, 0, 1, 1, 1, 1, 2, 4))):
        request = _bend(request, chance)
    return request


def _bend(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.9:
        names = list(value)
        name = chance.choice(names)
        if name in SHAPE:
            name = chance.choice(names)  # another type or method is seldom worth the try
        return _in_dict(value, name, chance)
    if isinstance(value, list) and value and chance.random() < 0.9:
        return _in_list(value, chance.randrange(len(value)), chance)
    return _other(value, chance)


def _in_dict(value: dict[str, Any], name: str, chance: random.Random) -> dict[str, Any]:
    what = chance.random()
    if what < 0.08:
        return {other: inner for other, inner in value.items() if other != name}
    if what < 0.12:
        return {**value, chance.choice(("dex", "oid", "x", "", "a", "type")): chance.choice(WORDS)}
    return {**value, name: _bend(value[name], chance)}


def _in_list(value: list[Any], at: int, chance: random.Random) -> list[Any]:
    what = chance.random()
    if what < 0.1:
        return value[:at] + value[at + 1 :]
    if what < 0.2:
        return value[:at] + [value[at]] * chance.choice((2, 3, 201)) + value[at + 1 :]
    return [*value[:at], _bend(value[at], chance), *value[at + 1 :]]


def _other(value: Any, chance: random.Random) -> Any:
    """Something else in the place of a value, more often than not of the same kind."""
    if chance.random() < 0.3:
        return chance.choice(WORDS)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((value + 1, -value, value * 2, value + chance.randrange(-5, 6), *INTEGERS))
    if isinstance(value, str) and value:
        if NUMBER.fullmatch(value):
            return chance.choice(NUMBERS)
        at = chance.randrange(len(value))
        return chance.choice((value.upper(), value[:at], value + "0", value[:at] + "9" + value[at + 1 :], value * 2))
    return chance.choice(WORDS)


def written(request: Any, chance: random.Random) -> bytes:
    """The request as bytes, which are damaged now and then: cut, doubled, nested beyond reason, one byte another."""
    text = json.dumps(request).encode()
    what = chance.random()
    at = chance.randrange(len(text))
    if what < 0.02:
        return text[:at]
    if what < 0.04:
        return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
    if what < 0.05:
        return text + text
    if what < 0.06:
        return b"[" * chance.choice((5, 500, 20_000)) + text
    return text
