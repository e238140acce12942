"""What can be chosen about the reference venue."""

from typing import Annotated

import msgspec
from msgspec import Meta


class ReferenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the reference venue; protocol limits are Binance's (USD-M futures, websocket market streams).

    By how much its prices lead is a parameter of the synthetic market, `reference_lead_ms`.

    Attributes:
        port: of its own, 0 for any free one.
        spread_bps: distance of best bid and best ask, at least one tick.
        level_usd: mean size of a price level.
        trades_per_s: of every symbol (Poisson).
        trade_usd: mean size of a trade (exponential).
        ping_s: time between ping frames of the server.
        pong_s: a connection without a pong for so long is closed.
        life_s: a connection is closed when it is so old.
        max_streams: of one connection.
        messages_per_s: incoming frames; beyond it the connection is closed.
    """

    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    spread_bps: Annotated[float, Meta(ge=0, le=1_000)] = 0.02
    level_usd: Annotated[float, Meta(gt=0, le=1e9)] = 100_000.0
    trades_per_s: Annotated[float, Meta(ge=0, le=1_000)] = 5.0
    trade_usd: Annotated[float, Meta(gt=0, le=1e9)] = 5_000.0
    ping_s: Annotated[float, Meta(gt=0, le=3_600)] = 180.0
    pong_s: Annotated[float, Meta(gt=0, le=86_400)] = 600.0
    life_s: Annotated[float, Meta(gt=0, le=1e6)] = 86_400.0
    max_streams: Annotated[int, Meta(ge=1, le=100_000)] = 1_024
    messages_per_s: Annotated[int, Meta(ge=1, le=100_000)] = 10
