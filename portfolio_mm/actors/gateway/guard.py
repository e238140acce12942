"""The last hop before the venue: what does not pass here does not exist (architecture laws 7 and 9).

Every answer is either an `Approved` order or the class of the refusal. The guard reads; it changes nothing.
"""

from typing import Final

from portfolio_mm.actors.gateway import worst_case
from portfolio_mm.actors.gateway.budgets import FAR_S, Budgets
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.fill_run import FillRun
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.own_order import NO_KEY, OwnOrder
from portfolio_mm.actors.gateway.permits import Permits
from portfolio_mm.actors.gateway.purpose import Purpose
from portfolio_mm.actors.gateway.wish import Approved, Wish, seal
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.domain.events import CoinMode
from portfolio_mm.domain.instrument import MIN_ORDER_USD
from portfolio_mm.domain.limits import LimitSet, RiskState
from portfolio_mm.domain.order import OrderState, Refusal
from portfolio_mm.domain.price_grid import tick_step
from portfolio_mm.domain.units import NS_PER_S, SIDES, SIGN

MAX_FROM_MARK: Final = 0.1
"""A price farther than this share from the mark is a mistake, not a quote."""
FIRST_PAUSE_NS: Final = 5 * NS_PER_S
LONGEST_PAUSE_NS: Final = 300 * NS_PER_S
"""After cancels for want of margin."""
_STATE_OF_MODE: Final = {
    CoinMode.TRADE: RiskState.GREEN,
    CoinMode.REDUCE_ONLY: RiskState.REDUCE_ONLY,
    CoinMode.CANCEL_ONLY: RiskState.CANCEL_ONLY,
}


