"""Fills as `aggregateByTime` shows them: a crossing order that met several resting ones has one row (HL §1.1).

The documentation says that partial fills of a crossing order are combined and those of a resting one are not. What
the combined row shows beside its size is not documented: the average price, the sums of money and the first row's
start, direction and trade id are our choice.
"""

from collections.abc import Iterable
from typing import Any, Final

from portfolio_mm.venue.protocol.amounts import parse_decimal, rounded, wire_text

DECIMALS: Final = 8
SUMMED: Final = ("closedPnl", "fee", "builderFee")


def aggregated(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in time order with neighbours of one crossing order and one block made one.

    >>> row = {"px": "10.0", "sz": "1.0", "oid": 1, "time": 5, "crossed": True, "fee": "0.1", "closedPnl": "0.0"}
    >>> [(one["px"], one["sz"], one["fee"]) for one in aggregated([row, {**row, "px": "13.0", "sz": "2.0"}])]
    [('12.0', '3.0', '0.2')]
    """
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        last = groups[-1][-1] if groups else None
        if last is not None and row["crossed"] and (row["oid"], row["time"]) == (last["oid"], last["time"]):
            groups[-1].append(row)
        else:
            groups.append([row])
    return [group[0] if len(group) == 1 else _one(group) for group in groups]


def _one(group: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = [_units(row["sz"]) for row in group]
    value = sum(_units(row["px"]) * size for row, size in zip(group, sizes, strict=True))
    summed: dict[str, Any] = {
        field: _text(sum(_units(row[field]) for row in group)) for field in SUMMED if field in group[0]
    }
    return {**group[0], "px": _text(rounded(value, sum(sizes))), "sz": _text(sum(sizes)), **summed}


def _units(text: str) -> int:
    units = parse_decimal(text, DECIMALS)
    assert units is not None
    return units


def _text(units: int) -> str:
    return wire_text(units, DECIMALS)
