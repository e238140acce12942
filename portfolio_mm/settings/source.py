"""Reading the YAML file with the line of every key, so that a complaint can point at it."""

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from portfolio_mm.domain.errors import ConfigurationError

DEEPEST: Final = 8
Place = tuple[str | int, ...]
"""Path of a key: ("risk", "max_loss_usd")."""


class Source(msgspec.Struct, frozen=True):
    """What a file said, and on which line it said it."""

    name: str
    tree: dict[str, Any]
    lines: dict[Place, int]

    def where(self, place: Place) -> str:
        """`file:line` of a key, or of the nearest section that holds it; the file alone when neither is written."""
        for depth in range(len(place), 0, -1):
            line = self.lines.get(place[:depth])
            if line is not None:
                return f"{self.name}:{line}"
        return self.name


def read_source(path: Path) -> Source:
    """Read one settings file.

    Raises:
        ConfigurationError: it cannot be read, is not YAML, names a key twice, or is not a mapping of sections.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        msg = f"settings file {path} does not exist; copy config/default.yaml, or leave --config out for the defaults"
        raise ConfigurationError(msg) from None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"settings file {path} cannot be read: {type(error).__name__}; check its permissions and encoding (UTF-8)"
        raise ConfigurationError(msg) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        msg = f"{path}{line}: {problem}; the file must be YAML (key: value, two blanks of indent per level)"
        raise ConfigurationError(msg) from None
    if tree is None:
        return Source(str(path), {}, {})
    if not isinstance(tree, dict):
        msg = f"{path}: holds a {type(tree).__name__}, not sections with keys (`risk:`, then `  max_loss_usd: 500`)"
        raise ConfigurationError(msg)
    lines: dict[Place, int] = {}
    _note_lines(str(path), root, (), lines)
    return Source(str(path), tree, lines)


def _note_lines(name: str, node: yaml.Node | None, place: Place, lines: dict[Place, int]) -> None:
    """Fill `lines` with the line of every key under `node`; a key written twice is an error."""
    if len(place) > DEEPEST:  # an anchor that holds itself
        return
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = (*place, str(key_node.value))
            line = key_node.start_mark.line + 1
            if key in lines:
                msg = (
                    f"{name}:{line}: {'.'.join(map(str, key))} was already given on line {lines[key]}; keep one of them"
                )
                raise ConfigurationError(msg)
            lines[key] = line
            _note_lines(name, value_node, key, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*place, index] = item.start_mark.line + 1
            _note_lines(name, item, (*place, index), lines)
