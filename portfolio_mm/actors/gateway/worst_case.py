"""Exposure in USD on the worst case, and what must go when it is too much (architecture section 2, worst case).

Marks move while orders rest: orders are admitted up to `HEADROOM` of a limit, and cancelled above the limit itself.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from portfolio_mm.actors.gateway.exposure import Exposure
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.own_order import OwnOrder
from portfolio_mm.domain.limits import LimitSet
from portfolio_mm.domain.units import BUY, SELL, SIGN

HEADROOM: Final = 0.98


class Share(NamedTuple):
    """What one coin adds to the account's worst case, USD, and what that was computed from."""

    exposure: Exposure
    mark_px: float
    leverage: int
    gross_usd: float
    margin_usd: float
    net_usd: tuple[float, float]


class Market:
    """What USD arithmetic needs beside the ledger: marks by coin index (0 unknown), leverage, equity."""

    apart: Sequence[tuple[tuple[int, ...], float]] = ()
    """Coins that share a ledger, and its equity in USD, where the account has several (standard mode with dexes)."""

    def __init__(self, leverage: Sequence[int]) -> None:
        self.mark_px = [0.0] * len(leverage)
        self.leverage: Final = list(leverage)
        self.equity_usd = 0.0
        self._shares: Final[list[Share | None]] = [None] * len(leverage)

    def share(self, ledger: Ledger, coin: int) -> Share:
        """One coin's part; computed again only when its exposure, mark or leverage changed."""
        exposure, mark, leverage = ledger.exposure(coin), self.mark_px[coin], self.leverage[coin]
        kept = self._shares[coin]
        if kept is None or kept.exposure is not exposure or kept.mark_px != mark or kept.leverage != leverage:
            kept = self._shares[coin] = _share(exposure, ledger.instruments[coin].sz(1) * mark, mark, leverage)
        return kept


def _share(exposure: Exposure, usd_per_lot: float, mark: float, leverage: int) -> Share:
    gross = exposure.worst_gross * usd_per_lot
    net = (exposure.worst(BUY) * usd_per_lot, exposure.worst(SELL) * usd_per_lot)
    return Share(exposure, mark, leverage, gross, gross / max(1, leverage), net)


class Totals:
    """The account's worst case: `gross_usd`, `margin_usd`, and per side the signed `net_usd` if that side filled."""

    __slots__ = ("gross_usd", "margin_usd", "net_usd")

    def __init__(self) -> None:
        self.gross_usd = 0.0
        self.margin_usd = 0.0
        self.net_usd = [0.0, 0.0]

    def add(self, share: Share) -> None:
        """Add one coin."""
        self.gross_usd += share.gross_usd
        self.margin_usd += share.margin_usd
        self.net_usd[BUY] += share.net_usd[BUY]
        self.net_usd[SELL] += share.net_usd[SELL]

    def within(self, limits: LimitSet, equity_usd: float, share: float = 1.0) -> bool:
        """Whether every account limit holds at `share` of it."""
        return (
            self.gross_usd <= share * limits.max_gross_usd
            and max(self.net_usd) <= share * limits.max_net_usd
            and self.margin_usd <= share * limits.max_margin_fraction * equity_usd
        )


def lot_usd(ledger: Ledger, market: Market, coin: int) -> float:
    """USD value of one lot at the mark."""
    return ledger.instruments[coin].sz(1) * market.mark_px[coin]


def position_limit_usd(limits: LimitSet, coin: str) -> float:
    """Limit of one coin; a coin without one must not be held."""
    return next((limit.max_position_usd for limit in limits.coins if limit.coin == coin), 0.0)


def totals(ledger: Ledger, market: Market, coin: int = -1, side: int = 0, extra_lots: int = 0) -> Totals:
    """The account's worst case, with `extra_lots` more on one side of one coin."""
    found = Totals()
    for index in range(len(ledger.instruments)):
        share = market.share(ledger, index)
        if index == coin:
            share = _share(
                share.exposure.more(side, extra_lots), lot_usd(ledger, market, index), share.mark_px, share.leverage
            )
        found.add(share)
    return found


def fits(ledger: Ledger, market: Market, limits: LimitSet, *, coin: int, side: int, lots: int) -> bool:
    """Whether `lots` more on one side keep the coin and the account under their limits, whatever fills."""
    exposure = ledger.exposure(coin)
    after = exposure.worst(side) + lots
    if SIGN[side] * exposure.szi_lots < 0 and after <= 0:
        return True  # it can only shrink the position
    if after * lot_usd(ledger, market, coin) > HEADROOM * position_limit_usd(limits, ledger.instruments[coin].coin):
        return False
    if not _fits_apart(ledger, market, limits, coin=coin, side=side, lots=lots):
        return False
    return totals(ledger, market, coin, side, lots).within(limits, market.equity_usd, HEADROOM)


