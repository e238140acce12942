"""Actions that pay another user or the outside; signed by the user, their nonce is called `time` (HL §2.8)."""

import msgspec

from portfolio_mm.venue.protocol.fields import Address, ChainId, Network, Whole64


class UsdSend(msgspec.Struct, frozen=True, tag_field="type", tag="usdSend", rename="camel"):
    """USDC from perps to another user's perps."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    destination: Address
    amount: str
    time: Whole64


class SpotSend(msgspec.Struct, frozen=True, tag_field="type", tag="spotSend", rename="camel"):
    """A token from spot to another user's spot; only USDC exists here."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    destination: Address
    token: str
    amount: str
    time: Whole64


class Withdraw(msgspec.Struct, frozen=True, tag_field="type", tag="withdraw3", rename="camel"):
    """USDC out of the venue."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    destination: Address
    amount: str
    time: Whole64
