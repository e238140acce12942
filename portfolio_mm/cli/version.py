"""Versions of this program and of what it stands on."""

import platform
from importlib import metadata

import portfolio_mm

STANDS_ON = ("ray", "numba", "numpy", "cvxpy", "hyperliquid-python-sdk", "websockets")


def versions() -> dict[str, str]:
    """Name to version; a missing package says so instead of failing."""
    found = {"portfolio-mm": portfolio_mm.__version__, "python": platform.python_version()}
    for name in STANDS_ON:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing: run scripts/setup"
    return found
