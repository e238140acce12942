"""The keys of a scenario file as tables, made from the structs themselves."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from portfolio_mm.venue.delays import Delay
from portfolio_mm.venue.faults.events import EventKind
from portfolio_mm.venue.faults.kinds import FaultKind
from portfolio_mm.venue.scenario.allowed import allowed, fields_of, meanings, struct_kinds
from portfolio_mm.venue.scenario.convert import shown
from portfolio_mm.venue.scenario.sections import keys
from portfolio_mm.venue.settings import VenueSettings


def reference() -> str:
    """All tables, Markdown."""
    parts = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    kind = inspect.type_info(VenueSettings)
    assert isinstance(kind, inspect.StructType)
    fields, words = fields_of(kind), meanings(VenueSettings)
    nested: dict[str, inspect.StructType] = {}
    for section, names in keys().items():
        for key, field in names.items():
            parts.append(_row(f"{section}.{key}", fields[field], words[field]))
            nested |= dict(_untagged(fields[field].type, f"{section}.{key}"))
    for place, struct in nested.items():
        parts += ["", f"### `{place}`", "", *_table(struct)]
    parts += ["", "### Delays", "", *_kinds(struct_kinds(inspect.type_info(Delay)))]
    for title, union in (("events", EventKind), ("faults", FaultKind)):
        parts += ["", f"### `{title}`: one of these kinds each", "", *_kinds(struct_kinds(inspect.type_info(union)))]
    return "\n".join(parts)


def _untagged(kind: inspect.Type, place: str) -> Iterator[tuple[str, inspect.StructType]]:
    """Structs below a place that are no kinds of a union."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.StructType) and kind.tag is None:
        yield place, kind
        for field in kind.fields:
            yield from _untagged(field.type, f"{place}.{field.encode_name}")
    elif isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from _untagged(member, place)
    elif isinstance(kind, inspect.VarTupleType | inspect.ListType):
        yield from _untagged(kind.item_type, place)


def _table(struct: inspect.StructType) -> list[str]:
    words = meanings(struct.cls)
    rows = [_row(name, field, words[field.name]) for name, field in fields_of(struct).items()]
    return [f"{_summary(struct.cls)}", "", "| key | default | allowed | meaning |", "|---|---|---|---|", *rows]


def _kinds(kinds: dict[str, inspect.StructType]) -> list[str]:
    shared = set.intersection(*({field.name for field in kind.fields} for kind in kinds.values()))
    rows = ["| kind | what it does | its keys |", "|---|---|---|"]
    for tag, kind in kinds.items():
        words = meanings(kind.cls)
        own = [
            f"`{name}` ({_default(field)}; {allowed(field.type)}): {words[field.name]}"
            for name, field in fields_of(kind).items()
            if field.name not in shared
        ]
        rows.append(f"| `{tag}` | {_summary(kind.cls)} | {_cell('<br>'.join(own) or '–')} |")
    first = next(iter(kinds.values()))
    words = meanings(first.cls)
    common = [_row(n, f, words[f.name]) for n, f in fields_of(first).items() if f.name in shared]
    return [*(["| key | default | allowed | meaning |", "|---|---|---|---|", *common, ""] if common else []), *rows]


def _row(name: str, field: inspect.Field, meaning: str) -> str:
    return f"| `{name}` | {_default(field)} | {_cell(allowed(field.type))} | {_cell(meaning)} |"


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value: Any = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if isinstance(value, msgspec.Struct):
        return "see its keys"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items()) or "none"
    if isinstance(value, tuple):
        return "none" if not value else f"{len(value)} of them"
    return shown(value) if value != "" else "none"


def _summary(cls: type) -> str:
    return _cell(" ".join((cls.__doc__ or "").partition("\n\n")[0].split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
