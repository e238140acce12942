"""One user of the venue: money, positions, orders, history, budgets."""

from collections import OrderedDict, deque
from typing import Any, Final

import msgspec

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.venue.clearinghouse.budgets import DAY_MS, AddressBudget, DayBudget
from portfolio_mm.venue.clearinghouse.fees import PLAIN, REFERRAL_UNTIL_1E8, FeeScale, Standing
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.position import Position
from portfolio_mm.venue.clearinghouse.tiers import FeeTier
from portfolio_mm.venue.clearinghouse.twaps import Twap
from portfolio_mm.venue.clearinghouse.vault import Vault
from portfolio_mm.venue.clearinghouse.worth import WorthHistory
from portfolio_mm.venue.protocol.actions import cloid
from portfolio_mm.venue.tokens import Token

KEPT_ORDERS: Final = 2000
"""Orders `orderStatus` still knows (HL §1.10)."""
KEPT_FILLS: Final = 10_000
DEFAULT_LEVERAGE: Final = 20
MAX_SCHEDULED_A_DAY: Final = 10
POOLED: Final = ("unifiedAccount", "portfolioMargin")
"""Modes in which one balance backs spot and perps (HL §8.6)."""


class Agent(msgspec.Struct, frozen=True):
    """An approved agent key."""

    address: str
    name: str | None
    valid_until_ms: int


class DeadManSwitch:
    """`scheduleCancel` of one user (HL §2.6)."""

    def __init__(self) -> None:
        self.at_ms: int | None = None
        self._day = -1
        self._fired = 0

    def fired_today(self, now_ms: int) -> int:
        """Times it has fired this UTC day."""
        return self._fired if self._day == now_ms // DAY_MS else 0

    def fire(self, now_ms: int) -> None:
        """Count one firing and disarm."""
        self._fired = self.fired_today(now_ms) + 1
        self._day = now_ms // DAY_MS
        self.at_ms = None


