"""TWAP orders on the wire (HL §2.9)."""

import msgspec

from portfolio_mm.venue.protocol.fields import Whole32, Whole64


class TwapWire(msgspec.Struct, frozen=True):
    """Asset, is buy, size, reduce-only, minutes, whether sizes of slices vary."""

    a: Whole32
    b: bool
    s: str
    r: bool
    m: Whole32
    t: bool


class TwapStart(msgspec.Struct, frozen=True):
    """Begin when the mark price is above (`a`) or below a price."""

    p: str
    a: bool


class TwapDetails(msgspec.Struct, frozen=True):
    """When to begin, and the mark price at which to stop; null is part of what is signed."""

    t: TwapStart | None
    s: str | None


class TwapOrder(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="twapOrder"):
    """Trade a size in equal slices over some minutes."""

    twap: TwapWire
    details: TwapDetails | None = None


class TwapCancel(msgspec.Struct, frozen=True, tag_field="type", tag="twapCancel"):
    """End a TWAP."""

    a: Whole32
    t: Whole64
