"""What may stand somewhere, in words; and what a struct says about its fields."""

import re
from typing import Any, Final

from msgspec import inspect

PARAGRAPH: Final = re.compile(r"^ {8}(\w+): (.*)$")
LONG: Final = 1e7
"""Numbers from here on are written with an exponent."""
CONTINUED: Final = re.compile(r"^ {9,}(\S.*)$")


def fields_of(kind: inspect.StructType) -> dict[str, inspect.Field]:
    """Fields of a struct by the name a file gives them."""
    return {field.encode_name: field for field in kind.fields}


def struct_kinds(kind: inspect.Type) -> dict[str, inspect.StructType]:
    """Structs of a union by tag."""
    members = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return {str(member.tag): member for member in members if isinstance(member, inspect.StructType)}


def name_of(kind: inspect.StructType, place: tuple[str | int, ...]) -> str:
    """What a struct is called in a complaint: its kind, else where it stands."""
    return str(kind.tag) if kind.tag is not None else ".".join(map(str, place)) or "a scenario"


def allowed(kind: inspect.Type) -> str:
    """What a value may be."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    words: str
    match kind:
        case inspect.BoolType():
            words = "true or false"
        case inspect.NoneType():
            words = "empty"
        case inspect.IntType() | inspect.FloatType():
            words = ("a whole number" if isinstance(kind, inspect.IntType) else "a number") + _bounds(kind)
        case inspect.StrType():
            words = "text" if kind.pattern is None else f"text like {kind.pattern}"
        case inspect.LiteralType():
            words = f"one of {', '.join(map(str, kind.values))}"
        case inspect.VarTupleType() | inspect.ListType():
            words = f"a list{_length(kind)}, each {allowed(kind.item_type)}"
        case inspect.DictType():
            words = f"a mapping, each {allowed(kind.value_type)}"
        case inspect.UnionType() | inspect.StructType():
            words = _structs(kind)
        case _:
            words = "anything"
    return words


def _structs(kind: Any) -> str:
    tags = struct_kinds(kind)
    if tags and "None" not in tags:
        field = next(iter(tags.values())).tag_field
        return f"a mapping with {field}: {', '.join(tags)}"
    if tags:
        return "a mapping of its keys"
    others = [allowed(member) for member in kind.types if not isinstance(member, inspect.NoneType)]
    return " or ".join([*others, *(["empty"] if len(others) < len(kind.types) else [])])


def _bounds(kind: Any) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {_number(kind.ge)} to {_number(kind.le)}"
    parts = ((kind.ge, "at least"), (kind.gt, "above"), (kind.le, "at most"), (kind.lt, "below"))
    said = [f"{word} {_number(bound)}" for bound, word in parts if bound is not None]
    return f" {' and '.join(said)}" if said else ""


def _number(bound: float) -> str:
    """A bound as people write it."""
    return str(int(bound)) if bound == int(bound) and abs(bound) < LONG else f"{bound:g}"


def _length(kind: Any) -> str:
    low, high = kind.min_length, kind.max_length
    if low and high is not None:
        return f" of {low} to {high}"
    return f" of at least {low}" if low else f" of at most {high}" if high is not None else ""


def meanings(cls: type) -> dict[str, str]:
    """What a struct's docstring says of each field, under `Attributes:`; that of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        words, current = (base.__doc__ or "").partition("Attributes:\n")[2], ""
        for line in words.splitlines():
            if named := PARAGRAPH.match(line):
                current = named[1]
                found[current] = named[2]
            elif (more := CONTINUED.match(line)) and current:
                found[current] += f" {more[1]}"
    return found
