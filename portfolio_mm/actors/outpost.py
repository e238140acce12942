"""A watchdog on another machine: the door of the hub that is only for it, and the folder it is given.

The trading host dies with its own watchdog; a second one elsewhere sees the silence and cancels with its own agent
key. `actors.outpost` opens a TLS port on which nobody but a watchdog is admitted, with a token of its own. `pack`
writes what the other machine needs: the address, the certificate to pin and that token. The key stays over there.

FOLDER/outpost.crt, .key, .token     on the trading host, 0600
POST/outpost.json, hub.crt, token    what is carried over, 0600
"""

import datetime as dt
import secrets
import socket
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portfolio_mm.actors.door import Door
from portfolio_mm.actors.run_folder import RunFolder, private_folder, write_private
from portfolio_mm.actors.sweeper import Target
from portfolio_mm.actors.topology import WATCHDOG, Address
from portfolio_mm.actors.transport import TLS, Tls
from portfolio_mm.actors.watchdog import Watchdog, WatchdogConfig
from portfolio_mm.domain.errors import ConfigurationError

POST_FILE: Final = "outpost.json"
CERTIFICATE: Final = "hub.crt"
TOKEN: Final = "token"  # noqa: S105 - the name of a file
VALID: Final = dt.timedelta(days=3650)


class Post(msgspec.Struct, frozen=True):
    """POST/outpost.json: the trading host's door, whose orders, and how long silence is tolerated."""

    hub: str
    account: str
    url: str
    ws_url: str
    mainnet: bool
    vault: str | None
    silence_s: float
    heartbeat_s: float


class FixedDirectory:
    """The hub is where we were told."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def find(self, name: str) -> Address:  # noqa: ARG002 - a directory of one
        """Always the same address."""
        return Address(self._url, 0)


def door(folder: RunFolder, listen: str) -> Door:
    """The door of a run's folder; its certificate and token are made once and kept.

    Args:
        folder: state folder of the run.
        listen: `host:port`.
    """
    found = Door(
        f"{TLS}{listen}",
        str(folder.path / "outpost.crt"),
        str(folder.path / "outpost.key"),
        str(folder.path / "outpost.token"),
    )
    if not Path(found.token_file).exists():
        _certify(Path(found.certificate), Path(found.key))
        write_private(Path(found.token_file), secrets.token_urlsafe(32))
    return found


def _certify(certificate: Path, key_file: Path) -> None:
    """A key and a certificate signed with it; who joins pins exactly this one."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portfolio-mm")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, bare = serialization.Encoding.PEM, serialization.NoEncryption()
    write_private(key_file, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, bare).decode())
    write_private(certificate, signed.public_bytes(pem).decode())


def pack(found: Door, target: Target, config: WatchdogConfig, public: str, to: Path) -> None:
    """Write the folder that is carried to the other machine.

    Args:
        found: the door of the run.
        target: account and venue.
        config: how long silence is tolerated.
        public: `host:port` under which the other machine reaches the door.
        to: the folder, made with mode 0700.
    """
    post = Post(
        hub=f"{TLS}{public}",
        account=target.account,
        url=target.url,
        ws_url=target.ws_url,
        mainnet=target.mainnet,
        vault=target.vault,
        silence_s=config.silence_s,
        heartbeat_s=config.heartbeat_s,
    )
    private_folder(to)
    write_private(to / POST_FILE, msgspec.json.format(msgspec.json.encode(post)).decode())
    write_private(to / CERTIFICATE, Path(found.certificate).read_text())
    write_private(to / TOKEN, found.token())


def stand(post_folder: Path, key_path: Path) -> Watchdog:
    """The watchdog of a packed folder; it stays when a run ends and guards the next one.

    Raises:
        ConfigurationError: a file is missing or not what it should be.
    """
    path = post_folder / POST_FILE
    try:
        post = msgspec.json.decode(path.read_bytes(), type=Post)
        for needed in (post_folder / CERTIFICATE, post_folder / TOKEN):
            needed.read_bytes()
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}; make the folder with `portfolio-mm watchdog pack` where the run is"
        raise ConfigurationError(msg) from None
    except msgspec.MsgspecError as error:
        msg = f"{path}: {error}"
        raise ConfigurationError(msg) from None
    target = Target(post.account, post.url, post.ws_url, post.mainnet, str(key_path), post.vault)
    return Watchdog(
        WatchdogConfig(target, post.silence_s, post.heartbeat_s),
        FixedDirectory(post.hub),
        post_folder / TOKEN,
        name=f"{WATCHDOG}@{socket.gethostname()}",
        tls=Tls(post_folder / CERTIFICATE),
        stays=True,
    )
