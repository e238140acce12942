"""Turning validation errors into words: where, which key, what is wrong, what would be right.

Nothing that looks like a private key is ever printed.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from portfolio_mm.settings.market import SECRET
from portfolio_mm.settings.source import Place, Source
from portfolio_mm.settings.trading import CoinOverride

SECRET_WORDS = ("private", "secret", "mnemonic", "seed_phrase", "password", "api_key")


def complaint_text(errors: Sequence[ErrorDetails], source: Source, root: type[BaseModel]) -> str:
    """One readable line per error, under a headline."""
    count = f"{len(errors)} problems" if len(errors) > 1 else "1 problem"
    return "\n".join([f"settings have {count}:", *(f"  {_line(error, source, root)}" for error in errors)])


def _line(error: ErrorDetails, source: Source, root: type[BaseModel]) -> str:
    place = tuple(error["loc"])
    name = ".".join(map(str, place)) or "settings"
    colon = ":" if error["type"] == "value_error" else ""
    return f"{source.where(place)}: {name}{colon} {_words(error, place, root)}"


def _words(error: ErrorDetails, place: Place, root: type[BaseModel]) -> str:
    kind = error["type"]
    if kind in {"extra_forbidden", "invalid_key"}:
        return _unknown(place, root)
    value = _shown(error.get("input"))
    context: dict[str, Any] = error.get("ctx") or {}
    if kind == "value_error":
        return str(context["error"])
    bounds = {"greater_than": ("gt", "above"), "greater_than_equal": ("ge", "at least")}
    bounds |= {"less_than": ("lt", "under"), "less_than_equal": ("le", "at most")}
    if kind in bounds:
        key, words = bounds[kind]
        return f"is {value}, but must be {words} {context[key]:g}"
    if kind == "tuple_type":
        return f"is {value}, but must be a list, for example [BTC, ETH]"
    if kind == "literal_error":
        return f"is {value}, but must be one of {context['expected']}"
    return f"is {value}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _unknown(place: Place, root: type[BaseModel]) -> str:
    """Words for a key that does not exist, with the nearest that does."""
    key = str(place[-1])
    if any(word in key.lower() for word in SECRET_WORDS):
        return "is not a key of the settings; keys are given as files (account.key_path), never as values"
    siblings, everywhere = list(_keys(root, place[:-1])), list(key_paths(root))
    exact = [path for path in everywhere if path.rsplit(".", 1)[-1] == key]
    if exact:
        return f"is not a key here; did you mean {exact[0]}?"
    near = get_close_matches(key, siblings, n=1, cutoff=0.5)
    if near:
        return f"is not a key; did you mean {'.'.join([*map(str, place[:-1]), near[0]])}?"
    elsewhere = get_close_matches(key, [path.rsplit(".", 1)[-1] for path in everywhere], n=1, cutoff=0.7)
    if elsewhere:
        whole = next(path for path in everywhere if path.rsplit(".", 1)[-1] == elsewhere[0])
        return f"is not a key here; did you mean {whole}?"
    return f"is not a key; the keys here are {', '.join(siblings)}"


def _keys(model: type[BaseModel], place: Place) -> Iterator[str]:
    """Keys valid in the section at `place`."""
    for part in place:
        if part == "overrides":
            yield from CoinOverride.model_fields
            return
        field = model.model_fields.get(str(part))
        annotation = None if field is None else field.annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return
        model = annotation
    yield from model.model_fields


def key_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted path of every key of the tree, sections left out."""
    for key, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from key_paths(annotation, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _shown(value: object) -> str:
    """A value as it may be printed: short, and never anything that looks like a key."""
    text = repr(value)
    if isinstance(value, str) and SECRET.fullmatch(value.strip()):
        return "(something that looks like a private key)"
    if isinstance(value, dict | list | tuple | BaseModel):
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
