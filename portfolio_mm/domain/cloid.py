"""Client order ids: 128 bits that say whose order this is (run, coin, side, level, epoch, count).

A cloid *identifies*; it does not protect: the venue accepts duplicates (HL §2.2).

    hi: run (32) | coin index (16) | side (1) | level (7) | mark 0xA7 (8)
    lo: coin epoch (24) | serial (40)

The gateway gives a new coin epoch at every (re)connection, so a restarted coin cannot reuse a serial.
"""

from typing import Final, NamedTuple

MARK: Final = 0xA7
MAX_RUN: Final = (1 << 32) - 1
MAX_COIN: Final = (1 << 16) - 1
MAX_LEVEL: Final = (1 << 7) - 1
MAX_EPOCH: Final = (1 << 24) - 1
SERIAL_BITS: Final = 40


class Cloid(NamedTuple):
    """A client order id taken apart."""

    run: int
    coin: int
    side: int
    level: int
    epoch: int
    serial: int


def encode(cloid: Cloid) -> tuple[int, int]:
    """Pack into two unsigned 64-bit words.

    >>> decode(*encode(Cloid(7, 3, 1, 2, 9, 12345)))
    Cloid(run=7, coin=3, side=1, level=2, epoch=9, serial=12345)
    """
    hi = (cloid.run << 32) | (cloid.coin << 16) | (cloid.side << 15) | (cloid.level << 8) | MARK
    return hi, (cloid.epoch << SERIAL_BITS) | cloid.serial


def decode(hi: int, lo: int) -> Cloid:
    """Take two words apart; meaningful only when `is_ours` says so."""
    side, level = (hi >> 15) & 1, (hi >> 8) & 0x7F
    return Cloid(hi >> 32, (hi >> 16) & 0xFFFF, side, level, lo >> SERIAL_BITS, lo & ((1 << SERIAL_BITS) - 1))


def is_ours(hi: int) -> bool:
    """Whether the high word carries the mark of this program."""
    return (hi & 0xFF) == MARK


def text(hi: int, lo: int) -> str:
    """Wire form: `0x` and 32 lower-case hex digits."""
    return f"0x{hi:016x}{lo:016x}"


def from_text(cloid: str) -> tuple[int, int]:
    """Parse the wire form.

    Raises:
        ValueError: not `0x` and 32 hex digits.
    """
    if len(cloid) != 34 or cloid[:2] != "0x":
        msg = f"cloid {cloid!r} is not 0x and 32 hex digits"
        raise ValueError(msg)
    return int(cloid[2:18], 16), int(cloid[18:], 16)
