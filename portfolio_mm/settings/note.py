"""The explanation each key carries, and what all sections share."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the file: immutable, exact types, finite numbers, no unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=False,
        validate_default=True,
    )


def note(what: str, unit: str, change: str) -> str:
    r"""Description of a key: what it is, its unit, and when to change it.

    >>> note("Largest loss", "USD", "to risk less")
    'Largest loss.\nUnit: USD. Change to risk less.'
    """
    return f"{what}.\nUnit: {unit}. Change {change}."