class Guard:
    """Permit, worst case, budgets and action price, for places and modifies alike."""

    def __init__(self, ledger: Ledger, permits: Permits, market: Market, budgets: Budgets, clock: VenueClock) -> None:
        self._ledger = ledger
        self._permits = permits
        self._market = market
        self._budgets = budgets
        self._clock = clock
        self.modes: Final = [CoinMode.TRADE for _ in ledger.instruments]
        """What the operator or the gateway itself asks of each coin."""
        self.moods: Final = [CoinMode.TRADE for _ in ledger.instruments]
        """What the venue's moods leave of each coin (`moods.py`)."""
        self._paused_ns: Final = [-2 * LONGEST_PAUSE_NS for _ in ledger.instruments]
        self._pauses: Final = [0 for _ in ledger.instruments]
        self.fill_run: Final = FillRun(len(ledger.instruments))
        self.reconciled = False
        """False until the ledger equals venue truth; nothing is created before."""

    def state(self, coin: int, now_ns: int) -> RiskState:
        """What is allowed for one coin, by everybody who has a say."""
        name = self._ledger.instruments[coin].coin
        return max(self._permits.coin_state(name, now_ns), _STATE_OF_MODE[self.asked(coin)])

    def asked(self, coin: int) -> CoinMode:
        """What operator, gateway and venue ask of one coin together."""
        return max(self.modes[coin], self.moods[coin])

    def venue_ms(self, now_ns: int) -> int:
        """The venue's time."""
        return self._clock.now_ms(now_ns)

    def pause(self, coin: int, now_ns: int) -> None:
        """The venue had no margin for what rested on a coin: nothing that adds is placed there for a while."""
        if now_ns >= self._paused_ns[coin]:
            calm = now_ns - self._paused_ns[coin] > LONGEST_PAUSE_NS
            self._pauses[coin] = 0 if calm else self._pauses[coin] + 1
            pause_ns = min(LONGEST_PAUSE_NS, FIRST_PAUSE_NS * 2 ** min(self._pauses[coin], 10))
            self._paused_ns[coin] = now_ns + pause_ns

    def wait_ns(self, now_ns: int) -> int:
        """When the next order will be possible, for those who are refused now; 0 when nothing stands against it."""
        return int(min(FAR_S, self._budgets.next_action(Purpose.PLACE, now_ns).wait_s) * 1e9)

    def place(self, wish: Wish, epoch: int, now_ns: int) -> Approved | Refusal:
        """Judge a new order."""
        return self._judge(wish, epoch, None, now_ns)

    def modify(self, wish: Wish, epoch: int, target: OwnOrder, now_ns: int) -> Approved | Refusal:
        """Judge a replacement; it counts in full beside the order it replaces."""
        if target.state is not OrderState.LIVE or target.oid == 0 or target.leaving:
            return Refusal.STALE
        return self._judge(wish, epoch, target, now_ns)

    def close(self, order: OwnOrder, held_lots: int) -> Approved | Refusal:
        """Judge a taker of the gateway itself that only shrinks what is held (flatten); needs no permit.

        `held_lots` is what flatten knows to be held, which a wrong reading in the ledger must not hide.
        """
        if not order.reduce_only or SIGN[order.side] * held_lots >= 0 or order.sz_lots > abs(held_lots):
            return Refusal.REDUCE_ONLY
        return seal(order, tif="Ioc")

    def _judge(self, wish: Wish, epoch: int, target: OwnOrder | None, now_ns: int) -> Approved | Refusal:
        refusal = self._refusal(wish, now_ns)
        if refusal is not Refusal.NONE:
            return refusal
        limits = self._permits.limits
        state = self.state(wish.coin, now_ns)
        if limits is None or state >= RiskState.CANCEL_ONLY:
            return Refusal.NO_PERMIT
        reduce_only = wish.reduce_only or state >= RiskState.REDUCE_ONLY
        refusal = self._exposure_refusal(wish, limits, now_ns, reduce_only=reduce_only)
        if refusal is not Refusal.NONE:
            return refusal
        order = OwnOrder(
            key=wish.key,
            coin=wish.coin,
            side=wish.side,
            level=wish.level,
            px_ticks=wish.px_ticks,
            sz_lots=wish.sz_lots,
            reduce_only=reduce_only,
            epoch=epoch,
            cause=wish.cause,
            cause_ns=wish.cause_ns,
            heard_ns=now_ns,
            replaces=None if target is None else target.key,
        )
        return seal(order, target)

    def _refusal(self, wish: Wish, now_ns: int) -> Refusal:
        """Everything but exposure, cheapest first."""
        if not self.reconciled:
            return Refusal.RECONCILING
        if not self._permits.may_create(now_ns):
            return Refusal.NO_PERMIT
        if wish.side not in SIDES or wish.key == NO_KEY or self._ledger.known(wish.key):
            return Refusal.DUPLICATE
        refusal = self._grid_refusal(wish)
        return self._budget_refusal(wish, now_ns) if refusal is Refusal.NONE else refusal

    def _budget_refusal(self, wish: Wish, now_ns: int) -> Refusal:
        """Whether the venue would take it now, and whether it is worth the action."""
        if not self._clock.known:
            return Refusal.BUDGET
        shrinks = worst_case.shrinks(self._ledger.exposure(wish.coin), wish.side, wish.sz_lots)
        possible = self._budgets.next_action(Purpose.REDUCE if shrinks else Purpose.PLACE, now_ns)
        if possible.wait_s > 0.0:
            return possible.refusal
        return Refusal.PRICED_OUT if wish.gain_usd < self._budgets.price_usd(now_ns) else Refusal.NONE

    def _grid_refusal(self, wish: Wish) -> Refusal:
        """Price and size: on the grid, near the mark, not too small."""
        instrument, mark = self._ledger.instruments[wish.coin], self._market.mark_px[wish.coin]
        if wish.px_ticks <= 0 or wish.sz_lots <= 0 or wish.px_ticks % tick_step(wish.px_ticks, instrument.px_decimals):
            return Refusal.TICK_OR_LOT
        if mark <= 0.0:
            return Refusal.STALE
        px = instrument.px(wish.px_ticks)
        if abs(px / mark - 1.0) > MAX_FROM_MARK:
            return Refusal.LIMIT
        if not wish.reduce_only and instrument.sz(wish.sz_lots) * px < MIN_ORDER_USD:
            return Refusal.MIN_NOTIONAL
        return Refusal.NONE

    def _exposure_refusal(self, wish: Wish, limits: LimitSet, now_ns: int, *, reduce_only: bool) -> Refusal:
        """Size of the order, number of orders, and the worst case."""
        ledger, instrument = self._ledger, self._ledger.instruments[wish.coin]
        usd = wish.sz_lots * worst_case.lot_usd(ledger, self._market, wish.coin)
        largest_usd = next((one.max_order_usd for one in limits.coins if one.coin == instrument.coin), 0.0)
        if usd > largest_usd or ledger.count() >= limits.max_open_orders:
            return Refusal.LIMIT
        shrinks = worst_case.shrinks(ledger.exposure(wish.coin), wish.side, wish.sz_lots)
        if reduce_only and not shrinks:
            return Refusal.REDUCE_ONLY
        if not shrinks and now_ns < self._paused_ns[wish.coin]:
            return Refusal.MARGIN
        if not shrinks and self.fill_run.pauses(wish.coin, wish.side, now_ns):
            return Refusal.LIMIT
        if not worst_case.fits(ledger, self._market, limits, coin=wish.coin, side=wish.side, lots=wish.sz_lots):
            return Refusal.LIMIT
        return Refusal.NONE
