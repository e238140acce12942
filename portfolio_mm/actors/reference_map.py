"""Which symbol of the reference venue each coin of a run has: by its name, or as the settings say."""

from collections.abc import Sequence

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.reference.symbols import Symbol, symbol_of
from portfolio_mm.settings.plan import Plan


def symbol_for(plan: Plan, coin: str) -> Symbol | None:
    """The symbol of one coin; None when it has none."""
    chosen = plan.reference.symbols.get(coin)
    if chosen is None:
        return symbol_of(coin)
    return None if chosen.symbol is None else Symbol(chosen.symbol, chosen.multiplier)


def symbols_of(plan: Plan, instruments: Sequence[Instrument]) -> dict[str, Symbol]:
    """Symbols by coin, of the coins that have one."""
    found = {each.coin: symbol_for(plan, each.coin) for each in instruments}
    return {coin: symbol for coin, symbol in found.items() if symbol is not None}
