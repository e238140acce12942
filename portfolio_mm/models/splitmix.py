"""Draws that are a function of their names: splitmix64 (Steele, Lea, Flood 2014) as a hash.

Words are pairs of 32-bit halves, so that compiled and plain Python agree to the bit: no product needs more than the low
64 bits, which wrap alike in int64, and no value is ever an unsigned NumPy scalar.
"""

import numba as nb

LOW32 = 0xFFFFFFFF
GAMMA_HI, GAMMA_LO = 0x9E3779B9, 0x7F4A7C15
MIX1_HI, MIX1_LO = 0xBF58476D, 0x1CE4E5B9
MIX2_HI, MIX2_LO = 0x94D049BB, 0x133111EB


@nb.njit(cache=True)
def _high_half(x: int, y: int) -> int:
    """Upper 32 bits of the product of two 32-bit numbers."""
    low = (x & 0xFFFF) * y
    return ((x >> 16) * y + (low >> 16)) >> 16


@nb.njit(cache=True)
def _times(hi: int, lo: int, by_hi: int, by_lo: int) -> tuple[int, int]:
    """Low 64 bits of a product."""
    high = _high_half(lo, by_lo) + ((lo * by_hi) & LOW32) + ((hi * by_lo) & LOW32)
    return high & LOW32, (lo * by_lo) & LOW32


@nb.njit(cache=True)
def _fold(hi: int, lo: int, by: int) -> tuple[int, int]:
    """Exclusive or of a word and itself shifted right, `by` under 32."""
    return hi ^ (hi >> by), lo ^ (((lo >> by) | (hi << (32 - by))) & LOW32)


@nb.njit(cache=True)
def step(hi: int, lo: int) -> tuple[int, int, int, int]:
    """One step of the generator: the new state, and what it puts out."""
    lo += GAMMA_LO
    hi = (hi + GAMMA_HI + (lo >> 32)) & LOW32
    lo &= LOW32
    a, b = _fold(hi, lo, 30)
    a, b = _times(a, b, MIX1_HI, MIX1_LO)
    a, b = _fold(a, b, 27)
    a, b = _times(a, b, MIX2_HI, MIX2_LO)
    a, b = _fold(a, b, 31)
    return hi, lo, a, b


@nb.njit(cache=True)
def _absorb(hi: int, lo: int, word: int) -> tuple[int, int]:
    """Mix a whole number, modulo 2^64, into a state."""
    whole = int(word)
    _, _, a, b = step(hi ^ ((whole >> 32) & LOW32), lo ^ (whole & LOW32))
    return a, b


@nb.njit(cache=True)
def uniform(first: int, second: int, third: int, fourth: int) -> float:
    """A number in [0, 1) that belongs to four whole numbers; resolution 2^-32."""
    hi, lo = _absorb(0, 0, first)
    hi, lo = _absorb(hi, lo, second)
    hi, lo = _absorb(hi, lo, third)
    hi, _ = _absorb(hi, lo, fourth)
    return hi / 4294967296.0  # type: ignore[no-any-return]