def shrinks(exposure: Exposure, side: int, lots: int) -> bool:
    """Whether `lots` more on this side, with all that is there, cannot do more than close the position."""
    return SIGN[side] * exposure.szi_lots < 0 and exposure.worst(side) + lots <= 0


def breached(ledger: Ledger, market: Market, limits: LimitSet) -> bool:
    """Whether any limit could be broken by what is there."""
    for instrument in ledger.instruments:
        if market.share(ledger, instrument.index).gross_usd > position_limit_usd(limits, instrument.coin):
            return True
    if any(_margin_usd(coins, ledger, market) > limits.max_margin_fraction * usd for coins, usd in market.apart):
        return True
    return not totals(ledger, market).within(limits, market.equity_usd)


def excess(ledger: Ledger, market: Market, limits: LimitSet) -> list[OwnOrder]:
    """Orders that must go so that no limit can be broken, farthest from the mark first.

    Orders that already leave are taken as gone here: their cancels are on the way, more would not be faster.
    """
    if not breached(ledger, market, limits):
        return []
    counted = [order for order in ledger.orders() if not order.leaving]
    chosen: list[OwnOrder] = []
    for order in sorted(counted, key=lambda one: -_distance(one, ledger, market)):
        if not order.over and _must_go(order, counted, ledger, market, limits):
            counted.remove(order)
            chosen.append(order)
    return chosen


def _must_go(order: OwnOrder, counted: list[OwnOrder], ledger: Ledger, market: Market, limits: LimitSet) -> bool:
    """Whether this order adds to a breach, given the others that stay."""
    found = Totals()
    for instrument in ledger.instruments:
        exposure = _of(ledger.positions[instrument.index].szi_lots, counted, instrument.index)
        per_lot = lot_usd(ledger, market, instrument.index)
        found.add(_share(exposure, per_lot, market.mark_px[instrument.index], market.leverage[instrument.index]))
        if instrument.index == order.coin:
            worst = exposure.worst(order.side)
            if worst <= 0:
                return False  # this side only shrinks the position
            if worst * per_lot > position_limit_usd(limits, instrument.coin):
                return True
    if _breaks_apart(order, counted, ledger, market, limits):
        return True
    return not found.within(limits, market.equity_usd)


def _of(szi_lots: int, orders: list[OwnOrder], coin: int) -> Exposure:
    sums = [0, 0]
    for order in orders:
        if order.coin == coin:
            sums[order.side] += order.remaining_lots
    return Exposure(szi_lots, *sums)


def _distance(order: OwnOrder, ledger: Ledger, market: Market) -> float:
    mark = market.mark_px[order.coin]
    return abs(ledger.instruments[order.coin].px(order.px_ticks) / mark - 1.0) if mark > 0.0 else float("inf")


def _margin(exposure: Exposure, ledger: Ledger, market: Market, coin: int) -> float:
    return exposure.worst_gross * lot_usd(ledger, market, coin) / max(1, market.leverage[coin])


def _margin_usd(coins: Sequence[int], ledger: Ledger, market: Market) -> float:
    """Margin that some coins need together at worst, USD."""
    return sum(_margin(ledger.exposure(coin), ledger, market, coin) for coin in coins)


def _fits_apart(ledger: Ledger, market: Market, limits: LimitSet, *, coin: int, side: int, lots: int) -> bool:
    """Whether the ledger that backs the coin can bear `lots` more, where each dex has a ledger of its own."""
    now = ledger.exposure(coin)
    added_usd = _margin(now.more(side, lots), ledger, market, coin) - _margin(now, ledger, market, coin)
    return all(
        _margin_usd(coins, ledger, market) + added_usd <= HEADROOM * limits.max_margin_fraction * usd
        for coins, usd in market.apart
        if coin in coins
    )


def _breaks_apart(
    order: OwnOrder, counted: Sequence[OwnOrder], ledger: Ledger, market: Market, limits: LimitSet
) -> bool:
    """Whether the ledger behind an order is over its margin, given the orders that stay."""
    for coins, usd in market.apart:
        if order.coin in coins:
            needed = sum(
                _margin(_of(ledger.positions[coin].szi_lots, list(counted), coin), ledger, market, coin)
                for coin in coins
            )
            return needed > limits.max_margin_fraction * usd
    return False
