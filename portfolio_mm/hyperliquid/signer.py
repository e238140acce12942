"""Signing of L1 actions (HL §3.1): msgpack, keccak, EIP-712 with a cached domain, secp256k1.

The key is read from a file only its owner can read, stays inside this object, and leaves it only as signatures.
"""

import os
import stat
from pathlib import Path
from typing import Any, Final, NoReturn, TypedDict

import coincurve
import msgspec
from Crypto.Hash import keccak

from portfolio_mm.domain.errors import ConfigurationError

CHAIN_ID: Final = 1337
"""The same on both networks; only the phantom agent's `source` tells them apart."""


class Signature(TypedDict):
    """What the venue expects beside an action."""

    r: str
    s: str
    v: int


def _keccak(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_DOMAIN: Final = _keccak(
    _keccak(_DOMAIN_TYPE) + _keccak(b"Exchange") + _keccak(b"1") + CHAIN_ID.to_bytes(32, "big") + bytes(32)
)
_AGENT_TYPE: Final = _keccak(b"Agent(string source,bytes32 connectionId)")
_PREFIX: Final = {
    mainnet: (b"\x19\x01" + _DOMAIN, _AGENT_TYPE + _keccak(b"a" if mainnet else b"b")) for mainnet in (True, False)
}
_ENCODER: Final = msgspec.msgpack.Encoder()


def action_hash(action: Any, nonce: int, vault: str | None, expires_after: int | None) -> bytes:
    """Connection id of an action: keccak of its msgpack, nonce, vault and expiry (map order = order of fields)."""
    data = _ENCODER.encode(action) + nonce.to_bytes(8, "big")
    data += b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault.removeprefix("0x"))
    if expires_after is not None:
        data += b"\x00" + expires_after.to_bytes(8, "big")
    return _keccak(data)


class Signer:
    """One signing key. Never printed, never pickled; `address` is lower case."""

    __slots__ = ("_key", "address")

    def __init__(self, key: coincurve.PrivateKey) -> None:
        self._key = key
        self.address: Final = "0x" + _keccak(key.public_key.format(compressed=False)[1:])[12:].hex()

    @classmethod
    def from_file(cls, path: Path | str) -> "Signer":
        """Read a key: 64 hex digits, with or without 0x, in a file of mode 0600 or stricter. A leading ~ is home.

        Raises:
            ConfigurationError: missing, readable by others, or not a key. The message never shows the content.
        """
        source = Path(path).expanduser()
        try:
            with source.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                text = file.read(256)
        except OSError as error:
            msg = f"key file {source}: {error.strerror}; give the path of a file that holds the agent's private key"
            raise ConfigurationError(msg) from None
        if mode & 0o077:
            msg = f"key file {source} has mode {mode:04o}: others may read it; run `chmod 600 {source}`"
            raise ConfigurationError(msg)
        return cls(_key(text, f"key file {source}"))

    @classmethod
    def from_hex(cls, text: str) -> "Signer":
        """Make a signer of a key already in memory: for published test keys and throw-away venue accounts.

        Raises:
            ConfigurationError: not a key. The message never shows the content.
        """
        return cls(_key(text.encode(), "private key"))

    def sign_l1(
        self, action: Any, nonce: int, *, vault: str | None = None, expires_after: int | None = None, mainnet: bool
    ) -> Signature:
        """Sign an L1 action: equal to the official SDK's `sign_l1_action`, r and s without left zeros.

        Args:
            action: an `encode.Action`, or plain maps and lists in the venue's field order.
            nonce: Unix ms, unique for this signer.
            vault: sub-account or vault traded for, part of the hash.
            expires_after: Unix ms after which the venue refuses the action.
            mainnet: which network's `source` goes into the hash.
        """
        start, agent = _PREFIX[mainnet]
        digest = _keccak(start + _keccak(agent + action_hash(action, nonce, vault, expires_after)))
        raw = self._key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
        return {"r": hex(r), "s": hex(s), "v": 27 + raw[64]}

    def __repr__(self) -> str:
        return f"Signer(address={self.address})"

    def __reduce__(self) -> NoReturn:
        msg = "a Signer does not leave its process; pass the key file's path"
        raise TypeError(msg)


def _key(text: bytes, what: str) -> coincurve.PrivateKey:
    """Private key of its hex text; errors are silent about the text."""
    digits = text.strip().removeprefix(b"0x")
    try:
        if len(digits) == 64:
            return coincurve.PrivateKey(bytes.fromhex(digits.decode("ascii")))
    except ValueError:
        pass
    msg = f"{what} does not hold a private key: 64 hex digits, with or without 0x"
    raise ConfigurationError(msg) from None
