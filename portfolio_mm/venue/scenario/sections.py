"""Where each setting of the venue stands in a scenario file.

The sections are made from `VenueSettings`: its fields with their types, bounds, defaults and words. A field that no
section names stands in `rules`, so a new switch needs no line here.
"""

from typing import Any, Final, get_type_hints

import msgspec

from portfolio_mm.venue.settings import VenueSettings

KEYS: Final[dict[str, dict[str, str]]] = {
    "market": {
        k: k
        for k in (
            *("coins", "dexes", "seed", "speed", "synthetic", "truth_folder", "reference"),
            *("tape", "loop", "upstream", "fills", "prices", "margin_modes"),
        )
    },
    "accounts": {
        "count": "accounts",
        "deposit_usd": "deposit_usd",
        "deposit_tokens": "deposit_tokens",
        "mode": "mode",
        "fee_tier": "fee_tier",
        "prior_volume_usd": "prior_volume_usd",
        "staked_hype": "staked_hype",
        "referred": "referred",
        "overrides": "account_overrides",
    },
    "limits": {k: k for k in ("ip_limit", "requests_base", "day_actions", "silence_s", "congestion_legs")},
    "time": {k: k for k in ("block_ms", "latency_ms", "latency")},
    "server": {k: k for k in ("host", "port", "network", "admin")},
}
"""Section, key in it, field of `VenueSettings`."""
LISTS: Final[tuple[str, ...]] = ("events", "faults")
"""Fields that are sections of their own."""
RULES: Final = "rules"


def keys() -> dict[str, dict[str, str]]:
    """`KEYS`, and every other field in `rules`."""
    placed = {field for section in KEYS.values() for field in section.values()}
    rest = [name for name in VenueSettings.__struct_fields__ if name not in placed and name not in LISTS]
    return {**KEYS, RULES: {name: name for name in rest}}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    """The default of a field, as `defstruct` takes it."""
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default


def _scenario() -> type[msgspec.Struct]:
    hints = get_type_hints(VenueSettings, include_extras=True)
    defaults = {field.name: field for field in msgspec.structs.fields(VenueSettings)}
    sections: list[tuple[str, Any, Any]] = []
    for section, names in keys().items():
        fields = [(key, hints[field], _default(defaults[field])) for key, field in names.items()]
        made = msgspec.defstruct(section.capitalize(), fields, frozen=True)
        sections.append((section, made, made()))
    lists = [(name, hints[name], ()) for name in LISTS]
    return msgspec.defstruct("Scenario", [("title", str, ""), *sections, *lists], frozen=True)


SCENARIO: Final = _scenario()
"""The struct of a whole scenario file."""


def settings_of(scenario: msgspec.Struct) -> VenueSettings:
    """The venue's settings a scenario asks for."""
    given = {
        field: getattr(getattr(scenario, section), key)
        for section, names in keys().items()
        for key, field in names.items()
    }
    return VenueSettings(**given, **{name: getattr(scenario, name) for name in LISTS})


def fields_read(read: dict[tuple[str | int, ...], dict[str, Any]]) -> dict[str, Any]:
    """Fields of `VenueSettings` by what a conversion read in each section."""
    found: dict[str, Any] = {name: read.get((), {})[name] for name in LISTS if name in read.get((), {})}
    for section, names in keys().items():
        given = read.get((section,), {})
        found |= {field: given[key] for key, field in names.items() if key in given}
    return found


def place_of(field: str) -> tuple[str, ...]:
    """Where a field of `VenueSettings` stands in the file."""
    return next(
        ((section, key) for section, names in keys().items() for key, f in names.items() if f == field), (field,)
    )
