"""From options to settings and the state folder."""

from pathlib import Path
from typing import Any

from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.settings.load import load
from portfolio_mm.settings.plan import Plan


def plan_of(config: Path | None, overrides: dict[str, Any], folder: Path | None) -> Plan:
    """Validated settings with what the command line changes.

    Raises:
        ConfigurationError: names the key, the value and the remedy.
    """
    if folder is not None:
        overrides = overrides | {"storage.folder": str(folder)}
    return load(config, overrides).plan()


def folder_of(config: Path | None, folder: Path | None) -> RunFolder:
    """The state folder the options point at."""
    return RunFolder(folder if folder is not None else plan_of(config, {}, None).storage.path)
