"""Every error this program raises on purpose.

    PortfolioMMError
    |-- ConfigurationError      the user's settings or arguments are wrong          exit 4
    |-- PreflightError          the account or the venue cannot be traded on now    exit 2
    |-- KilledError             the kill switch is latched                          exit 3
    |-- AlreadyRunningError     another instance owns the account or the folder     exit 5
    |   `-- OtherInstanceError      one with another state folder trades on the account
    |-- SignatureMismatch       our signatures are not the official SDK's           exit 1
    |-- StateError              a state file is damaged or of another version       exit 6
    |-- NotRunningError         there is no run to speak to                         exit 7
    |-- VenueError              the venue answered something we must act upon
    |   |-- VenueRefused          it refused: nothing happened there
    |   |-- OutcomeUnknown        the answer was lost: it may have happened
    |   `-- VenueUnreachable      nothing was sent
    |-- MalformedMessage        a wire message is not what its kind promises: counted, skipped
    `-- ProtocolError           a peer inside this program broke the framing

Each message names the thing, the value, its unit and the remedy.
"""

from typing import ClassVar


class PortfolioMMError(Exception):
    """Root of all errors raised on purpose; `exit_code` is what the command ends with."""

    exit_code: ClassVar[int] = 1


class ConfigurationError(PortfolioMMError):
    """The user's settings or arguments are wrong."""

    exit_code = 4


class PreflightError(PortfolioMMError):
    """The account or the venue cannot be traded on now."""

    exit_code = 2


class KilledError(PortfolioMMError):
    """The kill switch is latched; nothing trades until a person resumes."""

    exit_code = 3


class AlreadyRunningError(PortfolioMMError):
    """Another instance owns this account or this state folder."""

    exit_code = 5


class OtherInstanceError(AlreadyRunningError):
    """An instance with another state folder, perhaps on another machine, trades on this account; we gave up."""


class SignatureMismatch(PortfolioMMError):
    """What we sign differs from what the official SDK signs: nothing may be sent. A fault of this program."""


class StateError(PortfolioMMError):
    """A state file is damaged, or was written by another version."""

    exit_code = 6


class NotRunningError(PortfolioMMError):
    """There is no run to speak to."""

    exit_code = 7


class VenueError(PortfolioMMError):
    """The venue, or the way to it, failed."""


class VenueRefused(VenueError):
    """The venue refused the whole action: nothing happened there."""


class OutcomeUnknown(VenueError):
    """The answer was lost: the action may or may not have happened."""


class VenueUnreachable(VenueError):
    """Nothing was sent."""


class MalformedMessage(PortfolioMMError):
    """A wire message is not what its kind promises."""


class ProtocolError(PortfolioMMError):
    """A peer inside this program broke the framing or skipped the greeting."""
