"""A plain reading of a coin's state for people: everything a coin report needs, no NumPy types in it.

Ages are counted from the coin's newest receive time, so they need the TIMER as everything else does.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.units import SIDES
from portfolio_mm.engine import pnl
from portfolio_mm.engine.attribution import ITEMS
from portfolio_mm.engine.authority import WAIT
from portfolio_mm.engine.orders import LEVELS, LIVE, MODIFYING
from portfolio_mm.engine.page import PAGE
from portfolio_mm.engine.parts import ESTIMATORS
from portfolio_mm.engine.readings import (
    CoinReading,
    MarkoutReading,
    PartReading,
    PnlReading,
    ScoreReading,
    SideReading,
    SignalReading,
)
from portfolio_mm.engine.signals import SIGNALS
from portfolio_mm.engine.why import Reason, text
from portfolio_mm.estimators.markouts import HORIZONS
from portfolio_mm.models.marginal import Z95, is_enough
from portfolio_mm.models.skill import MIN_BLOCKS, Z

Array = npt.NDArray[Any]
MAY_BE_MISSING: Final = ("reference", "leaders")
"""Parts of feeds that a coin may lack: not a part of it before they are first heard. Their times are receive times."""
FEEDS: Final = (
    ("bbo", EventKind.BBO),
    ("l2Book", EventKind.BOOK),
    ("trades", EventKind.TRADE),
    ("activeAssetCtx", EventKind.CONTEXT),
)


def _age_s(now_ns: int, then_ns: int) -> float:
    return max(0.0, (now_ns - then_ns) * 1e-9) if then_ns > 0 else float("inf")


def _resting(st: Any, p: Any, side: int) -> list[tuple[float, float]]:
    """(price, coins) of own orders at the venue, best first; bids highest, asks lowest."""
    legs = [st["orders"]["slots"][side, level]["leg"][0] for level in range(LEVELS)]
    live = [leg for leg in legs if int(leg["state"]) in {LIVE, MODIFYING} and leg["lots"] > 0]
    rows = [(float(leg["px_ticks"] / p["ticks_per_usd"]), float(leg["lots"] / p["lots_per_coin"])) for leg in live]
    return sorted(rows, reverse=side == 0)


def _side(st: Any, p: Any, side: int) -> SideReading:
    resting, quote = _resting(st, p, side), st["quote"]
    reason = Reason(int(quote["why"][side]))
    return SideReading(
        px=tuple(px for px, _ in resting),
        sz=tuple(sz for _, sz in resting),
        items_bps=tuple(zip(ITEMS, (float(item) for item in quote["items_bps"][side]), strict=True)),
        reason=reason.name,
        reason_text=text(reason, [float(number) for number in quote["numbers"][side]]),
        intensity_per_s=float(st["intensity"]["a_per_s"][side]),
        kappa_per_bps=float(st["intensity"]["k_per_bps"][side]),
        adverse_bps=float(quote["adverse_bps"][side]),
    )


def _markouts(st: Any, p: Any) -> tuple[MarkoutReading, ...]:
    readings, table = [], st["markouts"]
    for h in range(HORIZONS):
        n, blocks = int(table["counts"][h].sum()), int(table["blocks"][h])
        mean = float(table["markout_m1"][h].sum()) / n if n else float("nan")
        square = max(0.0, float(table["markout_m2"][h].sum()) / n - mean * mean) if n else 0.0
        se = float(np.sqrt(square * n / (n - 1) / blocks)) if blocks > 1 else float("nan")
        readings.append(MarkoutReading(int(p["markouts"]["horizon_ns"][h]) / 1e9, n, mean, se, blocks))
    return tuple(readings)


def _pnl(record: Any) -> PnlReading:
    return PnlReading(
        spread_1e8=int(record["spread_1e8"]),
        adverse_1e8=int(record["adverse_1e8"]),
        inventory_1e8=int(record["inventory_1e8"]),
        fees_1e8=int(record["fees_1e8"]),
        funding_1e8=int(record["funding_1e8"]),
        basis_1e8=int(pnl.basis_1e8(record)),
        total_1e8=int(pnl.equity_1e8(record)),
    )


def _signals(st: Any, p: Any) -> tuple[SignalReading, ...]:
    now, readings = st["signals"], []
    per_h = 3600e9 / int(p["interval_ns"])
    for i, name in enumerate(SIGNALS):
        value, scored = now["value"][i], bool(int(now["scored_mask"]) >> i & 1)
        enough = bool(is_enough(value))
        effect = float(value["effect_usd"]) * per_h if enough else float("nan")
        reach = Z95 * float(value["effect_se_usd"]) * per_h
        readings.append(
            SignalReading(
                signal=name,
                acts=not int(now["banned_mask"]) >> i & 1,
                off_now=bool(int(now["off_mask"]) >> i & 1),
                weight=float(now["shadow_weight"][i]) if scored else float("nan"),
                skill=float(now["shadow_skill"][i]),
                skill_se=float(now["shadow_se"][i]),
                skill_blocks=int(now["shadow_blocks"][i]),
                usd_per_h=effect,
                low_usd_per_h=effect - reach,
                high_usd_per_h=effect + reach,
                blocks=int(value["blocks"]),
                without=int(value["off_count"]),
                bans=int(now["bans"][i]),
            )
        )
    return tuple(readings)


def _parts(st: Any, now_ns: int) -> tuple[PartReading, ...]:
    """Parts of the page that keep their own count; clocks in block time are compared with block time."""
    venue_ns, readings = int(st["clock"]["venue_ns"]), []
    for part in PAGE:
        if part.name not in (st.dtype.names or ()) or "seen" not in st[part.name].dtype.names:
            continue
        record = st[part.name]
        if part.name in MAY_BE_MISSING and record["seen"] == 0:
            continue
        in_block_time = part.module.startswith("estimators") and part.name not in MAY_BE_MISSING
        in_block_time = in_block_time or part.name == "book"
        age_s = _age_s(venue_ns if in_block_time else now_ns, int(record["last_ns"]))
        readings.append(PartReading(part.name, int(record["seen"]), age_s, bool(record["ready"])))
    return tuple(readings)


def scores(st: Any) -> tuple[ScoreReading, ...]:
    """Every prediction of every estimator of the coin record `st`, in the order of the page's estimators."""
    readings = []
    for part, module in ESTIMATORS.items():
        rows = np.atleast_1d(st[part]["skill"]) if module.SCORES else ()
        for (prediction, rival), row in zip(module.SCORES.items(), rows, strict=True):
            skill, se, blocks, weight = (row[name] for name in ("skill", "skill_se", "blocks", "weight"))
            better = "better" if skill > Z * se else "no better"
            verdict = better if blocks >= MIN_BLOCKS else "insufficient"
            found = float(skill), float(se), int(blocks), float(weight), verdict
            readings.append(ScoreReading(part, prediction, rival, *found))
    return tuple(readings)


