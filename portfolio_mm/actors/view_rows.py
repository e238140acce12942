"""Rows of the view: a position, a pot of money, how long something took, a part of a coin (messages.py)."""

import msgspec


class PositionView(msgspec.Struct, frozen=True):
    """Venue truth about one coin plus what is resting, in flight or unknown (worst case), lots and USD."""

    coin: str
    szi_lots: int
    entry_px: float
    mark_px: float
    unrealised_1e8: int
    worst_long_lots: int
    worst_short_lots: int
    open_orders: int
    max_position_usd: float


class PotView(msgspec.Struct, frozen=True):
    """Money that backs positions together, and how far it is from liquidation (actors/gateway/headroom.py).

    `coins` are those of the run. `headroom_usd` is equity minus maintenance, also as a share of equity. Moves are
    fractions of the price, 10 for any farther: `all_move` of every coin against us at once, `coin_moves` of each alone.
    """

    name: str
    coins: tuple[str, ...]
    equity_usd: float
    free_usd: float
    maintenance_usd: float
    headroom_usd: float
    headroom_fraction: float
    all_move: float
    coin_moves: tuple[tuple[str, float], ...]


class LatencyView(msgspec.Struct, frozen=True):
    """How long something took, microseconds (actors/gateway/latency.py)."""

    count: int
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float


class ReferenceView(msgspec.Struct, frozen=True):
    """A coin's symbol at the reference venue, where it stands (`reference.ratio.ReferenceState`), and why.

    `age_s` of the last book the coin was told, 1e9 before the first; `ratio` of their price to ours, 0 before both
    are known.
    """

    symbol: str = ""
    state: str = "off"
    age_s: float = 1e9
    ratio: float = 0.0
    text: str = ""


class PartHealth(msgspec.Struct, frozen=True):
    """One part of the page: events it has seen and how long ago the last one was (run-time wiring audit)."""

    part: str
    seen: int
    age_s: float
    ready: bool
