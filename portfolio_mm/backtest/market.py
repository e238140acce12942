"""The local venue in one process and on a given clock: blocks, frames, its leading market. No sockets, no wall clock.

What happens to it by a scenario's `events` happens (inside blocks; a cut of connections is told apart); its `faults`
concern lines and requests that do not exist here, and are not played.
"""

from typing import Any, Final

import msgspec

from portfolio_mm.reference.parse import AGG_TRADE, BOOK_TICKER, DEPTH
from portfolio_mm.venue import chain
from portfolio_mm.venue.clearinghouse.accounts import FundedAccount, funded_accounts
from portfolio_mm.venue.exchange.execution import Reply
from portfolio_mm.venue.faults import events as happenings
from portfolio_mm.venue.faults.happenings import in_block
from portfolio_mm.venue.faults.schedule import Schedule
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.flows.synthetic import SyntheticFlow
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.protocol.signatures import SignedAction
from portfolio_mm.venue.reference_venue.exchange import ReferenceExchange
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.subscriptions import Topic

_ENCODER: Final = msgspec.json.Encoder()
LEADING_STREAMS: Final = frozenset({BOOK_TICKER, DEPTH, AGG_TRADE})
MARKET_CHANNELS: Final = ("bbo", "trades", "activeAssetCtx")
USER_CHANNELS: Final = ("orderUpdates", "userFills", "userFundings")


class VirtualVenue:
    """One venue, its accounts and what it tells. `now_ms` is the time of the last block."""

    def __init__(self, settings: VenueSettings, flow: Flow) -> None:
        self.settings, self.flow = settings, flow
        self.accounts: tuple[FundedAccount, ...] = funded_accounts(settings.seed, settings.accounts)
        self.state = VenueState(settings, flow, self.accounts, flow.start_ms)
        self.start_ms = self.now_ms = flow.start_ms
        self.cuts = 0
        """How often the scenario cut every connection."""
        self.refused: list[str] = []
        """Happenings that could not happen, and why."""
        self._frames = BlockFrames(self.state)
        self._schedule = Schedule(settings.seed, settings.events)
        self._topics: list[Topic] = []
        self._leading: ReferenceExchange | None = None
        if settings.reference is not None and isinstance(flow, SyntheticFlow):
            self._leading = ReferenceExchange(flow, settings.seed, settings.reference, self.start_ms)

    def listen(self, coins: tuple[str, ...], user: str) -> list[tuple[Topic, bytes]]:
        """Subscribe to everything a run hears; the frames that come at once."""
        topics = [Topic(kind, coin) for coin in coins for kind in MARKET_CHANNELS]
        topics += [Topic("l2Book", coin, fast=True) for coin in coins]
        topics += [Topic(kind, user=user) for kind in USER_CHANNELS]
        self._topics += topics
        return [(topic, raw) for topic in topics for raw in self._frames.first(self.state, topic, alone=True)]

    def step(self, actions: list[SignedAction]) -> tuple[list[Reply], list[tuple[Topic, bytes]]]:
        """Run the next block with these actions; its replies, and the frames it makes."""
        self.now_ms += self.settings.block_ms
        for event in self._schedule.due(self.now_ms - self.start_ms):
            self._happen(event)
        replies = chain.run_block(self.state, self.now_ms + self.state.stepped_ms, actions)
        return replies, list(self._frames.after_block(self.state, self._topics))

    def _happen(self, event: happenings.EventKind) -> None:
        inside = in_block(event)
        if inside is not None:
            self.state.happenings.append(lambda state: self._note(inside(state)))
        elif isinstance(event, happenings.ClockStep):
            self.state.stepped_ms += event.ms
        else:
            self.cuts += 1
        if isinstance(event, happenings.Upgrade):
            window_ms = round((event.down_s + event.post_only_s) * 1e3)
            self.state.post_only_until_ms = self.now_ms + self.state.stepped_ms + window_ms

    def _note(self, refused: str | None) -> None:
        if refused is not None:
            self.refused.append(refused)

    def replies_first(self) -> bool:
        """Whether the replies of a block leave before its frames: undefined at the venue, drawn unless chosen."""
        chosen = self.settings.reply_order
        return chosen == "reply_first" or (chosen == "drawn" and self._frames.disorder.reply_first())

    def read(self, kind: str, **more: Any) -> Any:
        """The answer to an info request, now."""
        return reads.answer(self.state, {"type": kind, **more})

    def leading_frames(self) -> list[bytes]:
        """What the streams a run hears of the leading venue say after this block; nothing without such a venue."""
        if self._leading is None:
            return []
        said = self._leading.step(self.now_ms)
        return [
            _ENCODER.encode({"stream": stream, "data": payload()})
            for stream, payload in said
            if stream.partition("@")[2] in LEADING_STREAMS
        ]
