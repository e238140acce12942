"""What the command ends with. Stable: scripts rely on it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `portfolio-mm`."""

    FINE = 0
    FAILED = 1
    """Something unforeseen; the message says what."""
    PREFLIGHT = 2
    """The account or the venue cannot be traded on now."""
    KILLED = 3
    """The kill switch is latched, or risk killed the run."""
    CONFIGURATION = 4
    """Settings or arguments are wrong."""
    ALREADY_RUNNING = 5
    """Another instance owns the account or the state folder."""
    STATE = 6
    """A state file is damaged."""
    NOT_RUNNING = 7
    """There is no run to speak to."""
    USAGE = 64
    """The command line itself is wrong (sysexits EX_USAGE)."""


def table() -> str:
    """The codes in one line, for help texts."""
    return ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in Exit)
