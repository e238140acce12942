"""From a name and the run's record to the plain class: the one place where parts are put together.

Imports are inside the functions, because a process must load only what its own part needs: coins neither the solver
nor the settings' validation.
"""

# ruff: noqa: PLC0415 - see above

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from portfolio_mm.actors.lean_numba import lean_numba
from portfolio_mm.actors.run_spec import Part, RunSpec
from portfolio_mm.actors.topology import CONSOLE, GATEWAY, PORTFOLIO, RELAY, RISK, FolderDirectory
from portfolio_mm.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from portfolio_mm.actors.reference_relay import ReferenceRelay


def make(name: str, spec: RunSpec) -> Part:
    """The part of this name.

    Raises:
        ConfigurationError: the run has no such part.
    """
    kind, _, coin = name.partition(":")
    if kind == "coin":
        return _coin(coin, spec)
    maker = _MAKERS.get(kind)
    if maker is None:
        msg = f"no part is called {name!r}"
        raise ConfigurationError(msg)
    return maker(spec)


def _relay(spec: RunSpec) -> Part:
    from portfolio_mm.actors.recorder import Recorder
    from portfolio_mm.actors.relay import Relay, streams_of
    from portfolio_mm.hyperliquid.socket_limits import SocketBudget, pauses_s
    from portfolio_mm.hyperliquid.websocket import VenueSocket

    feeds, files = spec.plan.feeds, spec.files
    backoff_s, budget = pauses_s(feeds.reconnect_min_s, feeds.reconnect_max_s), SocketBudget()
    return Relay(
        streams_of([each.coin for each in spec.instruments], fast=feeds.fast_book),
        lambda subscriptions: VenueSocket(
            spec.venue.ws_url, subscriptions, ping_s=feeds.ping_s, backoff_s=backoff_s, budget=budget
        ),
        host=spec.plan.actors.host,
        port=spec.plan.actors.relay_port,
        announce=FolderDirectory(files.sockets).announce,
        recorder=Recorder(files.journals) if feeds.record_raw else None,
        reference=_reference(spec),
    )


def _reference(spec: RunSpec) -> "ReferenceRelay | None":
    from portfolio_mm.actors.recorder import Recorder
    from portfolio_mm.actors.reference_map import symbols_of
    from portfolio_mm.actors.reference_relay import ReferenceRelay
    from portfolio_mm.reference.client import ReferenceSocket, address

    base, symbols = spec.venue.reference_url, symbols_of(spec.plan, spec.instruments)
    if base is None or not symbols:
        return None
    return ReferenceRelay(
        list(symbols.values()),
        lambda path, names: ReferenceSocket(address(base, path, names)),
        books_s=spec.plan.reference.books_ms / 1e3,
        recorder=Recorder(spec.files.journals, "reference") if spec.plan.feeds.record_raw else None,
    )


def _gateway(spec: RunSpec) -> Part:
    from portfolio_mm.actors.gateway.config import GatewayConfig
    from portfolio_mm.actors.gateway.gateway import Gateway
    from portfolio_mm.actors.gateway_part import GatewayPart
    from portfolio_mm.actors.outpost import door
    from portfolio_mm.hyperliquid.socket_limits import pauses_s

    files, plan = spec.files, spec.plan
    config = GatewayConfig(
        account=spec.venue.account,
        key_path=spec.venue.key_path,
        vault=plan.account.vault,
        foreign_orders=plan.account.foreign_orders,
        url=spec.venue.url,
        ws_url=spec.venue.ws_url,
        mainnet=plan.venue.mainnet,
        instruments=spec.instruments,
        leverage=tuple(plan.coin(each.coin).leverage for each in spec.instruments),
        hub=f"unix:{files.hub_socket}",
        outpost=None if plan.actors.outpost is None else door(files, plan.actors.outpost),
        token_file=str(files.token_file),
        state_db=str(files.state_db),
        lock_file=str(files.path / f"gateway-{spec.venue.account}.lock"),
        journals=str(files.journals),
        keep_hours=plan.storage.keep_hours,
        start_equity_usd=spec.start_equity_usd,
        start_read_ms=spec.start_read_ms,
        ends_ms=spec.ends_ms if plan.quoting.flat_at_end else 0,
        permit_ttl_s=plan.risk.permit_ttl_s,
        permit_s=plan.actors.permit_ms / 1e3,
        backoff_s=pauses_s(plan.feeds.reconnect_min_s, plan.feeds.reconnect_max_s),
    )
    return GatewayPart(Gateway(config), files.refuse)


def _risk(spec: RunSpec) -> Part:
    from portfolio_mm.actors.risk import Risk, RiskConfig
    from portfolio_mm.risk.rules import Rules

    files, plan = spec.files, spec.plan
    rules = Rules(**{name: getattr(plan.risk, name) for name in Rules.__struct_fields__})
    config = RiskConfig(
        account=spec.venue.account,
        state_db=str(files.state_db),
        token_file=str(files.token_file),
        limits=plan.limits(1),
        rules=rules,
        instruments=spec.instruments,
    )
    return Risk(config, FolderDirectory(files.sockets))


def _portfolio(spec: RunSpec) -> Part:
    from portfolio_mm.actors.portfolio import Portfolio, PortfolioConfig

    files = spec.files
    config = PortfolioConfig(
        account=spec.venue.account,
        state_db=str(files.state_db),
        token_file=str(files.token_file),
        plan=spec.plan,
        instruments=spec.instruments,
    )
    return Portfolio(config, FolderDirectory(files.sockets))


def _console(spec: RunSpec) -> Part:
    from portfolio_mm.actors.console import Console

    files, actors = spec.files, spec.plan.actors
    directory = FolderDirectory(files.sockets)
    return Console(directory, str(files.token_file), actors.host, actors.console_port, directory.announce)


def _coin(coin: str, spec: RunSpec) -> Part:
    with lean_numba():
        from portfolio_mm.actors.coin import Coin, CoinConfig
        from portfolio_mm.engine.warm import warm_up

        warm_up()  # here, beside the loop: loading `step` takes tenths of a second

    files = spec.files
    config = CoinConfig(
        coin=coin,
        run=spec.run,
        plan=spec.plan,
        instruments=spec.instruments,
        token_file=str(files.token_file),
        journals=str(files.journals),
        checkpoints=str(files.checkpoints),
        held=next((each for each in spec.held if each.coin == coin), None),
        has_reference=spec.venue.reference_url is not None,
    )
    return Coin(config, FolderDirectory(files.sockets))


_MAKERS: Final[dict[str, Callable[[RunSpec], Part]]] = {
    RELAY: _relay,
    GATEWAY: _gateway,
    RISK: _risk,
    PORTFOLIO: _portfolio,
    CONSOLE: _console,
}
