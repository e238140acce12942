"""The synthetic market by itself: speed against real time with everything switched on, and memory over many events."""

import resource
import time
from typing import Final

import msgspec
import psutil

from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.flows.synthetic.params import Cascades, Regime, SyntheticParams
from portfolio_mm.venue.flows.synthetic_params import synthetic_params
from scripts.bench.row import Row, say

SECONDS: Final = 600
EVENTS: Final = 10_000_000
MIB: Final = 2**20


def full() -> SyntheticParams:
    """Six coins with excitation, contagion, regimes, jumps, cascades and premiums."""
    plain = synthetic_params(seed=7)
    excited = {"self_excitation": 0.3, "cross_excitation": 0.1, "stale_ms": 200, "premium_sd_bps": 2.0}
    return msgspec.structs.replace(
        plain,
        coins=tuple(msgspec.structs.replace(row, **excited) for row in plain.coins),
        contagion=0.1,
        regimes=(Regime(1.0, 300.0), Regime(2.5, 60.0, 2.0)),
        common_jump_rate_per_h=6.0,
        common_jump_bps=20.0,
        cascades=Cascades(rate_per_h=2.0),
        reference_lead_ms=300,
    )


def _speed(params: SyntheticParams) -> float:
    """Venue seconds per second of one core."""
    flow = SyntheticFlow(params)
    flow.advance(flow.start_ms + 10_000)
    began_s = time.process_time()
    for _ in range(SECONDS * 1_000 // params.block_ms):
        flow.advance(flow.next_ms())
    return SECONDS / (time.process_time() - began_s)


def _growth() -> tuple[int, float]:
    """Background actions done, and MiB resident more at the end than after the first tenth."""
    flow, process = SyntheticFlow(full()), psutil.Process()
    done, first, told = 0, 0, EVENTS // 10
    while done < EVENTS:
        flow.advance(flow.next_ms() + 900)
        done = flow.actions
        if done >= told:
            first = first or process.memory_info().rss
            say(f"{done / 1e6:.0f} M actions, {process.memory_info().rss / MIB:.0f} MiB")
            told += EVENTS // 10
    return done, (process.memory_info().rss - first) / MIB


def run() -> list[Row]:
    """Measure."""
    plain, everything = _speed(synthetic_params()), _speed(full())
    done, growth = _growth()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Row("synthetic market, 6 plain coins", plain, "x real time/s", note="one core"),
        Row("synthetic market, 6 coins, everything on", everything, "x real time/s", note="one core"),
        Row(f"its memory over {done / 1e6:.0f} M actions", growth, "MiB more", note=f"peak {peak:.0f} MiB"),
    ]
