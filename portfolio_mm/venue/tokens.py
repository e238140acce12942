"""Spot tokens (HL §1.4): held, sent and borrowed against here, but not traded.

Indices, decimals and ids are those of mainnet, as recorded from `spotMeta`.
"""

from typing import Any, Final

import msgspec

from portfolio_mm.venue.protocol.amounts import parse_decimal


class Token(msgspec.Struct, frozen=True):
    """One token. Its price is the oracle of the perp `coin` where that is listed here, otherwise `px_usd`."""

    index: int
    name: str
    sz_decimals: int
    wei_decimals: int
    token_id: str
    coin: str | None = None
    px_usd: float = 1.0
    full_name: str | None = None
    canonical: bool = False

    @property
    def wire(self) -> str:
        """How actions name it."""
        return f"{self.name}:{self.token_id}"

    @property
    def unit(self) -> int:
        """Smallest units of one whole token."""
        return int(10**self.wei_decimals)

    def units(self, text: str) -> int | None:
        """Smallest units of an amount; None when it is no positive number of them."""
        try:
            amount = parse_decimal(text, self.wei_decimals)
        except ValueError:
            return None
        return amount if amount is not None and amount > 0 else None

    def row(self) -> dict[str, Any]:
        """Its row in `spotMeta`."""
        return {
            "name": self.name,
            "szDecimals": self.sz_decimals,
            "weiDecimals": self.wei_decimals,
            "index": self.index,
            "tokenId": self.token_id,
            "isCanonical": self.canonical,
            "evmContract": None,
            "fullName": self.full_name,
            "deployerTradingFeeShare": "0.0",
        }


USDC_TOKEN: Final = Token(0, "USDC", 8, 8, "0x6d1e7cde53ba9467b783cb7c530ce054", canonical=True)
TOKENS: Final = (
    USDC_TOKEN,
    Token(1, "PURR", 0, 5, "0xc1fb593aeffbeb02f85e0308e9956a90", px_usd=0.2, canonical=True),
    Token(150, "HYPE", 2, 8, "0x0d01dc56dcaaca66ad901c959b4011ec", "HYPE", 40.0, "Hyperliquid"),
    Token(197, "UBTC", 5, 10, "0x8f254b963e8468305d409b33aa137c67", "BTC", 100_000.0, "Unit Bitcoin"),
    Token(268, "USDT0", 2, 8, "0x25faedc3f054130dbb4e4203aca63567", full_name="USDT0"),
)
"""Every token there is; the prices in it are only for venues that do not list the perp."""
BY_INDEX: Final = {token.index: token for token in TOKENS}
BY_NAME: Final = {token.name: token for token in TOKENS}
BY_WIRE: Final = {token.wire: token for token in TOKENS}
