"""Everything one life of the gateway is made of, built once the lock and the owner row are ours."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import aiohttp

from portfolio_mm.actors.gateway.account_view import AccountView
from portfolio_mm.actors.gateway.allotment import Allotment
from portfolio_mm.actors.gateway.bookings import Bookings
from portfolio_mm.actors.gateway.budgets import Budgets
from portfolio_mm.actors.gateway.chronicle import Chronicle
from portfolio_mm.actors.gateway.clock import VenueClock
from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.desk import Desk
from portfolio_mm.actors.gateway.dispatch import Dispatch
from portfolio_mm.actors.gateway.doubts import Doubts
from portfolio_mm.actors.gateway.guard import Guard
from portfolio_mm.actors.gateway.hub import Hub
from portfolio_mm.actors.gateway.latency import TickToWire
from portfolio_mm.actors.gateway.ledger import Ledger
from portfolio_mm.actors.gateway.lookout import Lookout
from portfolio_mm.actors.gateway.moods import Moods
from portfolio_mm.actors.gateway.nonces import Nonces
from portfolio_mm.actors.gateway.notes import FillNote, FundingNote, Note, OrderNote
from portfolio_mm.actors.gateway.notices import note_rows
from portfolio_mm.actors.gateway.others import Others
from portfolio_mm.actors.gateway.outbox import Outbox
from portfolio_mm.actors.gateway.permits import Permits
from portfolio_mm.actors.gateway.readings import Readings
from portfolio_mm.actors.gateway.reconcile import Reconciler
from portfolio_mm.actors.gateway.tally import Tally
from portfolio_mm.actors.gateway.transfers import Transfers
from portfolio_mm.actors.gateway.worst_case import Market
from portfolio_mm.actors.weight_file import WeightFile, weight_path
from portfolio_mm.domain.order import Refusal
from portfolio_mm.hyperliquid.exchange import ExchangeClient
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.hyperliquid.signer import Signer
from portfolio_mm.hyperliquid.web_data import subscriptions
from portfolio_mm.hyperliquid.websocket import VenueSocket
from portfolio_mm.storage.state_store import StateStore

USER_STREAMS = ("orderUpdates", "userFills", "userEvents", "userFundings", "userNonFundingLedgerUpdates")


class Parts(NamedTuple):
    """The parts, by name."""

    config: GatewayConfig
    epoch: int
    run: int
    store: StateStore
    ledger: Ledger
    market: Market
    budgets: Budgets
    clock: VenueClock
    permits: Permits
    guard: Guard
    outbox: Outbox
    others: Others
    desk: Desk
    tally: Tally
    weight: WeightFile
    nonces: Nonces
    latency: TickToWire
    moods: Moods
    lookout: Lookout
    money: AccountView
    bookings: Bookings
    transfers: Transfers
    readings: Readings
    allotment: Allotment
    chronicle: Chronicle
    socket: VenueSocket
    info: InfoClient
    exchange: ExchangeClient
    dispatch: Dispatch
    doubts: Doubts
    reconciler: Reconciler
    hub: Hub


class Teller:
    """Where notes go: to the coins, into the journal; fills and fundings into the account's cash and the bookings."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        hub: Hub,
        chronicle: Chronicle,
        money: AccountView,
        budgets: Budgets,
        bookings: Bookings,
        hint: Callable[[Refusal], None],
    ) -> None:
        self._ledger = ledger
        self._hint = hint
        self._bookings = bookings
        self._hub = hub
        self._chronicle = chronicle
        self._money = money
        self._budgets = budgets

    def __call__(self, notes: Sequence[Note]) -> None:
        """Pass notes on, in order."""
        for note in notes:
            if isinstance(note, FillNote):
                self._money.fill(note)
                self._bookings.add(note)
                instrument = self._ledger.instruments[note.coin]
                if not note.contained:  # else the venue's own count of the address has it
                    usd = instrument.sz(note.sz_lots) * instrument.px(note.px_ticks)
                    self._budgets.earn(usd * instrument.rebate_scale)  # in growth mode a tenth counts (HL §5.2)
            elif isinstance(note, FundingNote):
                self._money.funding(note)
                self._bookings.add(note)
            elif isinstance(note, OrderNote) and note.refusal in {Refusal.VENUE_WINDOW, Refusal.MARGIN}:
                self._hint(note.refusal)
        rows = note_rows(notes, self._ledger.instruments)
        self._hub.account_events(rows)
        self._chronicle.events(rows)


