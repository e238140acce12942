"""Decimal strings as the venue writes them, and exact reading of the ones it is sent."""

import re
from typing import Final

USD_DECIMALS: Final = 8
PLAIN_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")


def wire_text(count: int, decimals: int) -> str:
    """Text of `count` units of 10^-decimals: no trailing zeros, but always one decimal, as on recorded frames.

    >>> wire_text(8376700000, 5), wire_text(-5, 3), wire_text(7, 0), wire_text(0, 8)
    ('83767.0', '-0.005', '7.0', '0.0')
    """
    digits = f"{abs(count):0{decimals + 1}d}"
    whole, fraction = (digits[:-decimals], digits[-decimals:].rstrip("0")) if decimals else (digits, "")
    return f"{'-' if count < 0 else ''}{whole}.{fraction or '0'}"


def usd_text(amount_1e8: int) -> str:
    """Wire form of exact money.

    >>> usd_text(1_801_551_309)
    '18.01551309'
    """
    return wire_text(amount_1e8, USD_DECIMALS)


def micro_text(amount_1e8: int) -> str:
    """Money rounded to six decimals, as most answers print it.

    >>> micro_text(1_801_551_350)
    '18.015514'
    """
    return wire_text(rounded(amount_1e8, 100), 6)


def rounded(numerator: int, denominator: int) -> int:
    """Quotient of integers, half away from zero; the denominator is positive.

    >>> rounded(5, 2), rounded(-5, 2), rounded(4, 3)
    (3, -3, 1)
    """
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def parse_decimal(text: str, decimals: int) -> int | None:
    """Count of 10^-decimals units, or None when the text is finer than that grid.

    Raises:
        ValueError: not a plain decimal number, or one of more than forty digits on a side of the point.

    >>> parse_decimal("83000.5", 1), parse_decimal("0.01", 1)
    (830005, None)
    """
    if not PLAIN_DECIMAL.fullmatch(text):
        msg = f"{text[:80]!r} is not a decimal number"
        raise ValueError(msg)
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > decimals:
        return None
    return int(whole + fraction.ljust(decimals, "0"))
