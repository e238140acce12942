"""What it costs to keep a quote near its best place, and what moving it back is worth.

At its best depth a quote earns V = Lambda z 1e-4 / k USD a second. Resting x bps too far out (x < 0: too near), with
y = k x, it earns V e^-y (1 + y): it loses V l(y), l(y) = 1 - e^-y (1 + y). Fair value diffuses with sigma, a move costs
P. The optimal keeper moves the order when y leaves a band [0, b] of each side; the relative value w of being at y
solves sigma^2 k^2 w'' / 2 + V l - C = 0 with w' = 0 and w = P at the edge, hence

    w at the edge y = T V G(y),   G(y) = 2 y - 6 + e^-y (y^2 + 4 y + 6),   T = 1 / (k sigma)^2 seconds,

so moving at y gains T V G(y), to be compared with P itself; the band is G(b) = P / (T V); and keeping costs
C = V c(b), c(b) = 1 - (2 - e^-b (b + 2)) / b, actions and lost position together. For small b: G = b^4/12, c = b^2/6.
Each half of the band is treated as if the other were its mirror, which is exact for a symmetric loss.
"""

import math

import numba as nb

NEVER_BEYOND = 4.0
"""No order waits for fair to come nearer than 4/k: it is reached 55 times as often there, and has long been filled."""
LONGEST_S = 600.0
"""No placement is credited with more than this: sigma near zero is not known that well."""


@nb.njit(cache=True)
def time_scale_s(k: float, sigma_bps: float) -> float:
    """T = 1 / (k sigma)^2: how long fair value takes to leave a fill's distance scale, s."""
    speed = k * max(sigma_bps, 1e-3)
    return min(LONGEST_S, 1.0 / max(speed * speed, 1e-12))


@nb.njit(cache=True)
def edge_value(y: float) -> float:
    """G(y), for y of either sign; a series near 0, where the closed form loses its digits.

    >>> round(edge_value(0.1 - 1e-9) / edge_value(0.1 + 1e-9), 5), round(edge_value(2.75), 4)
    (1.0, 1.0702)
    """
    if abs(y) < 0.1:
        return y**4 * (1.0 / 12.0 - y / 20.0 + y * y / 60.0 - y**3 / 252.0)
    y = min(200.0, max(-20.0, y))
    return 2.0 * y - 6.0 + math.exp(-y) * (y * y + 4.0 * y + 6.0)


@nb.njit(cache=True)
def edge_bound(y: float) -> float:
    """No G(y) is larger (G'' = y^2 e^-y, and G' < 2), infinite where an order stands more than 1/k too near.

    >>> bool(edge_bound(0.5) >= edge_value(0.5) and edge_bound(9.0) >= edge_value(9.0))
    True
    """
    if y < -1.0:
        return math.inf
    return min(2.0 * y, y**4 / 12.0) if y >= 0.0 else math.e * y**4 / 12.0


@nb.njit(cache=True)
def band_bound(price: float) -> float:
    """No band of this price (as in `band`) is wider; under 1.5 times the band.

    >>> bool(band_bound(1e-6) > band(1e-6) and band_bound(1.0) > band(1.0) and band_bound(100.0) > band(100.0))
    True
    """
    return 1.4 * math.sqrt(math.sqrt(12.0 * price)) + 0.5 * price


@nb.njit(cache=True)
def band(price: float) -> float:
    """Edge b of the band at which G(b) = price (P / (T V), dimensionless); Newton from above on a convex function.

    >>> [round(edge_value(band(price)) / price, 6) for price in (1e-6, 0.01, 1.0, 100.0)]
    [1.0, 1.0, 1.0, 1.0]
    """
    price = min(price, 1e6)
    b = band_bound(price)
    for _ in range(12):
        left = math.exp(-b)
        slope = 2.0 - left * (b * b + 2.0 * b + 2.0)
        if slope <= 1e-12:
            break
        value = 2.0 * b - 6.0 + left * (b * b + 4.0 * b + 6.0) if b >= 0.1 else edge_value(b)
        change = (value - price) / slope
        b -= change
        if abs(change) < 1e-6 * b:  # the step after it would be of the order of its square
            break
    return b  # type: ignore[no-any-return]


