"""The coin actor: market frames, account events and its timer in; one compiled step each; commands out.

Every input is journaled before it is stepped. What was learned and earned survives a restart by checkpoint and journal;
orders, positions and the permit never do: they come from the gateway's snapshot, and before it the fills we missed.
"""

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from portfolio_mm.actors.coin_books import Books
from portfolio_mm.actors.coin_diary import Diary
from portfolio_mm.actors.coin_leaders import as_leaders, leader_streams
from portfolio_mm.actors.coin_recovery import Reading, begin_stream_anew, recover, step_once
from portfolio_mm.actors.coin_report import own_mid, report_of
from portfolio_mm.actors.coin_state import fresh_coin, frozen, keep
from portfolio_mm.actors.feed import Feed
from portfolio_mm.actors.frame_key import subscription_of
from portfolio_mm.actors.host_clock import HostClock
from portfolio_mm.actors.hub_link import HubLink, Lost
from portfolio_mm.actors.journal_age import forget_old
from portfolio_mm.actors.messages import Welcome
from portfolio_mm.actors.persevere import first_of, persevere
from portfolio_mm.actors.reference_feed import ReferenceFeed
from portfolio_mm.actors.reference_map import symbol_for
from portfolio_mm.actors.relay import streams_of
from portfolio_mm.actors.run_spec import Held
from portfolio_mm.actors.topology import Directory, coin_name
from portfolio_mm.actors.transport import FrameKind
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.errors import MalformedMessage, StateError
from portfolio_mm.domain.events import EVENT, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.engine.emit import MAX_COMMANDS
from portfolio_mm.hyperliquid.parse import MAX_EVENTS, MarketParser
from portfolio_mm.hyperliquid.websocket import SocketState
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage.journal import Journal

LOG: Final = logging.getLogger(__name__)
CHECKPOINT_S: Final = 10.0


class CoinConfig(msgspec.Struct, frozen=True):
    """What one coin's actor is told. Paths, never secrets. `held` is what the account held when the run began."""

    coin: str
    run: int
    plan: Plan
    instruments: tuple[Instrument, ...]
    token_file: str
    journals: str
    checkpoints: str
    held: Held | None = None
    has_reference: bool = False