def read(state: Array, params: Array) -> CoinReading:
    """Read one coin; `state` and `params` as made by `new_coin`."""
    st, p = state[0], params[0]
    now_ns, counters, kinds = int(st["clock"]["recv_ns"]), st["counters"], st["counters"]["kind_ns"]
    quote, book, own = st["quote"], st["book"], int(p["coin"])
    lots = int(st["account"]["lots"][own])
    mark_ticks = 0.5 * (int(st["pnl"]["mark2"]) or int(st["pnl"]["mid2"]))
    return CoinReading(
        venue_ms=int(st["clock"]["base_venue_ns"]) // 1_000_000,
        epoch=int(st["orders"]["epoch"]),
        bid_px=float(book["px"][0]),
        ask_px=float(book["px"][1]),
        mark_px=mark_ticks / float(p["ticks_per_usd"]),
        fair_px=float(st["fair"]["fair_px"]) if st["fair"]["ready"] else 0.0,
        sigma_bps=float(st["vol"]["sigma_bps"]),
        sigma_raw_bps=float(st["vol"]["sigma_raw_bps"]),
        clip_usd=float(p["clip_usd"]),
        maker_fee_bps=float(st["account"]["maker_fee_bps"]),
        inventory_lots=lots,
        inventory_usd=lots * mark_ticks * 1e-6,
        target_usd=float(quote["target_usd"]),
        limit_usd=float(quote["limit_usd"]),
        allocation_version=int(st["authority"]["version"]),
        sides=(_side(st, p, SIDES[0]), _side(st, p, SIDES[1])),
        markouts=_markouts(st, p),
        pnl=_pnl(st["pnl"]),
        parts=_parts(st, now_ns),
        scores=scores(st),
        feed_age_s=tuple((name, _age_s(now_ns, int(kinds[kind]))) for name, kind in FEEDS),
        events=int(counters["events"]),
        refused=tuple((kind.name, int(counters["refused"][kind])) for kind in EventKind if counters["refused"][kind]),
        placed=int(counters["placed"]),
        modified=int(counters["modified"]),
        cancelled=int(counters["cancelled"]),
        fills=int(counters["fills"]),
        volume_usd=int(counters["volume_1e8"]) * 1e-8,
        quoting_s=float(counters["quoting_s"]),
        two_sided_s=float(counters["two_sided_s"]),
        warm=int(st["authority"]["stance"]) > WAIT,
        signals=_signals(st, p),
        intervals_lost=int(st["signals"]["lost"]),
        fills_outside=int(st["signals"]["outside"]),
    )
