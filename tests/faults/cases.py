"""Every fault and event of docs/venue.md, as a trading run meets it. A kind without a case here fails test_table.py."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from portfolio_mm.venue.delays import Constant
from portfolio_mm.venue.faults import events as happen
from portfolio_mm.venue.faults import kinds
from portfolio_mm.venue.state import VenueState

PUBLIC: Final = ("bbo", "l2Book", "trades", "activeAssetCtx")
PRIVATE: Final = ("orderUpdates", "userFills", "user", "post")
"""Channels as frames name them: `userEvents` come as `user`."""


class Case(NamedTuple):
    """What goes wrong, how long at least, and whether anybody can notice.

    Attributes:
        name: row of the table.
        faults: in force from the beginning to the end.
        events: that happen meanwhile.
        lasts_s: seconds at least.
        invisible: why nobody need notice.
        order: of replies and events, as the venue's `reply_order`.
        quick: part of `make test`.
    """

    name: str
    faults: tuple[kinds.FaultKind, ...] = ()
    events: tuple[happen.EventKind, ...] = ()
    lasts_s: float = 1.0
    invisible: str = ""
    order: str = "drawn"
    quick: bool = False


def _wire(
    word: str, make: Callable[[str], kinds.WireKind], invisible: Mapping[str, str], quick: str, lasts_s: float = 1.0
) -> list[Case]:
    return [
        Case(
            f"{word} `{channel}`",
            (make(channel),),
            invisible=invisible.get(channel, ""),
            quick=channel == quick,
            lasts_s=UNANSWERED_S if channel == "post" and channel != quick else lasts_s,
        )
        for channel in (*PUBLIC, *PRIVATE)
    ]


UNANSWERED_S: Final = 6.0
"""An answer is waited for five seconds."""
STREAM_TELLS: Final = "the order's row tells what the answer would have told"
SPARE: Final = {
    "bbo": "`l2Book` has the best prices too",
    "l2Book": "`bbo` has the best prices too",
    "trades": "trades only teach: silence has no weight",
    "activeAssetCtx": "the last mark stays, contexts come every few seconds anyway",
    "user": "`userFills` tells the same fills",
    "userFills": "`userEvents` tells the same fills",
    "orderUpdates": "answers and fills tell the same",
    "post": STREAM_TELLS,
}
ONCE: Final = dict.fromkeys((*PUBLIC, *PRIVATE), "what comes twice counts once")
LATE: Final = dict.fromkeys((*PUBLIC, *PRIVATE), "a slow line, within every window")
SHUFFLED: Final = dict.fromkeys((*PUBLIC, *PRIVATE), "no rule rests on the order of frames")
UNKNOWN: Final = "what is not known is passed over"
UNREADABLE_ANSWER: Final = {"post": STREAM_TELLS}

NO_BOOK: Final = (kinds.Stall(channel="bbo"), kinds.Stall(channel="l2Book"))

WIRE: Final = (
    *_wire("drop", lambda channel: kinds.Drop(channel=channel, rate=0.5), SPARE, "userFills"),
    *_wire("delay", lambda channel: kinds.Hold(channel=channel, by=Constant(400.0)), LATE, "orderUpdates"),
    *_wire("duplicate", lambda channel: kinds.Duplicate(channel=channel), ONCE, "userFills"),
    *_wire("reorder", lambda channel: kinds.Reorder(channel=channel, behind=3), SHUFFLED, "orderUpdates"),
    *_wire("truncate", lambda channel: kinds.Truncate(channel=channel), UNREADABLE_ANSWER, "bbo"),
    *_wire("stall", lambda channel: kinds.Stall(channel=channel), SPARE, "orderUpdates"),
    Case("stall `bbo` and `l2Book`", NO_BOOK, quick=True),
    Case(
        "stall `userFills` and `user`",
        (kinds.Stall(channel="userFills"), kinds.Stall(channel="user")),
        lasts_s=UNANSWERED_S,
        invisible="the account is read every five seconds, and its fills with it",
    ),
    Case("stall everything", (kinds.Stall(),), lasts_s=6.0),
    Case("drop half of everything", (kinds.Drop(rate=0.5),), lasts_s=8.0, invisible="each thing is told twice"),
    Case("unknown field", (kinds.UnknownField(),), invisible=UNKNOWN, quick=True),
    Case("unknown channel", (kinds.UnknownChannel(),), invisible=UNKNOWN, quick=True),
    Case("half open for 4 s", (kinds.HalfOpen(),), lasts_s=4.0, quick=True),
    Case("half open for 20 s", (kinds.HalfOpen(),), lasts_s=20.0),
)


def _of_http(status: Literal[429, 500, 502], endpoint: kinds.Endpoint, *, quick: bool = False) -> Case:
    where = "both" if endpoint == "both" else f"`/{endpoint}`"
    return Case(f"HTTP {status} on {where}", (kinds.HttpError(status=status, endpoint=endpoint),), quick=quick)


def _after_a_cut(word: Literal["stale", "empty", "null"], request: str, *, quick: bool = False) -> Case:
    """A wrong answer to what is asked after a reconnect; rows of orders are lost too, so that there are questions."""
    wrong = kinds.InfoAnswer(answer=word, requests=(request,) if request else (), age_s=3.0)
    lost = kinds.Drop(channel="orderUpdates", rate=0.5)
    cut = happen.Disconnect(at_s=0.3)
    return Case(
        f"{word} `{request}` after a cut" if request else f"{word} reads after a cut",
        (wrong, lost),
        (cut,),
        3.0,
        quick=quick,
    )


def _silent(word: str, *requests: str, landed: bool, quick: bool = False) -> Case:
    fault = kinds.Timeout(landed=landed, requests=requests, hold_s=2.0)
    why = STREAM_TELLS if landed else ""
    return Case(
        f"no answer to {word}, {'landed' if landed else 'not landed'}",
        (fault,),
        lasts_s=UNANSWERED_S,
        invisible=why,
        quick=quick,
    )


READS: Final = (
    "clearinghouseState",
    "spotClearinghouseState",
    "frontendOpenOrders",
    "orderStatus",
    "userFillsByTime",
    "userRateLimit",
)
REQUESTS: Final = (
    *(_of_http(status, endpoint) for status in (429, 500, 502) for endpoint in ("info", "exchange")),
    _of_http(502, "both", quick=True),
    _silent("orders", "order", "batchModify", landed=True, quick=True),
    _silent("orders", "order", "batchModify", landed=False),
    *(
        Case(
            f"no answer to cancels of stale quotes, {'landed' if landed else 'not landed'}",
            (*NO_BOOK, kinds.Timeout(landed=landed, requests=("cancel", "cancelByCloid"), hold_s=2.0)),
            lasts_s=9.0,
        )
        for landed in (True, False)
    ),
    _silent("any action", landed=True),
    _silent("any action", landed=False),
    Case("no answer to reads", (kinds.Timeout(endpoint="info", hold_s=2.0),)),
    *(_after_a_cut(word, request) for word in ("stale", "empty", "null") for request in READS),
    _after_a_cut("stale", ""),
    _after_a_cut("empty", ""),
    _after_a_cut("null", "", quick=True),
    Case("one status for all legs", (kinds.PartialAnswer(keep=1),), lasts_s=3.0, invisible=STREAM_TELLS, quick=True),
    Case("no statuses", (kinds.PartialAnswer(keep=0),), lasts_s=3.0, invisible=STREAM_TELLS),
    Case("one error for all legs", (kinds.PartialAnswer(form="one_error"),)),
)

HAPPENINGS: Final = (
    Case("replies before events", order="reply_first", invisible="each order of them says the same", quick=True),
    Case("events before replies", order="events_first", invisible="each order of them says the same"),
    Case("disconnect", events=(happen.Disconnect(),), quick=True),
    Case("a storm of disconnects", events=(happen.Disconnect(times=10, every_s=0.4),), lasts_s=4.5),
    Case("disconnects at random", events=(happen.Disconnect(per_hour=3_600.0),), lasts_s=6.0),
    Case(
        "clock forward by a minute",
        events=(happen.ClockStep(ms=60_000),),
        invisible="time is what the venue says, and only goes on",
        quick=True,
    ),
    Case("clock back by 2 s", events=(happen.ClockStep(ms=-2_000),), lasts_s=3.0),
    Case("clock back by 10 s", events=(happen.ClockStep(ms=-10_000),), lasts_s=11.0),
    Case("upgrade", events=(happen.Upgrade(down_s=1.5, post_only_s=3.0),), lasts_s=4.5, quick=True),
    Case(
        "sweep down", events=(happen.Sweep(coin="BTC", usd=2e6),), invisible="fills and a price, as any day", quick=True
    ),
    Case(
        "sweep up", events=(happen.Sweep(coin="ETH", side="buy", usd=2e6),), invisible="fills and a price, as any day"
    ),
    Case("deposit", events=(happen.Deposit(account=1, usd=1_000.0),), quick=True),
)

ALONE: Final = (*WIRE, *REQUESTS, *HAPPENINGS)
"""On one run after another, which goes on as before when each is over."""

FLIP_IN: Final = Case("standard to unified", events=(happen.ModeFlip(account=1, mode="unified"),))
FLIP_OUT: Final = Case("unified to standard", events=(happen.ModeFlip(account=1, mode="standard"),))
DELIST: Final = Case("delist", events=(happen.Delist(coin="ETH"),))
HALT: Final = Case("halt and resume", events=(happen.Halt(coin="xyz:TSLA"),))
ORACLE: Final = Case("oracle silence", events=(happen.OracleSilence(dex="xyz", for_s=15.0),))
BY_THEMSELVES: Final = (FLIP_IN, FLIP_OUT, DELIST, HALT, ORACLE)
"""On a run of their own: they end something, or need another account or market."""

ALL: Final = (*ALONE, *BY_THEMSELVES)


def kinds_of(cases: tuple[Case, ...]) -> set[str]:
    """Kinds by their words in a scenario, of all faults and events in cases."""
    return {str(type(one).__struct_config__.tag) for case in cases for one in (*case.faults, *case.events)}


def every_kind() -> set[str]:
    """Kinds the venue has."""
    found = (*get_args(kinds.FaultKind), *get_args(happen.EventKind))
    return {str(kind.__struct_config__.tag) for kind in found}


def order_replies(state: VenueState, order: str) -> None:
    """A rule of the venue is fixed for its life; here it changes between cases."""
    msgspec.structs.force_setattr(state.settings, "reply_order", order)
