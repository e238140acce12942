"""From a YAML tree to typed structs, with every fault found on the way, not just the first.

The struct is the schema: its annotations say what may stand where, `Meta` the bounds, and a method `complaints` what
one field cannot say alone. A new struct therefore needs nothing here.
"""

import contextlib
import difflib
import math
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import inspect

from portfolio_mm.venue.scenario.allowed import allowed, fields_of, name_of, struct_kinds
from portfolio_mm.venue.scenario.document import Place

BAD: Final = object()
"""Stands for a value that was complained about."""
SHOWN: Final = 40


class Conversion:
    """One walk through a tree: `faults` are (place, what is wrong with it), `read` what each struct got."""

    def __init__(self) -> None:
        self.faults: list[tuple[Place, str]] = []
        self.read: dict[Place, dict[str, Any]] = {}

    def struct(self, cls: type[msgspec.Struct], given: Any, place: Place = ()) -> Any:
        """`given` as a struct, or BAD."""
        return self._struct(inspect.type_info(cls), given, place)

    def _fault(self, place: Place, text: str) -> Any:
        self.faults.append((place, text))
        return BAD

    def _wrong(self, kind: inspect.Type, given: Any, place: Place) -> Any:
        return self._fault(place, f"is {shown(given)}, must be {allowed(kind)}")

    def _value(self, kind: inspect.Type, given: Any, place: Place) -> Any:
        while isinstance(kind, inspect.Metadata):
            kind = kind.type
        reader: Callable[..., Any] = READERS.get(type(kind), Conversion._other)
        return reader(self, kind, given, place)

    def _other(self, kind: inspect.Type, given: Any, place: Place) -> Any:
        return given if isinstance(kind, inspect.AnyType) else self._wrong(kind, given, place)

    def _exactly(self, kind: Any, given: Any, place: Place) -> Any:
        """True and false, nothing, one of some words."""
        choices = {inspect.BoolType: (True, False), inspect.NoneType: (None,)}.get(type(kind)) or kind.values
        found = any(given == choice and type(given) is type(choice) for choice in choices)
        return given if found else self._wrong(kind, given, place)

    def _number(self, kind: Any, given: Any, place: Place) -> Any:
        whole = isinstance(kind, inspect.IntType)
        value = _float_text(given) if isinstance(given, str) and not whole else given
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not _finite(value):
            return self._wrong(kind, given, place)
        within = (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le)
        within = within and (kind.gt is None or value > kind.gt) and (kind.lt is None or value < kind.lt)
        return (value if whole else float(value)) if within else self._wrong(kind, given, place)

    def _text(self, kind: inspect.StrType, given: Any, place: Place) -> Any:
        if not isinstance(given, str):
            return self._wrong(kind, given, place)
        fits = (kind.pattern is None or re.search(kind.pattern, given)) and (
            (kind.min_length or 0) <= len(given) <= (kind.max_length or len(given))
        )
        return given if fits else self._wrong(kind, given, place)

    def _list(self, kind: Any, given: Any, place: Place) -> Any:
        low, high = kind.min_length or 0, kind.max_length
        if not isinstance(given, list) or len(given) < low or (high is not None and len(given) > high):
            return self._wrong(kind, given, place)
        read = [self._value(kind.item_type, item, (*place, index)) for index, item in enumerate(given)]
        return BAD if BAD in read else tuple(read) if isinstance(kind, inspect.VarTupleType) else read

    def _mapping(self, kind: inspect.DictType, given: Any, place: Place) -> Any:
        if not isinstance(given, dict):
            return self._wrong(kind, given, place)
        read = {
            self._value(kind.key_type, key, (*place, str(key))): self._value(kind.value_type, item, (*place, str(key)))
            for key, item in given.items()
        }
        return BAD if BAD in read or BAD in read.values() else read

    def _union(self, kind: inspect.UnionType, given: Any, place: Place) -> Any:
        if given is None and any(isinstance(member, inspect.NoneType) for member in kind.types):
            return None
        tagged = struct_kinds(kind)
        if tagged:
            return self._tagged(tagged, kind, given, place)
        others = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
        if len(others) == 1:
            return self._value(others[0], given, place)
        for member in others:
            attempt = Conversion()
            read = attempt._value(member, given, place)
            if not attempt.faults:
                return read
        return self._wrong(kind, given, place)

    def _tagged(self, kinds: dict[str, inspect.StructType], kind: inspect.Type, given: Any, place: Place) -> Any:
        field = next(iter(kinds.values())).tag_field or ""
        if not field:  # one struct or nothing
            return self._struct(next(iter(kinds.values())), given, place)
        if not isinstance(given, dict):
            return self._wrong(kind, given, place)
        if given.get(field) not in kinds:
            said = f"is {shown(given[field])}, must be" if field in given else "is missing: one of"
            return self._fault((*place, field), f"{said} {', '.join(kinds)}{_near(given.get(field), kinds)}")
        return self._struct(kinds[given[field]], given, place)

    def _struct(self, kind: Any, given: Any, place: Place) -> Any:
        if not isinstance(given, dict):
            return self._wrong(kind, given, place)
        fields = fields_of(kind)
        before, read = len(self.faults), {}
        for key, value in given.items():
            if key in fields:
                read[fields[key].name] = self._value(fields[key].type, value, (*place, key))
            elif key != kind.tag_field:
                names = ", ".join(fields) or "none"
                self._fault(
                    (*place, str(key)), f"is not a key of {name_of(kind, place)}{_near(key, fields)}; keys: {names}"
                )
        for name, field in fields.items():
            if field.required and name not in given:
                self._fault((*place, name), f"is missing, must be {allowed(field.type)}")
        self.read[place] = read
        for key, text in complaints(kind.cls, {**defaults(kind.cls), **read}):
            self._fault((*place, key), text)
        return BAD if len(self.faults) > before else kind.cls(**read)


