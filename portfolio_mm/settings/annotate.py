"""Writing the settings out as YAML with every key explained where it stands: how config/default.yaml is made.

`python -m portfolio_mm.settings.annotate > config/default.yaml`
"""

import sys
import textwrap
from collections.abc import Iterator

import yaml
from pydantic import BaseModel

from portfolio_mm.settings.model import Settings

HEAD = """\
# portfolio-mm: every key there is, with its built-in default.
# A settings file needs only the keys that differ; leave the rest out. An unknown key is an error.
# Give the file with `portfolio-mm start --config FILE`.
"""


def annotated(settings: Settings) -> str:
    """The whole tree as YAML text, each key under a comment with its meaning, unit and when to change it."""
    return HEAD + "\n".join(_lines(settings, 0)) + "\n"


def _lines(section: BaseModel, depth: int) -> Iterator[str]:
    pad = "  " * depth
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if depth == 0:
            yield ""
        for paragraph in (field.description or "").splitlines():
            yield from textwrap.wrap(paragraph, 116, initial_indent=f"{pad}# ", subsequent_indent=f"{pad}#   ")
        if isinstance(value, BaseModel):
            yield f"{pad}{key}:"
            yield from _lines(value, depth + 1)
        else:
            yield f"{pad}{key}: {_flow(value)}"


def _flow(value: object) -> str:
    """One value on one line of YAML."""
    plain = (
        {
            name: item.model_dump(exclude_none=True) if isinstance(item, BaseModel) else item
            for name, item in value.items()
        }
        if isinstance(value, dict)
        else list(value)
        if isinstance(value, tuple)
        else value
    )
    return yaml.safe_dump(plain, default_flow_style=True, width=10_000).removesuffix("\n").removesuffix("\n...")


if __name__ == "__main__":
    sys.stdout.write(annotated(Settings()))