async def build(
    config: GatewayConfig, store: StateStore, hub: Hub, stack: contextlib.AsyncExitStack, *, epoch: int, run: int
) -> Parts:
    """Build everything; `stack` closes what must be closed.

    Raises:
        ConfigurationError: the key file or an address is unusable.
        StateError: the disk refuses.
    """
    signer = Signer.from_file(config.key_path)
    user = config.account.lower()
    ledger, clock = Ledger(config.instruments, user), VenueClock()
    store.add_run(user, run)
    others = Others(run, store.runs(user), config.instruments, tolerate=config.foreign_orders == "tolerate")
    budgets = Budgets(clock, config.day_cap)
    weight = WeightFile(weight_path(Path(config.state_db), user), budgets.ip)
    weight.begin(time.time(), time.monotonic())
    market, permits, outbox, latency = Market(config.leverage), Permits(epoch), Outbox(), TickToWire()
    money, bookings = AccountView(ledger, market, config.start_equity_usd), Bookings(config.instruments)
    ledger.fills_seen.began_ms = ledger.fundings_seen.began_ms = config.start_read_ms or 0
    chronicle = Chronicle(Path(config.journals))
    stack.callback(chronicle.close)
    guard = Guard(ledger, permits, market, budgets, clock)
    moods, dexes = Moods(config.instruments, guard.moods, config.oracle_s), config.dexes
    session = await stack.enter_async_context(aiohttp.ClientSession())
    info = InfoClient(config.url, session, budgets.ip)
    lookout = Lookout(info, moods, money, config)
    desk = Desk(
        run=run,
        ledger=ledger,
        guard=guard,
        permits=permits,
        market=market,
        outbox=outbox,
        others=others,
        tell=Teller(
            ledger=ledger,
            hub=hub,
            chronicle=chronicle,
            money=money,
            budgets=budgets,
            bookings=bookings,
            hint=lookout.hint,
        ),
    )
    tally = Tally(
        Path(config.state_db).with_name(f"tally-{config.account.lower()}.ckpt"), config.start_read_ms or 0, desk
    )
    tally.resume()
    streams = [{"type": kind, "user": user} for kind in USER_STREAMS]
    streams += subscriptions(user, tuple(each.coin for each in config.instruments if each.dex))
    socket = VenueSocket(
        config.ws_url, streams, ping_s=config.ping_s, backoff_s=config.backoff_s, budget=budgets.socket
    )
    stack.push_async_callback(socket.close)
    exchange = ExchangeClient(
        socket,
        session,
        signer,
        config.url,
        mainnet=config.mainnet,
        vault=config.vault,
        budget=budgets.ip,
        meter=budgets,
    )
    nonces = Nonces(store, signer.address)
    dispatch = Dispatch(
        exchange=exchange,
        outbox=outbox,
        ledger=ledger,
        desk=desk,
        permits=permits,
        nonces=nonces,
        clock=clock,
        budgets=budgets,
        latency=latency,
        intent=chronicle.intents,
    )
    stack.push_async_callback(dispatch.close)
    reconciler = Reconciler(
        info=info,
        user=user,
        ledger=ledger,
        desk=desk,
        clock=clock,
        wake=dispatch.wake,
        dexes=dexes,
        foreign=money.foreign,
    )
    transfers = Transfers(store, info, user, money, config.start_read_ms, dexes=dexes)
    return Parts(
        config=config,
        epoch=epoch,
        run=run,
        store=store,
        ledger=ledger,
        market=market,
        budgets=budgets,
        clock=clock,
        permits=permits,
        guard=guard,
        outbox=outbox,
        others=others,
        desk=desk,
        tally=tally,
        weight=weight,
        nonces=nonces,
        latency=latency,
        moods=moods,
        lookout=lookout,
        money=money,
        bookings=bookings,
        transfers=transfers,
        readings=Readings(money, transfers, reconciler.meet, reconciler.adopt),
        allotment=Allotment(config.instruments),
        chronicle=chronicle,
        socket=socket,
        info=info,
        exchange=exchange,
        dispatch=dispatch,
        doubts=Doubts(info=info, exchange=exchange, user=user, ledger=ledger, desk=desk, clock=clock),
        reconciler=reconciler,
        hub=hub,
    )