class User:
    """Mutable state of one user; `number` is its owner number in the markets.

    `raw_1e8` is the cross ledger: deposits - fees + funding - signed notional of all cross trades - margin put into
    isolated positions. `dexes_1e8` is that of each builder-deployed dex by number, empty in unified mode, where
    `raw_1e8` is the ledger of all (HL §8.6). `spot_1e8` is the USDC of the spot ledger that no perps position has
    touched. `isolated` holds the coins (by index) set to isolated margin; `partial_ms` when a position was last
    liquidated in part, by coin, and of the cross account under -1. `tokens` are the spot balances other than USDC, in
    smallest units. `credit_1e8` is what they let a portfolio-margin account borrow (`lending.refresh`), `interest`
    what it has paid and earned by token. `agents_settle_ms` is when an agent's removal is over. `deposited_1e8` is
    what came in less what went out (`cumLedger`).

    A sub-account has a `master`, whose standing it shares, and a vault its `vault`; both have no key of their own.
    """

    def __init__(
        self,
        number: int,
        address: str,
        tier: FeeTier,
        *,
        unified: bool,
        requests_base: int,
        day_actions: int,
        master: "User | None" = None,
        name: str = "",
    ) -> None:
        self.number = number
        self.address = address
        self.master = master
        self.name = name
        self.subs: list[User] = []
        self.vault: Vault | None = None
        self.standing: Standing = Standing(tier) if master is None else master.standing
        self.mode = "unifiedAccount" if unified else "default"
        self.tokens: dict[int, int] = {}
        self.token_basis_1e8: dict[int, int] = {}
        self.credit_1e8 = 0
        self.interest: dict[int, tuple[int, int]] = {}
        self.interest_rows: deque[tuple[int, Token, int, int]] = deque(maxlen=KEPT_FILLS)
        self.referred_by: str | None = None
        self.referred_ms = 0
        self.referral_code: str | None = None
        self.agents_settle_ms = 0
        self.raw_1e8 = self.spot_1e8 = self.volume_1e8 = 0
        self.dexes_1e8: dict[int, int] = {}
        self.deposited_1e8 = 0
        self.worth = WorthHistory()
        self.positions: dict[int, Position] = {}
        self.leverage: dict[int, int] = {}
        self.isolated: set[int] = set()
        self.partial_ms: dict[int, int] = {}
        self.open: dict[int, OwnOrder] = {}
        """Orders in the book."""
        self.triggers: dict[int, OwnOrder] = {}
        """Orders that wait for a trigger price or a parent's fill: in no book, and they reserve no margin (HL §7.7)."""
        self.records: OrderedDict[int, OwnOrder] = OrderedDict()
        self.twaps: dict[int, Twap] = {}
        self.twap_history: deque[dict[str, Any]] = deque(maxlen=KEPT_ORDERS)
        self.twap_fills: deque[dict[str, Any]] = deque(maxlen=KEPT_FILLS)
        self.by_cloid: dict[str, int] = {}
        self.fills: deque[dict[str, Any]] = deque(maxlen=KEPT_FILLS)
        self.fundings: deque[dict[str, Any]] = deque(maxlen=KEPT_FILLS)
        self.ledger: deque[dict[str, Any]] = deque(maxlen=KEPT_FILLS)
        self.builders: dict[str, int] = {}
        """Largest fee of approved builders, tenths of a basis point."""
        self.builder_rewards_1e8 = self.claimed_rewards_1e8 = 0
        """What builder fees earned: what may still be claimed, and what was."""
        self.staked_hype_1e8 = 0
        """Undelegated staking balance, 1e-8 HYPE."""
        self.agents: dict[str, Agent] = {}
        self.requests = AddressBudget(requests_base)
        self.day = DayBudget(day_actions)
        self.switch = DeadManSwitch()

    @property
    def unified(self) -> bool:
        """Whether one balance backs spot and perps."""
        return self.mode in POOLED

    @property
    def family_volume_1e8(self) -> int:
        """What the master and all its sub-accounts have traded: the volume of tiers and gates (HL §10.2)."""
        head = self.master or self
        return head.volume_1e8 + sum(sub.volume_1e8 for sub in head.subs)

    @property
    def busy(self) -> bool:
        """Whether it has an order or a position."""
        return bool(self.open or self.triggers or self.twaps) or any(p.szi for p in self.positions.values())

    @property
    def tier(self) -> FeeTier:
        """Fee tier of today."""
        return self.standing.tier

    def ledger_1e8(self, dex: int) -> int:
        """The cross ledger behind the coins of a dex."""
        return self.dexes_1e8.get(dex, 0) if dex and not self.unified else self.raw_1e8

    def enter(self, dex: int, amount_1e8: int) -> None:
        """Put money on the cross ledger behind the coins of a dex; negative: take it off."""
        if dex and not self.unified:
            self.dexes_1e8[dex] = self.dexes_1e8.get(dex, 0) + amount_1e8
        else:
            self.raw_1e8 += amount_1e8

    def fee_1e8(self, notional_1e8: int, *, crossed: bool, scale: FeeScale = PLAIN) -> int:
        """Fee of a fill; a referral is the referred user's own, not its sub-accounts' (HL §10.2)."""
        traded = self.volume_1e8 if self.master is None else REFERRAL_UNTIL_1E8
        return self.standing.fee_1e8(notional_1e8, traded, crossed=crossed, scale=scale)

    def isolates(self, coin: Instrument) -> bool:
        """Whether a coin is held on isolated margin."""
        return coin.only_isolated or coin.index in self.isolated

    def position(self, index: int) -> Position:
        """The position in one coin, flat at first."""
        return self.positions.setdefault(index, Position())

    def szi(self, index: int) -> int:
        """Signed lots in one coin."""
        held = self.positions.get(index)
        return held.szi if held else 0

    def leverage_of(self, coin: Instrument) -> int:
        """Leverage setting of one coin."""
        return self.leverage.get(coin.index, min(DEFAULT_LEVERAGE, coin.max_leverage))

    def balance_1e8(self) -> int:
        """What the perps ledger would hold if every position, isolated ones too, were closed at cost."""
        return (
            self.raw_1e8 + sum(self.dexes_1e8.values()) + sum(p.raw_1e8 + p.cost_1e8 for p in self.positions.values())
        )

    def remember(self, order: OwnOrder) -> None:
        """Keep an order for `orderStatus`; the oldest finished one is forgotten."""
        self.records[order.oid] = order
        if order.cloid is not None:
            self.by_cloid[order.cloid] = order.oid
        if len(self.records) > KEPT_ORDERS:
            for oid, old in self.records.items():
                if oid not in self.open and oid not in self.triggers:
                    del self.records[oid]
                    if old.cloid is not None and self.by_cloid.get(old.cloid) == oid:
                        del self.by_cloid[old.cloid]
                    break

    def live(self) -> list[OwnOrder]:
        """Every order that has not ended, oldest first."""
        return sorted([*self.open.values(), *self.triggers.values()], key=lambda order: order.oid)

    def find_open(self, oid_or_cloid: int | str) -> OwnOrder | None:
        """A live order by oid or by the newest use of its cloid that is still live."""
        if not isinstance(oid_or_cloid, str):
            return self.open.get(oid_or_cloid) or self.triggers.get(oid_or_cloid)
        named = cloid(oid_or_cloid)
        held = (self.open, self.triggers)
        newest = [next((o for o in reversed(orders.values()) if o.cloid == named), None) for orders in held]
        return max((order for order in newest if order is not None), key=lambda order: order.oid, default=None)

    def find_record(self, oid_or_cloid: int | str) -> OwnOrder | None:
        """Any remembered order."""
        oid = self.by_cloid.get(cloid(oid_or_cloid)) if isinstance(oid_or_cloid, str) else oid_or_cloid
        return self.records.get(oid) if oid is not None else None
