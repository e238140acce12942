"""Builder and priority fees on the wire (HL §2.2, §2.9, §7.6)."""

import msgspec

from portfolio_mm.venue.protocol.fields import Address, ChainId, Network, Whole32, Whole64


class Builder(msgspec.Struct, frozen=True):
    """Builder fee of an order: address, tenths of a basis point."""

    b: Address
    f: Whole64


class ApproveBuilderFee(msgspec.Struct, frozen=True, tag_field="type", tag="approveBuilderFee", rename="camel"):
    """Let a builder charge up to a rate such as `0.001%`; signed by the user. `0%` takes it back."""

    signature_chain_id: ChainId
    hyperliquid_chain: Network
    max_fee_rate: str
    builder: Address
    nonce: Whole64


class Priority(msgspec.Struct, frozen=True):
    """`{"p":n}`: a priority fee in the place of a grouping (HL §7.6); hundred-millionths of the notional."""

    p: Whole32
