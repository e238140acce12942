"""How far each pot of money is from liquidation, now: the last reading carried forward by marks, fills and funding.

Positions of this run come from the ledger, at our marks and in their margin tiers; those of nobody here as they were
read. What backs an isolated position is its own margin; a coin that became isolated since the reading counts then.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.actors.view_rows import PotView
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.account import AccountTruth
from portfolio_mm.hyperliquid.collateral import PositionTruth, Pot
from portfolio_mm.models.liquidation import Leg, Tier, Tiers, adverse_move, maintenance_usd

FAR: Final = 10.0
"""Moves beyond ten times the price are all the same, and none at all too; JSON has no infinity."""
Gained = Callable[[tuple[str, ...]], float]
"""USD gained since the reading on some coins."""


class Book(NamedTuple):
    """What positions are made of: the reading, the ledger, marks and margin tiers."""

    truth: AccountTruth
    ledger: Ledger
    market: Market
    tiers: Mapping[str, Tiers]


def pot_views(book: Book, gained: Gained) -> tuple[PotView, ...]:
    """Every pot as it stands now."""
    return tuple(_view(pot, book, gained) for pot in book.truth.pots)


def coins_of(pot: Pot, truth: AccountTruth, instruments: tuple[Instrument, ...]) -> tuple[str, ...]:
    """Coins of the run whose positions a pot backs."""
    cross = {one.coin: one.is_cross for one in truth.positions}
    return tuple(
        each.coin for each in instruments if pot.backs(each.coin, is_cross=cross.get(each.coin, not each.only_isolated))
    )


def _view(pot: Pot, book: Book, gained: Gained) -> PotView:
    truth, tiers = book.truth, book.tiers
    coins = coins_of(pot, truth, book.ledger.instruments)
    legs = {coin: _leg(book, coin) for coin in coins}
    foreign = [one for one in truth.positions if pot.backs(one.coin, is_cross=one.is_cross) and one.coin not in legs]
    held = {coin: leg for coin, leg in legs.items() if leg.notional_usd} | {
        one.coin: _foreign(one, tiers) for one in foreign
    }
    known_usd = sum(maintenance_usd(abs(leg.notional_usd), leg.tiers) for leg in held.values())
    extra_usd = max(0.0, pot.maintenance_1e8 / USD_1E8 - _read_usd(pot, truth, tiers)) if held else 0.0
    equity_usd = pot.equity_1e8 / USD_1E8 + gained(coins)
    needed_usd = known_usd + extra_usd
    moves = []
    for coin, leg in held.items():
        others_usd = needed_usd - maintenance_usd(abs(leg.notional_usd), leg.tiers)
        moves.append((coin, min(FAR, adverse_move(equity_usd, [leg], others_usd))))
    all_move = min(FAR, adverse_move(equity_usd, list(held.values()), extra_usd)) if held else FAR
    return PotView(
        name=pot.name,
        coins=coins,
        equity_usd=equity_usd,
        free_usd=max(0.0, pot.free_1e8 / USD_1E8 + gained(coins)) if pot.dexes else 0.0,
        maintenance_usd=needed_usd,
        headroom_usd=equity_usd - needed_usd,
        headroom_fraction=(equity_usd - needed_usd) / equity_usd if equity_usd > 0.0 else 0.0,
        all_move=all_move,
        coin_moves=tuple(moves),
    )


def _read_usd(pot: Pot, truth: AccountTruth, tiers: Mapping[str, Tiers]) -> float:
    """Maintenance of the reading by our own tiers: what the venue asks beyond it (portfolio margin) is a constant."""
    legs = [_foreign(one, tiers) for one in truth.positions if pot.backs(one.coin, is_cross=one.is_cross)]
    return sum(maintenance_usd(abs(leg.notional_usd), leg.tiers) for leg in legs)


def _leg(book: Book, coin: str) -> Leg:
    index = book.ledger.index(coin)
    assert index is not None
    instrument = book.ledger.instruments[index]
    usd = instrument.sz(book.ledger.positions[index].szi_lots) * book.market.mark_px[index]
    return Leg(usd, book.tiers.get(coin) or (Tier(0.0, instrument.max_leverage),))


def _foreign(one: PositionTruth, tiers: Mapping[str, Tiers]) -> Leg:
    usd = one.notional_1e8 / USD_1E8
    sign = -1.0 if one.szi.startswith("-") else 1.0
    return Leg(sign * usd, tiers.get(one.coin) or (Tier(0.0, max(1, one.max_leverage)),))
