"""Funding payments as REST gives them (HL §1.15): the stream's fields, one level down in `delta`."""

from typing import Any

import msgspec

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.instrument import usd_1e8
from portfolio_mm.hyperliquid.user import Funding


class _Delta(msgspec.Struct, rename="camel"):
    coin: str
    usdc: str | float
    szi: str
    funding_rate: str


class _Row(msgspec.Struct):
    time: int
    delta: _Delta


def fundings_of(rows: Any) -> tuple[Funding, ...]:
    """Payments of a `userFunding` reply, as already decoded JSON; positive was received.

    Raises:
        MalformedMessage: a row lacks a field or has one of another kind.
    """
    try:
        found = [(row.time, row.delta) for row in msgspec.convert(rows, list[_Row])]
        return tuple(
            Funding(delta.coin, time_ms, usd_1e8(str(delta.usdc)), delta.szi, delta.funding_rate, is_snapshot=True)
            for time_ms, delta in found
        )
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        msg = f"userFunding: {error}"
        raise MalformedMessage(msg) from error
