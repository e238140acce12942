"""A YAML document with the line of every key, so that a complaint can point at it."""

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from portfolio_mm.domain.errors import ConfigurationError

DEEPEST: Final = 12
Place = tuple[str | int, ...]
"""Path of a key: ("faults", 0, "rate")."""


class Document(msgspec.Struct, frozen=True):
    """What a file said, and on which line it said it."""

    name: str
    tree: Any
    lines: dict[Place, int]
    twice: tuple[tuple[Place, str], ...] = ()
    """Keys given more than once."""

    def line(self, place: Place) -> int | None:
        """Line of a key, or of the nearest section that holds it; None when neither is written."""
        found = (self.lines.get(place[:depth]) for depth in range(len(place), 0, -1))
        return next((line for line in found if line is not None), None)

    def where(self, place: Place) -> str:
        """`file:line` of a key, or of what holds it; the file alone when neither is written."""
        line = self.line(place)
        return self.name if line is None else f"{self.name}:{line}"


def read_document(path: Path) -> Document:
    """Read one file.

    Raises:
        ConfigurationError: it cannot be read or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        msg = f"scenario file {path} does not exist; examples/scenarios holds some to start from"
        raise ConfigurationError(msg) from None
    except (OSError, UnicodeDecodeError) as error:
        msg = (
            f"scenario file {path} cannot be read ({type(error).__name__}); check its permissions and encoding (UTF-8)"
        )
        raise ConfigurationError(msg) from None
    return parse_document(str(path), text)


def parse_document(name: str, text: str) -> Document:
    """The document a text holds.

    Raises:
        ConfigurationError: it is not YAML.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        msg = f"{name}{line}: {error.problem or 'not YAML'}; a scenario is YAML (`key: value`, two blanks a level)"
        raise ConfigurationError(msg) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # A character YAML does not allow, a date that does not exist, brackets without end.
        msg = f"{name}: {str(error).splitlines()[0]}; a scenario is YAML (`key: value`, two blanks a level)"
        raise ConfigurationError(msg) from None
    lines: dict[Place, int] = {}
    twice: list[tuple[Place, str]] = []
    _note_lines(root, (), lines, twice)
    return Document(name, {} if tree is None else tree, lines, tuple(twice))


def _note_lines(node: yaml.Node | None, place: Place, lines: dict[Place, int], twice: list[tuple[Place, str]]) -> None:
    if len(place) > DEEPEST:  # an anchor that holds itself
        return
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = (*place, str(key_node.value))
            line = key_node.start_mark.line + 1
            if key in lines:
                twice.append((key, f"was already given on line {lines[key]}; keep one of them (see line {line})"))
            lines.setdefault(key, line)
            _note_lines(value_node, key, lines, twice)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*place, index] = item.start_mark.line + 1
            _note_lines(item, (*place, index), lines, twice)
