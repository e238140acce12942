"""Margin arithmetic against accounts recorded on the venue (HL §1.7, §8.2, §8.3)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse import margin
from portfolio_mm.venue.listing import TABLES

STATES = Path(__file__).parents[3] / "shared/data/wire/info/clearinghouseState.jsonl"
RECORDED = pytest.mark.skipif(not STATES.exists(), reason="the recordings are not beside the project")
EQUITY = "12985854.2078639995"
MAINTENANCE = "545447.389093"
WHALE = (
    ("ATOM", "-62371.56", 5, 0, "114295.8837", "183.1564999823"),
    ("AVAX", "-12710.68", 10, 52, "80947.96558", "938.4985271951"),
    ("OP", "-375332.6", 10, 51, "38749.337624", "30.5936984552"),
    ("SUI", "-113303.3", 10, 52, "83581.578344", "105.3066245415"),
    ("XRP", "-78180.0", 20, 53, "89781.912", "156.3924811232"),
    ("BLUR", "-5253319.0", 3, 0, "82561.161404", "2.045519605"),
)
"""Coin, size, maximum leverage, margin table, value and liquidation price of a standard account (MIT, Eugene2710's
recording). OP is liquidated in its second tier, with the deduction of that tier."""
UNIFIED = (
    ("BTC", "-56.27938", 40, "3652194.0857199999", "78924.0010794823"),
    ("HYPE", "-592.0", 10, "40381.504", "1354.3602612291"),
    ("PUMP", "-3900000.0", 10, "5943.6", "0.1967547104"),
)
"""The same of an account whose collateral is not in its perps (same recording)."""


def coin_of(name: str, szi: str, max_leverage: int, margin_table: int = 0) -> tuple[Instrument, int]:
    """A coin, of one tier unless a table is named, whose grid holds the size, and the size in lots."""
    decimals = len(f"{float(szi):.5f}".partition(".")[2].rstrip("0"))  # one is recorded as -6831699.2999999998
    coin = Instrument(name, 0, 0, decimals, max_leverage, margin_table)
    return coin, round(float(szi) * 10**decimals)


def e8(text: str) -> int:
    return round(float(text) * USD_1E8)


@pytest.mark.parametrize("row", WHALE)
def test_recorded_liquidation_prices_follow_from_the_account(row: tuple[str, str, int, int, str, str]) -> None:
    *given, expected = row
    assert liquidation(*given) == pytest.approx(float(expected), rel=1e-8)


def liquidation(*row: Any) -> float | None:
    """From coin, size, maximum leverage, margin table and value."""
    *named, value = row
    coin, lots = coin_of(*named)
    signed = e8(value) * (-1 if lots < 0 else 1)
    others = e8(MAINTENANCE) - margin.maintenance_1e8(coin, signed)
    found = margin.solve_liquidation_1e10(coin, lots, e8(EQUITY) - signed - others)
    return None if found is None else found / 1e10


def test_liquidation_prices_of_a_unified_account_agree_on_one_equity() -> None:
    """At its liquidation price each position is worth its maintenance and that of the others: one equity for all."""
    maintenance = {name: e8(value) / (2 * most) for name, _, most, value, _ in UNIFIED}
    assert sum(maintenance.values()) / USD_1E8 == pytest.approx(47_968.681271, abs=1e-4)
    equities = []
    for name, szi, most, value, px in UNIFIED:
        at_end = abs(float(szi)) * float(px) * USD_1E8
        others = sum(maintenance.values()) - maintenance[name]
        equities.append(at_end / (2 * most) + others + at_end - e8(value))
    assert max(equities) / min(equities) == pytest.approx(1.0, rel=1e-6)
    for name, szi, most, value, px in UNIFIED:
        coin, lots = coin_of(name, szi, most)
        others = round(sum(maintenance.values()) - maintenance[name])
        found = margin.solve_liquidation_1e10(coin, lots, round(equities[0]) + e8(value) - others)
        assert found is not None
        assert found / 1e10 == pytest.approx(float(px), rel=1e-6)


@pytest.mark.parametrize(
    ("tiers", "notional", "expected"),
    [
        (56, 377_667, 4_720.8375),  # the recorded BTC account: 377,667 / 80
        (56, 200_000_000, 150e6 / 80 + 50e6 / 40),
        (55, 160_000_000, 160e6 / 30 - 100e6 * (1 / 30 - 1 / 50)),
        (54, 70_000_000, 70e6 / 40),
        (51, 5_000_000, 5e6 / 10 - 3e6 * (1 / 10 - 1 / 20)),
    ],
)
def test_maintenance_is_the_rate_of_the_tier_less_its_deduction(tiers: int, notional: int, expected: float) -> None:
    coin = Instrument("X", 0, 0, 2, 50, tiers)
    assert margin.maintenance_1e8(coin, -notional * USD_1E8) / USD_1E8 == pytest.approx(expected)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("equity", [500_000, 5_000_000, 60_000_000])
def test_at_its_liquidation_price_an_account_is_worth_its_maintenance(side: int, equity: int) -> None:
    """Whatever tier the price leads into; the exact check of theory.md §8."""
    coin, lots = Instrument("BTC", 0, 0, 5, 40, 56), side * 1_800 * 10**5
    value = side * 180_000_000 * USD_1E8
    found = margin.solve_liquidation_1e10(coin, lots, equity * USD_1E8 - value)
    assert found is not None
    then = side * 1_800 * found // 100
    assert equity * USD_1E8 + then - value == pytest.approx(margin.maintenance_1e8(coin, then), rel=1e-9)


def recorded() -> Iterator[dict[str, Any]]:
    for line in STATES.read_text().splitlines():
        response = json.loads(line)["response"]
        if "marginSummary" in response:
            yield response


@pytest.mark.recorded
@RECORDED
def test_every_recorded_account_keeps_the_identities() -> None:
    """accountValue = totalRawUsd + positions; totals are sums; margin used is value over leverage."""
    seen = 0
    for state in recorded():
        held = [row["position"] for row in state["assetPositions"]]
        summary = {field: float(text) for field, text in state["marginSummary"].items()}
        signed = [float(p["positionValue"]) * (1 if float(p["szi"]) > 0 else -1) for p in held]
        assert summary["accountValue"] == pytest.approx(summary["totalRawUsd"] + sum(signed), abs=1e-4)
        assert summary["totalNtlPos"] == pytest.approx(sum(map(abs, signed)), abs=1e-4)
        assert summary["totalMarginUsed"] == pytest.approx(sum(float(p["marginUsed"]) for p in held), abs=1e-4)
        for position in held:
            expected = float(position["positionValue"]) / position["leverage"]["value"]
            assert float(position["marginUsed"]) == pytest.approx(expected, abs=1e-6)
            seen += 1
        if all("maxLeverage" in position for position in held):
            needed = sum(float(p["positionValue"]) / (2 * p["maxLeverage"]) for p in held)
            assert float(state["crossMaintenanceMarginUsed"]) == pytest.approx(needed, rel=1e-6, abs=1e-6)
    assert seen > 30


@pytest.mark.recorded
@RECORDED
def test_all_recorded_liquidation_prices_of_the_standard_account_are_reproduced() -> None:
    """Of each coin with one of the margin tables of its leverage, or a single tier: the recording has no `meta`."""
    (state,) = (row for row in recorded() if row["marginSummary"]["accountValue"] == EQUITY)
    for held in (row["position"] for row in state["assetPositions"]):
        tables = [0, *(number for number, (_, tiers) in TABLES.items() if tiers[0][1] == held["maxLeverage"])]
        args = held["coin"], held["szi"], held["maxLeverage"]
        found = [liquidation(*args, table, held["positionValue"]) for table in tables]
        shown = held["liquidationPx"]
        if shown is None:
            assert None in found
        else:
            assert any(px is not None and px == pytest.approx(float(shown), rel=1e-8) for px in found), held
