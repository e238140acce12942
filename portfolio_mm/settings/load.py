"""Loading: a file, then what the command line overrides, then every check."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.settings.complaints import complaint_text
from portfolio_mm.settings.model import Settings
from portfolio_mm.settings.source import Source, read_source


def load(path: Path | str | None = None, overrides: Mapping[str, object] | None = None) -> Settings:
    """Settings of a run.

    Args:
        path: YAML file, or None for the built-in defaults.
        overrides: dotted key to value, winning over the file, for example `{"venue.embedded.seed": 3}`.

    Raises:
        ConfigurationError: anything is wrong; the text has a line per problem with file, line, key and remedy.
    """
    source = Source("settings", {}, {}) if path is None else read_source(Path(path))
    given = dict(overrides or {})
    if given:
        lines = {place: line for place, line in source.lines.items() if ".".join(map(str, place)) not in given}
        name = "command line" if path is None else source.name
        source = Source(name, _merged(source.tree, given), lines)
    try:
        return Settings.model_validate(source.tree)
    except ValidationError as error:
        text = complaint_text(error.errors(include_url=False), source, Settings)
        raise ConfigurationError(text) from None


def _merged(tree: Mapping[str, Any], overrides: Mapping[str, object]) -> dict[str, Any]:
    """A copy of `tree` with dotted keys set."""
    result: dict[str, Any] = {key: _copy(value) for key, value in tree.items()}
    for dotted, value in overrides.items():
        *sections, last = dotted.split(".")
        node = result
        for section in sections:
            below = node.get(section)
            node[section] = below if isinstance(below, dict) else {}
            node = node[section]
        node[last] = value
    return result


def _copy(value: Any) -> Any:
    """A deep copy of mappings, so that merging never reaches the file's own tree."""
    return {key: _copy(item) for key, item in value.items()} if isinstance(value, dict) else value
