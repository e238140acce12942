"""What a reading of a coin consists of, as plain values (report.py makes it); units are in the names."""

from typing import NamedTuple


class MarkoutReading(NamedTuple):
    """Markouts of both sides at one horizon; NaN is what so few fills cannot tell.

    `blocks` windows of one horizon held fills; `se_bps` is the fills' deviation over the root of the blocks, because
    fills of one window share their label's path.
    """

    horizon_s: float
    fills: int
    mean_bps: float
    se_bps: float
    blocks: int


class SideReading(NamedTuple):
    """Resting prices and sizes (coins) best first, the itemised quote, why not, and what the side believes."""

    px: tuple[float, ...]
    sz: tuple[float, ...]
    items_bps: tuple[tuple[str, float], ...]
    reason: str
    reason_text: str
    intensity_per_s: float
    kappa_per_bps: float
    adverse_bps: float


class PnlReading(NamedTuple):
    """Items in 1e-8 USD; `total_1e8` is cash plus position at mark and equals their sum."""

    spread_1e8: int
    adverse_1e8: int
    inventory_1e8: int
    fees_1e8: int
    funding_1e8: int
    basis_1e8: int
    total_1e8: int


class PartReading(NamedTuple):
    """One part of the page: inputs heard, age of the last (s; infinite before the first), ready or not."""

    part: str
    seen: int
    age_s: float
    ready: bool


class ScoreReading(NamedTuple):
    """A prediction against its naive rival: skill (1 - loss / rival's loss), its error, the weight it has earned.

    `verdict` is "insufficient" under MIN_BLOCKS independent blocks, else "better" or "no better".
    """

    part: str
    prediction: str
    rival: str
    skill: float
    se: float
    blocks: int
    weight: float
    verdict: str


class SignalReading(NamedTuple):
    """One signal: what the experiment says it is worth, and what its prediction is worth.

    `acts` 0 while it is switched off by the verdict, `off_now` 1 in an interval without it. `weight` and `skill` of the
    prediction behind it (NaN: nothing is scored), over `skill_blocks`. `usd_per_h` with a 95 % interval over `blocks`
    blocks of intervals, `without` of which were without the signal; NaN under 30 blocks: insufficient.
    """

    signal: str
    acts: bool
    off_now: bool
    weight: float
    skill: float
    skill_se: float
    skill_blocks: int
    usd_per_h: float
    low_usd_per_h: float
    high_usd_per_h: float
    blocks: int
    without: int
    bans: int


class CoinReading(NamedTuple):
    """One coin now; units are in the names."""

    venue_ms: int
    epoch: int
    bid_px: float
    ask_px: float
    mark_px: float
    fair_px: float
    sigma_bps: float
    sigma_raw_bps: float
    clip_usd: float
    maker_fee_bps: float
    inventory_lots: int
    inventory_usd: float
    target_usd: float
    limit_usd: float
    allocation_version: int
    sides: tuple[SideReading, SideReading]
    markouts: tuple[MarkoutReading, ...]
    pnl: PnlReading
    parts: tuple[PartReading, ...]
    scores: tuple[ScoreReading, ...]
    feed_age_s: tuple[tuple[str, float], ...]
    events: int
    refused: tuple[tuple[str, int], ...]
    placed: int
    modified: int
    cancelled: int
    fills: int
    volume_usd: float
    quoting_s: float
    two_sided_s: float
    warm: bool
    signals: tuple[SignalReading, ...]
    intervals_lost: int
    fills_outside: int

    @property
    def quotes_sent(self) -> int:
        """Orders asked for: new ones and replacements."""
        return self.placed + self.modified
