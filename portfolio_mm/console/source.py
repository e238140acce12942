"""Where the console gets what it shows. The console actor implements it over its connection to the gateway."""

from typing import Any, Protocol


class Source(Protocol):
    """The latest view, as plain dictionaries in the shape of `actors.messages.View`."""

    def view(self) -> dict[str, Any] | None:
        """The newest view, or None before the first one."""

    def age_s(self) -> float:
        """Seconds since the newest view arrived; infinite before the first one."""