@nb.njit(cache=True)
def cost_share(b: float) -> float:
    """c(b): share of what a quote earns at its best that keeping it there costs; 0 free, 1 not worth keeping."""
    if b < 1e-2:
        return b * b / 6.0
    return 1.0 - (2.0 - math.exp(-b) * (b + 2.0)) / b


@nb.njit(cache=True)
def cost_usd_per_s(worth_usd_per_s: float, k: float, sigma_bps: float, price_usd: float) -> float:
    """Cost of keeping a quote that earns `worth_usd_per_s` at its best, at `price_usd` an action."""
    if worth_usd_per_s <= 0.0:
        return 0.0
    return worth_usd_per_s * cost_share(band(price_usd / (time_scale_s(k, sigma_bps) * worth_usd_per_s)))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def life_s(worth_usd_per_s: float, k: float, sigma_bps: float, price_usd: float) -> float:
    """Expected time until the optimal keeper moves the order, b^2 T, s."""
    scale_s = time_scale_s(k, sigma_bps)
    b = band(price_usd / max(scale_s * worth_usd_per_s, 1e-15))
    return min(LONGEST_S, b * b * scale_s)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def life_bound_s(worth_usd_per_s: float, k: float, sigma_bps: float, price_usd: float) -> float:
    """No `life_s` of these numbers is longer; found without solving for the band."""
    scale_s = time_scale_s(k, sigma_bps)
    b = band_bound(price_usd / max(scale_s * worth_usd_per_s, 1e-15))
    return min(LONGEST_S, b * b * scale_s)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def placing_gain_usd(  # noqa: PLR0917 - flat arguments
    worth_usd_per_s: float, rate_per_s: float, k: float, sigma_bps: float, price_usd: float, counted_share: float
) -> float:
    """What a new order brings until it is filled or moved, USD; it pays when that is more than the price.

    `worth_usd_per_s` is what the quote earns at its best, net of the order that follows each fill. Over a life of
    L = 1 / (rate + 1 / time between moves) it earns worth + rate P less what resting off its best place loses; only
    `counted_share` of the earnings is counted.
    """
    if worth_usd_per_s <= 0.0:
        return 0.0
    scale_s = time_scale_s(k, sigma_bps)
    b = band(price_usd / max(scale_s * worth_usd_per_s, 1e-15))
    moves_per_s = 1.0 / min(LONGEST_S, b * b * scale_s)
    loss = max(0.0, worth_usd_per_s * cost_share(b) - price_usd * moves_per_s)
    return (counted_share * (worth_usd_per_s + rate_per_s * price_usd) - loss) / (rate_per_s + moves_per_s)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def band_of_quote(rate_per_s: float, k: float, sigma_bps: float, clip_usd: float, price_usd: float) -> float:
    """Edge b of the band that an order reached `rate_per_s` times a second is kept in, in 1/k; at most NEVER_BEYOND."""
    scale_s = time_scale_s(k, sigma_bps)
    worth_usd_per_s = rate_per_s * clip_usd * 1e-4 / k
    return min(NEVER_BEYOND, band(price_usd / max(scale_s * worth_usd_per_s, 1e-15)))  # type: ignore[no-any-return]


@nb.njit(cache=True)
def approach(b: float) -> float:
    """How far fair has come to an order, on average, when it fills, in 1/k: b coth(b / 2) - 2.

    Between moves fair diffuses from y = 0 to an edge of [-b, b], so it spends its time by the density (b - |y|) / b^2;
    fills come at the rate e^y, y towards the order, and their mean y is the logarithmic derivative of the density's
    moment generating function 2 (cosh b - 1) / b^2. For small b it is b^2 / 6. It is also by how much an order must be
    put outside its best depth to earn most until it is moved again: E[e^-u u] = 0 at u = y + approach. Not guaranteed
    where fills are as frequent as moves: they end the way of those that fair comes near to, so it is less then.

    >>> [round(approach(b), 4) for b in (0.01, 1.0, 2.0, 4.0)]
    [0.0, 0.164, 0.6261, 2.1493]
    """
    if b < 0.05:
        return b * b / 6.0
    return b / math.tanh(0.5 * b) - 2.0


@nb.njit(cache=True)
def share_left(y: float) -> float:
    """What a quote y (in 1/k) off its best place still earns, as a share: e^-y (1 + y), 1 when too near."""
    y = min(200.0, max(0.0, y))
    return math.exp(-y) * (1.0 + y)
