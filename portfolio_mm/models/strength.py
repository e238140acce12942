"""How much of a forecast comes true: slope of outcomes on forecasts made before them, shrunk, kept in [LEAST, 1].

Coefficients fitted to noise forecast too much; the slope out of sample says by how much, and a forecast times it can be
judged fairly. Source: Mincer and Zarnowitz 1969; shrinkage as in theory §14.
"""

from typing import Any

import numba as nb

from portfolio_mm.domain.records import record

LEAST = 0.1
"""A forecast that never came true is still made, at this strength, so that it can be judged again."""

STRENGTH = record([("forecasts", "f8"), ("forecast_squares", "f8"), ("forecast_products", "f8"), ("strength", "f8")])
"""Forgotten sums of 1, q q and q y, and the slope in use."""


@nb.njit(cache=True)
def clear_strength(sg: Any, prior_ratio: float) -> None:
    """Nothing has come true yet; the slope is the prior."""
    sg.forecasts = 0.0
    sg.forecast_squares = 0.0
    sg.forecast_products = 0.0
    sg.strength = prior_ratio


@nb.njit(cache=True)
def compare(sg: Any, keep: float, x: float, y: float, prior_ratio: float, prior_count: float) -> None:  # noqa: PLR0917 - flat arguments
    """Take one forecast `x`, at full strength, with its outcome `y`; the prior slope is worth `prior_count` of them."""
    sg.forecasts = keep * sg.forecasts + 1.0
    sg.forecast_squares = keep * sg.forecast_squares + x * x
    sg.forecast_products = keep * sg.forecast_products + x * y
    if sg.forecast_squares > 0.0:
        prior = prior_count * sg.forecast_squares / sg.forecasts
        slope = (sg.forecast_products + prior * prior_ratio) / (sg.forecast_squares + prior)
        sg.strength = min(1.0, max(LEAST, slope))
