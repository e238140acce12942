"""Limits and permits: one versioned set read by everyone (feature G6), and the lease without which nothing is sent."""

from enum import IntEnum

import msgspec


class RiskState(IntEnum):
    """Graduated states (feature G7). A larger number allows less."""

    GREEN = 0
    YELLOW = 1
    REDUCE_ONLY = 2
    CANCEL_ONLY = 3
    KILLED = 4


class CoinLimit(msgspec.Struct, frozen=True):
    """Worst-case ceilings of one coin, USD notional at mark."""

    coin: str
    max_position_usd: float
    max_order_usd: float


class LimitSet(msgspec.Struct, frozen=True):
    """Every hard limit, versioned; the gateway enforces it on the worst case, everyone else only reads it.

    `max_gross_usd` and `max_net_usd` bound the account, `max_margin_fraction` the share of equity that initial margin
    of positions and resting orders may use; `max_loss_usd` and `max_drawdown_fraction` are the kill levels.
    """

    version: int
    coins: tuple[CoinLimit, ...]
    max_gross_usd: float
    max_net_usd: float
    max_margin_fraction: float
    max_loss_usd: float
    max_drawdown_fraction: float
    min_drawdown_usd: float
    max_open_orders: int

    def coin(self, name: str) -> CoinLimit:
        """The limit of one coin.

        Raises:
            KeyError: the coin has no limit, hence must not trade.
        """
        for limit in self.coins:
            if limit.coin == name:
                return limit
        raise KeyError(name)


class Permit(msgspec.Struct, frozen=True):
    """A lease to trade. Valid from the asker's own `asked_ns` for `ttl_ns` on the asker's monotonic clock."""

    epoch: int
    state: RiskState
    ttl_ns: int
    limits: LimitSet
    reasons: tuple[str, ...] = ()
    reduce_only_coins: tuple[str, ...] = ()
    cancel_only_coins: tuple[str, ...] = ()
