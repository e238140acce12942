"""The second door of the hub, for watchdogs on other machines."""

from pathlib import Path

import msgspec

from portfolio_mm.actors.transport import Tls


class Door(msgspec.Struct, frozen=True):
    """Where the gateway listens for a watchdog elsewhere: `tls://host:port`, and files by path."""

    address: str
    certificate: str
    key: str
    token_file: str

    @property
    def tls(self) -> Tls:
        """Files of the listener."""
        return Tls(Path(self.certificate), Path(self.key))

    def token(self) -> str:
        """The secret of this door alone."""
        return Path(self.token_file).read_text().strip()
