"""Shapes of JSON: what kinds of values stand where, so that two venues' answers can be compared whatever they say."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

PLAIN = re.compile(r"-?(0|[1-9]\d*)\.(0|\d*[1-9])")
"""A decimal as the venue writes it: always a point, no trailing zeros."""
KINDS = (
    ("decimal", PLAIN),
    ("other number", re.compile(r"-?\d+(\.\d*)?")),
    ("address", re.compile(r"0x[0-9a-fA-F]{40}")),
    ("hash", re.compile(r"0x[0-9a-f]{64}")),
    ("hex", re.compile(r"0x[0-9a-fA-F]{1,39}")),
)

ANY_DIGITS = frozenset({"px", "sz", "origSz", "maxTradeSzs", "hold", "szi", "limitPx", "v", "startPosition", "cumVlm"})
"""Fields whose digits are those of the coin or of a sum, whatever was recorded."""


def kind_of(value: Any) -> str:
    """What a scalar is on the wire."""
    if isinstance(value, str):
        return next((name for name, pattern in KINDS if pattern.fullmatch(value)), "text")
    return {bool: "flag", int: "whole", float: "float", type(None): "null"}[type(value)]


class Shape:
    """Everything seen at one place: scalar kinds, fractional digits, fields of objects, items of lists."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.digits = 0
        self.objects = 0
        self.fields: dict[str, Shape] = {}
        self.counts: dict[str, int] = {}
        self.orders: set[tuple[str, ...]] = set()
        self.places: list[Shape] = []

    def see(self, value: Any, maps: frozenset[str], path: str = "") -> None:
        """Take a value in. `maps` are paths whose keys are names of coins: their values all stand at `*`."""
        if isinstance(value, dict):
            self.kinds.add("map" if path in maps else "object")
            self.objects += 1
            if path not in maps:
                self.orders.add(tuple(value))
            for key, inner in value.items():
                name = "*" if path in maps else key
                self.counts[name] = self.counts.get(name, 0) + 1
                self.fields.setdefault(name, Shape()).see(inner, maps, f"{path}.{name}")
        elif isinstance(value, list):
            self.kinds.add("list")
            for number, inner in enumerate(value):
                self._place(number if _is_tuple(value) else 0).see(inner, maps, f"{path}[]")
        else:
            self.kinds.add(kind_of(value))
            if isinstance(value, str) and "." in value:
                self.digits = max(self.digits, len(value.rpartition(".")[2]))

    def _place(self, number: int) -> "Shape":
        while len(self.places) <= number:
            self.places.append(Shape())
        return self.places[number]


def _is_tuple(value: list[Any]) -> bool:
    """Whether the items are of different natures, as in `["BTC", {...}]` and `[time, "1.0"]`."""
    natures = {type(item) for item in value if item is not None}
    return len(natures) > 1


def shape(values: Iterable[Any], maps: frozenset[str] = frozenset()) -> Shape:
    """The shape of several answers to one question."""
    seen = Shape()
    for value in values:
        seen.see(value, maps)
    return seen


def differences(ours: Shape, theirs: Shape, path: str = "") -> Iterator[tuple[str, str]]:
    """Where our shape is not the recorded one: path and words."""
    at = path or "(top)"
    for kind in sorted(theirs.kinds - ours.kinds):
        yield at, f"recorded as {kind}, ours is {', '.join(sorted(ours.kinds)) or 'nothing'}"
    if theirs.kinds:
        for kind in sorted(ours.kinds - theirs.kinds):
            yield at, f"ours is {kind}, recorded only as {', '.join(sorted(theirs.kinds))}"
    if ours.digits > theirs.digits > 0 and path.rpartition(".")[2].rstrip("[]") not in ANY_DIGITS:
        yield at, f"ours has {ours.digits} digits after the point, recorded at most {theirs.digits}"
    if ours.objects and theirs.objects:
        yield from _fields(ours, theirs, path)
    for one, other in zip(ours.places, theirs.places, strict=False):
        yield from differences(one, other, f"{path}[]")


def _fields(ours: Shape, theirs: Shape, path: str) -> Iterator[tuple[str, str]]:
    for name, inner in theirs.fields.items():
        if name not in ours.fields:
            yield f"{path}.{name}", "recorded, ours lacks it"
        else:
            if theirs.counts[name] == theirs.objects > 1 and ours.counts[name] < ours.objects:
                yield f"{path}.{name}", "always there when recorded, ours leaves it out"
            yield from differences(ours.fields[name], inner, f"{path}.{name}")
    for name in ours.fields.keys() - theirs.fields.keys():
        yield f"{path}.{name}", "ours, never recorded"
    yield from _orders(ours, theirs, path)


def _orders(ours: Shape, theirs: Shape, path: str) -> Iterator[tuple[str, str]]:
    """Keys stand in the order of the recording that shares most of them; sorted ones tell nothing of the wire."""
    known = [order for order in theirs.orders if len(order) > 1 and order != tuple(sorted(order))]
    for mine in sorted(ours.orders):
        shared = max((len(set(mine) & set(order)) for order in known), default=0)
        nearest = [order for order in known if len(set(mine) & set(order)) == shared]
        if nearest and not any(_agree(mine, order) for order in nearest):
            yield path or "(top)", f"recorded in the order {', '.join(nearest[0])}; ours in {', '.join(mine)}"


def _agree(mine: tuple[str, ...], recorded: tuple[str, ...]) -> bool:
    return [key for key in mine if key in recorded] == [key for key in recorded if key in mine]
