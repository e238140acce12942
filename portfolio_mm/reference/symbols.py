"""Which symbol of Binance's USD-M futures is a coin of ours, and how many of ours one of theirs is.

Cheap coins are listed by the thousand or million there (`1000PEPEUSDT`) and often by the thousand here (`kPEPE`), not
always the same ones. Names do not prove anything, so prices do (`ratio.py`).
"""

from typing import Final, NamedTuple

from portfolio_mm.domain.instrument import dex_of

QUOTE: Final = "USDT"
MILLIONS: Final = {"MOG": "1000000MOG", "BABYDOGE": "1MBABYDOGE"}
"""Listed there by the million."""
BY_THE_THOUSAND: Final = frozenset(
    {"PEPE", "SHIB", "BONK", "FLOKI", "LUNC", "XEC", "SATS", "RATS", "CAT", "CHEEMS", "WHY", "X"}
)
"""Listed there by the thousand."""


class Symbol(NamedTuple):
    """A symbol there; one of its contracts is `multiplier` of our coins, so prices are divided by it."""

    name: str
    multiplier: float = 1.0

    @property
    def stream(self) -> str:
        """Its name in names of streams."""
        return self.name.lower()


def symbol_of(coin: str) -> Symbol | None:
    """The symbol of a coin by its name alone; None for a coin of a dex, which is another asset of that name.

    >>> symbol_of("BTC")
    Symbol(name='BTCUSDT', multiplier=1.0)
    >>> symbol_of("kPEPE"), symbol_of("PEPE")
    (Symbol(name='1000PEPEUSDT', multiplier=1.0), Symbol(name='1000PEPEUSDT', multiplier=1000.0))
    >>> symbol_of("kNEIRO")
    Symbol(name='NEIROUSDT', multiplier=0.001)
    """
    if dex_of(coin):
        return None
    thousands = coin[:1] == "k" and coin[1:].isupper()
    ours, base = (1e3, coin[1:]) if thousands else (1.0, coin.upper())
    if base in MILLIONS:
        return Symbol(f"{MILLIONS[base]}{QUOTE}", 1e6 / ours)
    if base in BY_THE_THOUSAND:
        return Symbol(f"1000{base}{QUOTE}", 1e3 / ours)
    return Symbol(f"{base}{QUOTE}", 1.0 / ours)
