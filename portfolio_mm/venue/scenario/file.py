"""A scenario file becomes settings, or one text with all that is wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.scenario.convert import Conversion, complaints, defaults
from portfolio_mm.venue.scenario.document import Document, Place, parse_document, read_document
from portfolio_mm.venue.scenario.sections import SCENARIO, fields_read, place_of, settings_of
from portfolio_mm.venue.settings import VenueSettings


def load_scenario(path: Path | str) -> VenueSettings:
    """Settings from a file; a relative path of a tape in it is meant from its folder.

    Raises:
        ConfigurationError: a line per fault, with file, line, key and what is allowed.
    """
    document = read_document(Path(path))
    settings = scenario_of(document)
    if settings.tape is not None:
        settings = msgspec.structs.replace(settings, tape=str(Path(path).parent / settings.tape))
    return settings


def chosen(path: Path | str | None, options: Mapping[str, Any]) -> VenueSettings:
    """Settings of a scenario file, or the defaults, with what the command line says instead; None says nothing.

    Raises:
        ConfigurationError: as `load_scenario`.
    """
    settings = VenueSettings() if path is None else load_scenario(path)
    return msgspec.structs.replace(settings, **{name: value for name, value in options.items() if value is not None})


def scenario_text(text: str, name: str = "scenario") -> VenueSettings:
    """Settings from a text.

    Raises:
        ConfigurationError: as `load_scenario`.
    """
    return scenario_of(parse_document(name, text))


def scenario_of(document: Document) -> VenueSettings:
    """Settings of a document.

    Raises:
        ConfigurationError: as `load_scenario`.
    """
    reading = Conversion()
    scenario = reading.struct(SCENARIO, document.tree)
    together = {**defaults(VenueSettings), **fields_read(reading.read)}
    faults: list[tuple[Place, str]] = [*document.twice, *reading.faults]
    faults += [(place_of(field), text) for field, text in complaints(VenueSettings, together)]
    if not faults:
        return settings_of(scenario)
    heading = f"{document.name} has {len(faults)} fault{'s' if len(faults) > 1 else ''}:"
    ordered = sorted(faults, key=lambda fault: document.line(fault[0]) or 0)
    raise ConfigurationError("\n".join([heading, *(f"  {_line(document, *fault)}" for fault in ordered)]))


def _line(document: Document, place: Place, text: str) -> str:
    return f"{document.where(place)}: {'.'.join(map(str, place)) or 'the file'} {text}"


def check(settings: VenueSettings) -> None:
    """Refuse settings made in a program that a file could not say.

    Raises:
        ConfigurationError: names each setting, its value and what is allowed.
    """
    tree: Any = msgspec.to_builtins(settings)
    reading = Conversion()
    reading.struct(VenueSettings, _listed(tree))
    if reading.faults:
        faults = [f"venue setting {'.'.join(map(str, place))} {text}" for place, text in reading.faults]
        raise ConfigurationError("\n".join(faults))


def _listed(tree: Any) -> Any:
    """Tuples as lists, as a file has them."""
    if isinstance(tree, dict):
        return {key: _listed(item) for key, item in tree.items()}
    return [_listed(item) for item in tree] if isinstance(tree, list | tuple) else tree
