"""The grid of valid prices, in plain Python: a process that runs no kernels must not wait for numba to load.

Kernels call the same functions by their names in `price_grid_kernels`, where they are compiled.
"""


def tick_step(px_ticks: int, px_decimals: int) -> int:
    """Smallest valid price step at this price, in `Ticks` (HL §6.1: five significant figures, integers always valid).

    Args:
        px_ticks: price in units of 10^-px_decimals, positive.
        px_decimals: 6 - sz_decimals.
    """
    whole = 1
    for _ in range(px_decimals):
        whole *= 10
    step = 1
    limit = 100_000  # five significant figures
    while px_ticks >= limit and step < whole:
        step *= 10
        limit *= 10
    return step


def round_px(px_ticks: float, px_decimals: int, up: bool) -> int:  # noqa: FBT001
    """Round a price (may be fractional) to a valid one: down for bids, up for asks. Result in `Ticks`."""
    base = int(px_ticks)
    if up and base < px_ticks:
        base += 1
    step: int = tick_step(base, px_decimals)
    if step == 1:
        return base
    if up:
        return ((base + step - 1) // step) * step
    return (base // step) * step
