"""Short sessions for the tests of the room."""

from pathlib import Path

from portfolio_mm.backtest.result import SessionResult
from portfolio_mm.backtest.runner import plan_of
from portfolio_mm.backtest.session import Session
from portfolio_mm.venue.process import build_flow
from portfolio_mm.venue.settings import VenueSettings

SCENARIOS = Path(__file__).parents[2] / "examples" / "scenarios"


def quiet(_: str) -> None:
    """Nobody listens."""


def session_of(settings: VenueSettings, coins: tuple[str, ...]) -> Session:
    """A session that has not begun."""
    flow = build_flow(settings)
    plan = plan_of(None, coins, tuple(one.coin for one in flow.instruments()))
    return Session(settings, flow, plan, title="a test", say=quiet)


def played(settings: VenueSettings, coins: tuple[str, ...], seconds: float) -> SessionResult:
    """A session to its end."""
    return session_of(settings, coins).run(seconds)
