"""Kinds of fields that actions share, with the bounds the venue puts on them."""

from typing import Annotated, Literal

from msgspec import Meta

Whole32 = Annotated[int, Meta(ge=0, lt=1 << 32)]
Whole64 = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""The venue's unsigned integers; msgspec bounds the wider one a bit lower than the venue does."""
Signed64 = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
Address = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{40}\Z")]
BareAddress = Annotated[str, Meta(pattern=r"^(0x)?[0-9a-fA-F]{40}\Z")]
"""ccxt names the account it acts for without `0x`."""
CloidText = Annotated[str, Meta(pattern=r"^(0x)?[0-9a-fA-F]{1,32}\Z")]
"""128 bits in hex. `cloid` writes it as the venue does, which a signature must cover."""
ChainId = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{1,64}\Z")]
Network = Literal["Mainnet", "Testnet"]