READERS: Final[dict[type, Callable[..., Any]]] = {
    inspect.BoolType: Conversion._exactly,  # noqa: SLF001 - the table of this class
    inspect.NoneType: Conversion._exactly,  # noqa: SLF001
    inspect.LiteralType: Conversion._exactly,  # noqa: SLF001
    inspect.IntType: Conversion._number,  # noqa: SLF001
    inspect.FloatType: Conversion._number,  # noqa: SLF001
    inspect.StrType: Conversion._text,  # noqa: SLF001
    inspect.VarTupleType: Conversion._list,  # noqa: SLF001
    inspect.ListType: Conversion._list,  # noqa: SLF001
    inspect.DictType: Conversion._mapping,  # noqa: SLF001
    inspect.UnionType: Conversion._union,  # noqa: SLF001
    inspect.StructType: Conversion._struct,  # noqa: SLF001
}


class _NotKnown(Exception):
    """A complaint would rest on a value that was itself complained about."""


class _Read:
    """Fields of a struct that could not be made: those that are good."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        value = self._fields.get(name, BAD)
        if value is BAD:
            raise _NotKnown
        return value


def defaults(cls: type[msgspec.Struct]) -> dict[str, Any]:
    """Defaults of a struct's fields; required ones are not known."""
    found = {}
    for field in msgspec.structs.fields(cls):
        if field.default_factory is not msgspec.NODEFAULT:
            found[field.name] = field.default_factory()
        elif field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
    return found


def complaints(cls: Any, fields: dict[str, Any]) -> list[tuple[str, str]]:
    """What a struct says about its fields together, as far as the good ones carry it."""
    said: list[tuple[str, str]] = []
    with contextlib.suppress(_NotKnown):
        said.extend(cls.complaints(_Read(fields)) if hasattr(cls, "complaints") else ())
    return said


def shown(given: Any) -> str:
    """What a file said, short."""
    if given is None or isinstance(given, bool):
        return {None: "empty", True: "true", False: "false"}[given]
    if isinstance(given, dict | list):
        return "a mapping" if isinstance(given, dict) else f"a list of {len(given)}"
    text = repr(given)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _near(key: Any, known: Any) -> str:
    found = difflib.get_close_matches(str(key), list(known), n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def _float_text(text: str) -> Any:
    """YAML 1.1 reads `1e-3` as text; a number all the same."""
    return float(text) if re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", text) else text


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)
