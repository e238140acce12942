"""Size-weighted mid: the first-order micro-price (Stoikov 2018, section 2; theory §8)."""

import numba as nb


@nb.njit(cache=True)
def weighted_mid_px(bid_px: float, bid_sz: float, ask_px: float, ask_sz: float) -> float:
    """Mid leaning to the thin side; needs bid_sz + ask_sz > 0. Lies in [bid_px, ask_px].

    >>> weighted_mid_px(99.0, 3.0, 101.0, 1.0)
    100.5
    """
    return (bid_px * ask_sz + ask_px * bid_sz) / (bid_sz + ask_sz)


@nb.njit(cache=True)
def book_is_sane(bid_px: float, bid_sz: float, ask_px: float, ask_sz: float) -> bool:
    """Both sides there, uncrossed, finite; false for NaN."""
    top = 0.0 < bid_px < ask_px < 1e300
    return top and 0.0 < bid_sz < 1e300 and 0.0 < ask_sz < 1e300
