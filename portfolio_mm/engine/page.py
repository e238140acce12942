"""The page as a table: every part in the order of `step` (coin.py), what it hears, reads and writes.

docs/wiring.md is generated from it; tests hold it against `step` and against the folder of estimators.
"""

from typing import Final, NamedTuple

from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import account, authority, learning, places, pnl, slots
from portfolio_mm.engine.fair_inputs import READS
from portfolio_mm.estimators import (
    arrivals,
    cascade,
    depth_profile,
    edge,
    evidence,
    fair_value,
    funding,
    hawkes,
    impact,
    informed,
    intensity,
    jumps,
    leaders,
    markouts,
    order_flow,
    particles,
    queue,
    reference,
    regimes,
    toxicity,
    vol_of_vol,
    volatility,
    walls,
)


class Part(NamedTuple):
    """One line of the page: a part, its module, the kinds it hears, the sub-records it reads and writes."""

    name: str
    module: str
    hears: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


ALL: Final = tuple(EventKind.__members__)
DECIDES: Final = tuple(kind for kind in ALL if kind not in {"TRADE", "SKEW", "LEAD"})
QUOTE: Final = ("quote",)
QUOTED: Final = (
    *("fair", "vol", "jumps", "vov", "particles", "intensity", "viability", "markouts", "account", "signals"),
)
PAGE: Final = (
    Part("clock", "engine.clock", ALL, ("event",), ("clock", "counters")),
    Part("book", "engine.book", ("BBO", "BOOK", "FEED"), ("event", "orders"), ("book",)),
    Part("markouts", "estimators.markouts", markouts.HEARS, ("clock", "book"), ("markouts",)),
    Part("learning", "engine.learning", learning.HEARS, ("markouts", "event"), ("toxicity", "evidence", "impact")),
    Part("toxicity", "estimators.toxicity", toxicity.HEARS, ("clock", "book", "markouts"), ("toxicity",)),
    Part("informed", "estimators.informed", informed.HEARS, ("clock", "book", "fair"), ("informed",)),
    Part("impact", "estimators.impact", impact.HEARS, ("clock", "book", "markouts"), ("impact",)),
    Part("evidence", "estimators.evidence", evidence.HEARS, ("markouts", "event"), ("evidence", "account")),
    Part("pnl", "engine.pnl", pnl.HEARS, ("book", "markouts", "event"), ("pnl",)),
    Part("signals", "engine.ablation", ALL, ("clock", "markouts", "authority", "account", "quote"), ("signals",)),
    Part("depth", "estimators.depth_profile", depth_profile.HEARS, ("clock", "book", "fair"), ("depth",)),
    Part("order_flow", "estimators.order_flow", order_flow.HEARS, ("clock", "book", "event"), ("order_flow",)),
    Part("reference", "estimators.reference", reference.HEARS, ("clock", "book", "event"), ("reference",)),
    Part("leaders", "estimators.leaders", leaders.HEARS, ("clock", "event"), ("leaders",)),
    Part("fair", "estimators.fair_value", fair_value.HEARS, ("clock", "book", *READS), ("fair",)),
    Part("vol", "estimators.volatility", volatility.HEARS, ("clock", "fair"), ("vol",)),
    Part("jumps", "estimators.jumps", jumps.HEARS, ("clock", "fair", "vol"), ("jumps",)),
    Part("vov", "estimators.vol_of_vol", vol_of_vol.HEARS, ("clock", "fair"), ("vov",)),
    Part("particles", "estimators.particles", particles.HEARS, ("clock", "fair", "vol"), ("particles",)),
    Part("regimes", "estimators.regimes", regimes.HEARS, ("book", "fair", "signals"), ("regimes", "vol", "intensity")),
    Part("intensity", "estimators.intensity", intensity.HEARS, ("clock", "book", "fair", "orders"), ("intensity",)),
    Part("cascade", "estimators.cascade", cascade.HEARS, ("clock", "book"), ("cascade",)),
    Part("funding", "estimators.funding", funding.HEARS, ("clock", "event"), ("funding",)),
    Part("arrivals", "estimators.arrivals", arrivals.HEARS, ("clock", "book"), ("arrivals",)),
    Part("hawkes", "estimators.hawkes", hawkes.HEARS, ("clock", "book", "arrivals"), ("hawkes",)),
    Part("places", "engine.places", places.HEARS, ("event", "book", "orders", "intensity", "vol"), ("queue",)),
    Part("queue", "estimators.queue", queue.HEARS, ("clock", "arrivals", "quote"), ("queue",)),
    Part("account", "engine.account", account.HEARS, ("event", "fair"), ("account", "orders", "pnl", "markouts")),
    Part("orders", "engine.slots", slots.HEARS, ("event",), ("orders",)),
    Part("authority", "engine.authority", authority.HEARS, ("event", "clock", "book"), ("authority",)),
    Part(
        "viability", "engine.viability", DECIDES, ("depth", "intensity", "vol", "markouts", "account"), ("viability",)
    ),
    Part("walls", "estimators.walls", walls.HEARS, ("clock", "quote", "viability", "funding"), ("walls",)),
    Part("edge", "estimators.edge", edge.HEARS, ("markouts", "account"), ("edge",)),
    Part("quoting", "engine.quoting", DECIDES, QUOTED, QUOTE),
    Part("ladder", "engine.ladder", DECIDES, ("quote", "book", "account", "authority", "orders"), QUOTE),
    Part("reconcile", "engine.reconcile", DECIDES, ("quote", "orders", "authority"), ("orders", "counters")),
)
"""Every part in the order of `step`. Heavy parts on their own clock of 1 s: viability, walls, edge, cascade, refits
inside intensity and depth. `authority` also heeds the clock: leases and staleness end without any event of theirs.
Quoting, ladder and reconcile act on news at once, and on time alone four times a second."""
SHELVED: Final[dict[str, str]] = {}
"""Modules of estimators/ that the page does not call, each with the reason."""
