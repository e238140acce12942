"""From a scenario, a tape or the journals of a run to the sessions of a report."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from portfolio_mm.backtest.document import Report
from portfolio_mm.backtest.files import write_report
from portfolio_mm.backtest.journals import replay_journals
from portfolio_mm.backtest.result import SessionResult
from portfolio_mm.backtest.session import Session
from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.settings.load import load
from portfolio_mm.settings.plan import Plan
from portfolio_mm.venue.flows.neighbours import meant
from portfolio_mm.venue.flows.synthetic_params import SyntheticParams
from portfolio_mm.venue.process import build_flow
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.scenario.file import chosen
from portfolio_mm.venue.settings import VenueSettings

WHOLE_S: Final = math.inf
"""Longer than any tape."""
DEFAULT_S: Final = 1_800.0
LEAD_MS: Final = 500
"""By how much published measurements have Hyperliquid lag Binance's futures."""
Say = Callable[[str], None]


class Wanted(msgspec.Struct, frozen=True):
    """What a report is asked for; exactly one of the three sources.

    `seconds` None: half an hour of a scenario, all of a tape, all of a run. `twin`: play the market's misspecified twin
    beside it, or the market beside a scenario that is a twin. `leading`: where a synthetic market has no
    reference venue, add one that is LEAD_MS ahead. `draw`: make plots, which takes a second or two a coin.
    """

    scenario: Path | None = None
    tape: Path | None = None
    journals: Path | None = None
    seconds: float | None = None
    coins: tuple[str, ...] = ()
    config: Path | None = None
    fee_tier: str | None = None
    seed: int | None = None
    twin: bool = True
    leading: bool = True
    draw: bool = True


def make_report(wanted: Wanted, folder: Path, say: Say) -> Report:
    """Play what is wanted, and write the report of it into a folder.

    Raises:
        ConfigurationError: not one source; a coin it does not have; a file that cannot be read or written.
        StateError: a journal is damaged.
    """
    sources = [one for one in (wanted.scenario, wanted.tape, wanted.journals) if one is not None]
    if len(sources) != 1:
        msg = f"give one of --scenario, --tape and --run, not {len(sources)} of them"
        raise ConfigurationError(msg)
    source = sources[0].stem
    if wanted.journals is not None:
        source = f"the run in {sources[0].parent.name}"
        sessions: tuple[SessionResult, ...] = (
            replay_journals(wanted.journals, load(wanted.config).plan(), wanted, say),
        )
    else:
        sessions = play(wanted, say)
    say("writing the report")
    return write_report(folder, source, sessions, draw=wanted.draw)


def play(wanted: Wanted, say: Say) -> tuple[SessionResult, ...]:
    """The sessions of a scenario or a tape.

    Raises:
        ConfigurationError: as `make_report`.
    """
    settings = _settings(wanted)
    title = (wanted.scenario or wanted.tape or Path("market")).stem
    if settings.tape is not None:
        return (_session(settings, wanted, title, WHOLE_S, say),)
    first = _session(settings, wanted, title, DEFAULT_S, say)
    if not wanted.twin:
        return (first,)
    return (first, _session(other_market(settings), wanted, title, DEFAULT_S, say))


def other_market(settings: VenueSettings) -> VenueSettings:
    """The twin of a market, or the market of a twin; all else the same."""
    synthetic = settings.synthetic or SyntheticParams()
    return msgspec.structs.replace(settings, synthetic=msgspec.structs.replace(synthetic, twin=not synthetic.twin))


def _settings(wanted: Wanted) -> VenueSettings:
    first = tuple(coin for coin in wanted.coins if ":" not in coin)
    tape = None if wanted.tape is None else str(wanted.tape)
    options = {"tape": tape, "coins": first or None, "fee_tier": wanted.fee_tier, "seed": wanted.seed}
    settings = chosen(wanted.scenario, options)
    if settings.upstream is not None:
        msg = f"{wanted.scenario} follows a live venue, which has no virtual time; run `portfolio-mm start` instead"
        raise ConfigurationError(msg)
    settings = msgspec.structs.replace(settings, ip_limit=False, loop=False)
    if wanted.leading and settings.tape is None and settings.reference is None:
        settings = led(settings)
    return settings


def led(settings: VenueSettings) -> VenueSettings:
    """The same market with a reference venue that tells its prices LEAD_MS before, unless it says by how much."""
    synthetic = settings.synthetic or SyntheticParams()
    if synthetic.reference_lead_ms == 0:
        synthetic = msgspec.structs.replace(synthetic, reference_lead_ms=LEAD_MS)
    return msgspec.structs.replace(settings, synthetic=synthetic, reference=ReferenceSettings())


def _session(settings: VenueSettings, wanted: Wanted, title: str, most_s: float, say: Say) -> SessionResult:
    flow = build_flow(settings)
    listed = tuple(one.coin for one in flow.instruments())
    plan = plan_of(wanted.config, wanted.coins or listed, listed)
    return Session(settings, flow, plan, title=title, say=say).run(wanted.seconds or most_s)


def plan_of(config: Path | None, coins: Sequence[str], listed: Sequence[str]) -> Plan:
    """The plan of a session: a person's settings or the defaults, with these coins.

    Raises:
        ConfigurationError: a coin is not in the market, or the settings are wrong.
    """
    unknown = [coin for coin in coins if coin not in listed]
    if unknown:
        msg = f"the market has no {', '.join(unknown)}; {meant(unknown, list(listed))}"
        raise ConfigurationError(msg)
    return load(config, {"coins.names": list(coins)}).plan()