class Coin:
    """One coin of the run."""

    def __init__(self, config: CoinConfig, directory: Directory) -> None:
        self._config = config
        self._name = coin_name(config.coin)
        self._instrument = next(each for each in config.instruments if each.coin == config.coin)
        streams = streams_of([config.coin], fast=config.plan.feeds.fast_book)
        streams += leader_streams(config.plan, config.instruments, config.coin)
        self._feed = Feed(directory, [subscription_of(stream) for stream in streams])
        self._reference = ReferenceFeed(
            directory,
            symbol_for(config.plan, config.coin),
            self._instrument.index,
            lambda: own_mid(self._instrument, self._state),
            "" if config.has_reference else "this run has no reference venue",
        )
        self._books = Books(self._instrument.index)
        self._link = HubLink(
            directory, Path(config.token_file), role="coin", name=self._name, since_ms=lambda: self._books.since_ms
        )
        self._parser = MarketParser(config.instruments)
        self._events: npt.NDArray[Any] = np.zeros(MAX_EVENTS, EVENT)
        self._single: npt.NDArray[Any] = np.zeros(1, EVENT)
        self._commands: npt.NDArray[Any] = np.zeros(MAX_COMMANDS, COMMAND)
        self._state, self._params = fresh_coin(self._instrument, len(config.instruments), config.plan)
        self._checkpoint = Path(config.checkpoints) / f"{self._file_name}.ckpt"
        self._journal: Journal | None = None
        self._diary = Diary(Path(config.journals), self._file_name, config.plan.storage.segment_mb << 20)
        self._malformed: dict[str, int] = {}
        self._in_sync = False
        self._gateway_clock = HostClock()
        self._sent = 0
        self._stopping = asyncio.Event()

    @property
    def _file_name(self) -> str:
        return self._name.replace(":", "-").replace("/", "-")

    async def run(self) -> None:
        """Trade until stopped."""
        await persevere(self._name, self._once, self._stopping)

    async def _once(self) -> None:
        await self._recover()
        try:
            await first_of(
                self._stopping,
                self._watch(),
                self._refer(),
                self._obey(),
                self._tick(),
                self._report(),
                self._save_now_and_then(),
            )
        finally:
            await self._link.close()
            keep(self._checkpoint, self._frozen())
            self._diary.close()
            if self._journal is not None:
                self._journal.close()

    async def _recover(self) -> None:
        """Begin with what earlier lives knew, and the journal of this life with a checkpoint of that."""
        config = self._config
        self._in_sync = False
        self._state, self._params = fresh_coin(self._instrument, len(config.instruments), config.plan)
        reading = Reading(
            checkpoint=self._checkpoint,
            journals=Path(config.journals),
            name=self._file_name,
            coin=self._instrument.index,
            run=config.run,
            same_market=not config.plan.venue.is_embedded,
        )
        await asyncio.to_thread(self._diary.open, config.run)
        found = await asyncio.to_thread(recover, reading, self._state, self._params, self._diary.again)
        self._books = found.books
        if found.first and config.held is not None:
            self._books.open(self._state, config.held.lots, config.held.mark_ticks)
        self._journal = self._open_journal()
        try:
            await asyncio.to_thread(keep, self._checkpoint, self._frozen())
        except StateError as error:
            LOG.error("%s goes on without a journal: no checkpoint: %s", self._name, error)  # noqa: TRY400 - the text says it all
            self._end_journal()

    def _frozen(self) -> npt.NDArray[Any]:
        """A checkpoint of now."""
        place = None if self._journal is None else self._journal.place
        return frozen(self._state, self._books, self._config.run, place)

    async def stop(self) -> None:
        """End `run`; the gateway sees the closed stream and cancels this coin's orders."""
        self._stopping.set()

    def status(self) -> dict[str, str | int | float | bool]:
        """Counters for people."""
        return {
            "hub": self._link.connected,
            "feeds": self._feed.connects,
            "events": int(self._state["counters"]["events"][0]),
            "sent": self._sent,
            "malformed": self._unread,
            "journal": self._journal is not None,
            "decision journal": self._diary.is_open,
        }

    @property
    def _unread(self) -> int:
        """Wire messages that never became events."""
        return sum(self._malformed.values()) + self._reference.malformed

    def _open_journal(self) -> Journal | None:
        """The journal of all inputs; a disk that refuses ends the record, not the trading (architecture §2)."""
        try:
            segment_bytes = self._config.plan.storage.segment_mb << 20
            return Journal(self._config.journals, self._file_name, EVENT, segment_bytes=segment_bytes)
        except StateError as error:
            LOG.error("%s trades without a journal: %s", self._name, error)  # noqa: TRY400 - the text says it all
            return None

    def _take(self, events: npt.NDArray[Any], count: int) -> None:
        """Journal, step, send: the whole path of an input, in one turn of the loop."""
        if count == 0:
            return
        if self._journal is not None:
            try:
                self._journal.append(events[:count])
            except StateError as error:
                LOG.error("%s goes on without a journal: %s", self._name, error)  # noqa: TRY400 - the text says it all
                self._end_journal()
        for i in range(count):
            written = step_once(events, i, self._state, self._params, self._commands, self._books)
            self._diary.take(events, i, self._state, self._params, self._commands, written)
            if written and self._in_sync:  # before its snapshot a coin has no epoch to command with
                self._sent += written
                self._link.send_records(FrameKind.COMMANDS, self._commands[:written])

    def _end_journal(self) -> None:
        """The disk refuses: what comes now is only in the checkpoints."""
        journal, self._journal = self._journal, None
        if journal is not None:
            with contextlib.suppress(StateError):
                journal.close()

    def _tell(self, kind: EventKind, status: int = 0, recv_ns: int = 0) -> None:
        """An event of our own: the timer, or gain and loss of the feed."""
        self._single[:] = np.zeros(1, EVENT)
        self._single["kind"] = kind
        self._single["coin"] = self._instrument.index
        self._single["status"] = status
        self._single["recv_ns"] = recv_ns or time.monotonic_ns()
        self._take(self._single, 1)

    async def _watch(self) -> None:
        """Market frames."""
        async with contextlib.aclosing(self._feed.frames()) as frames:
            async for recv_ns, frame in frames:
                if isinstance(frame, SocketState):
                    self._tell(EventKind.FEED, int(frame is SocketState.CONNECTED), recv_ns)
                else:
                    self._hear(recv_ns, frame)

    async def _refer(self) -> None:
        """Books and trades of the reference venue."""
        async with contextlib.aclosing(self._reference.events()) as events:
            async for rows in events:
                self._take(rows, len(rows))

    def _hear(self, recv_ns: int, frame: bytes) -> None:
        """One market frame; a malformed one is counted, said once per kind, and skipped."""
        try:
            count = self._parser.parse(frame, recv_ns, self._events)
        except MalformedMessage as error:
            kind = str(error).partition(":")[0]
            self._malformed[kind] = self._malformed.get(kind, 0) + 1
            if self._malformed[kind] == 1:
                LOG.warning("%s: malformed message, counted from now on: %s", self._name, error)
            return
        self._take(self._events, as_leaders(self._events, count, self._instrument.index))

    async def _obey(self) -> None:
        """The gateway's events, in its order; its silence ends with the permit, so its loss needs no event."""
        async with contextlib.aclosing(self._link.frames()) as frames:
            async for frame in frames:
                match frame:
                    case Welcome():
                        self._in_sync = False
                        self._gateway_clock = HostClock()  # it may have come back on another host
                        LOG.info("%s joined, epoch %d", self._name, frame.peer_epoch)
                    case Lost():
                        LOG.warning("%s lost the gateway", self._name)
                    case (FrameKind.EVENTS, rows):
                        self._hear_gateway(rows)
                    case _:
                        continue

    def _hear_gateway(self, rows: npt.NDArray[Any]) -> None:
        """Account events; fills and fundings that are booked already are told again after a restart.

        Their stamps are put on our clock: a lease counts from when it was given, and none from the future never ends.
        """
        begin_stream_anew(self._state, rows)
        rows = self._books.unbooked(rows)  # a copy: read-only rows are another type to the compiler
        if len(rows):
            rows["recv_ns"] = self._gateway_clock.local_ns(int(rows["recv_ns"].max()), time.monotonic_ns())
        self._in_sync = self._in_sync or EventKind.SYNC in rows["kind"]
        self._books.hear(rows)
        self._take(rows, len(rows))

    async def _tick(self) -> None:
        """The timer that lets time-outs run in total silence."""
        period_s = self._config.plan.actors.timer_ms / 1e3
        while True:
            self._tell(EventKind.TIMER)
            await asyncio.sleep(period_s)

    async def _report(self) -> None:
        period_s = self._config.plan.actors.report_ms / 1e3
        while True:
            await asyncio.sleep(period_s)
            if self._link.connected:
                coin, quiet = (self._instrument, self._state, self._params, self._books), self._diary.speechless()
                report = report_of(*coin, malformed=self._unread, speechless=quiet)
                self._link.send(msgspec.structs.replace(report, reference=self._reference.view()))

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            self._diary.forget_old(self._config.plan.storage.keep_hours)
            forget_old(Path(self._config.journals), self._file_name, self._config.plan.storage.keep_hours)
            try:
                await asyncio.to_thread(keep, self._checkpoint, self._frozen())
            except StateError as error:
                LOG.error("%s: no checkpoint: %s", self._name, error)  # noqa: TRY400 - the text says it all
