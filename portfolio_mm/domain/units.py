"""Units as types (architecture law 5).

Inside compiled kernels a number carries its unit in its name (`_bps`, `_usd`, `_s`, `_ms`, `_ns`, `_lots`, `_ticks`,
`_1e8`); at Python borders it carries one of these types.
"""

from typing import Final, NewType

Bps = NewType("Bps", float)
"""Basis points (1e-4) of the coin's reference price."""
Usd = NewType("Usd", float)
"""US dollars, for estimates; money that must add up is `Usd1e8`."""
Usd1e8 = NewType("Usd1e8", int)
"""Integer 1e-8 US dollars: exact, because a price times a size has at most six decimals on the venue."""
Seconds = NewType("Seconds", float)
VenueMs = NewType("VenueMs", int)
"""Block time of the venue, Unix milliseconds."""
MonoNs = NewType("MonoNs", int)
"""Monotonic clock of one host, nanoseconds. Never compared across hosts."""
Ticks = NewType("Ticks", int)
"""Price in units of 10^-px_decimals of the instrument (the finest grid; valid prices may be multiples of it)."""
Lots = NewType("Lots", int)
"""Size in units of 10^-sz_decimals of the instrument."""

BPS: Final = 1e4
USD_1E8: Final = 100_000_000
NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000

BUY: Final = 0
SELL: Final = 1
SIDES: Final = (BUY, SELL)
"""Side index: 0 bid/buy, 1 ask/sell. `SIGN[side]` is the sign of the position a fill adds."""
SIGN: Final = (1, -1)
