"""Record layouts as text, so that bytes on disk can be read by a later version of the program, field by field."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.errors import StateError


def describe(dtype: np.dtype[Any]) -> bytes:
    """The layout as JSON: item size, and per field name, offset, shape and scalar code or nested layout."""
    return json.dumps(_describe(dtype), separators=(",", ":")).encode()


def _describe(dtype: np.dtype[Any]) -> dict[str, Any]:
    fields = []
    known: dict[str, Any] = {} if dtype.fields is None else dict(dtype.fields)
    for name in dtype.names or ():
        kind, offset = known[name][:2]
        base, shape = kind.subdtype if kind.subdtype is not None else (kind, ())
        inner: Any = _describe(base) if base.names else base.str
        fields.append({"name": name, "offset": offset, "shape": list(shape), "type": inner})
    return {"size": dtype.itemsize, "fields": fields}


def restore(description: bytes, where: str) -> np.dtype[Any]:
    """The dtype a description stands for.

    Raises:
        StateError: not a description; `where` names the file.
    """
    try:
        return _restore(json.loads(description))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{where}: unreadable record layout ({error}); the file is damaged or not ours, it was not changed"
        raise StateError(msg) from error


def _restore(layout: Any) -> np.dtype[Any]:
    names, formats, offsets = [], [], []
    for field in layout["fields"]:
        base = np.dtype(field["type"]) if isinstance(field["type"], str) else _restore(field["type"])
        names.append(field["name"])
        formats.append((base, tuple(field["shape"])) if field["shape"] else base)
        offsets.append(field["offset"])
    parts = {"names": names, "formats": formats, "offsets": offsets, "itemsize": layout["size"]}
    return np.dtype(parts)  # type: ignore[call-overload, no-any-return]


def carry_over(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> tuple[str, ...]:
    """Copy by field name, nested records too; fields only in `new` keep their values, fields only in `old` are dropped.

    Arrays of another length keep what fits. Gives the dotted names of the fields of `new` that found no source.
    """
    missing: list[str] = []
    known = old.dtype.names or ()
    for name in new.dtype.names or ():
        if name not in known:
            missing.append(name)
            continue
        source, target = old[name], new[name]
        if (source.dtype.names is None) != (target.dtype.names is None) or source.ndim != target.ndim:
            missing.append(name)
            continue
        fits = tuple(slice(0, min(a, b)) for a, b in zip(source.shape, target.shape, strict=True))
        if target.dtype.names:
            missing += [f"{name}.{inner}" for inner in carry_over(source[fits], target[fits])]
        else:
            target[fits] = source[fits].astype(target.dtype, casting="unsafe")
    return tuple(missing)
