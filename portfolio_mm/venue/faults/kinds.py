"""Faults that last: what goes wrong with messages and requests while one is in force.

One struct per kind, as the scenario file and `POST /admin` write it. Those of `WIRE_KINDS` work on websocket frames,
the others on requests.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from portfolio_mm.venue.delays import Constant, Delay

Seconds = Annotated[float, Meta(ge=0, le=1e8)]
Share = Annotated[float, Meta(ge=0, le=1)]
Endpoint = Literal["info", "exchange", "both"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """When and how often.

    Attributes:
        at_s: begins so many venue seconds after the start; by `POST /admin` after now.
        for_s: and lasts so long; without it to the end, or until `clear_faults`.
        rate: share of the messages or requests that are hit, drawn with the seed of the run.
    """

    at_s: Seconds = 0.0
    for_s: Seconds | None = None
    rate: Share = 1.0


class WireFault(Fault, frozen=True, kw_only=True):
    """Which websocket frames.

    Attributes:
        channel: name in the frame (`bbo`, `user`, `post`, `pong`, …); without it every channel.
        session: number of the connection, counted from 1 since the start; 0 is all of them.
    """

    channel: str = ""
    session: Annotated[int, Meta(ge=0)] = 0


class Drop(WireFault, frozen=True, kw_only=True, tag="drop"):
    """A frame never leaves."""


class Hold(WireFault, frozen=True, kw_only=True, tag="delay"):
    """A frame leaves late, and those behind it on the connection with it: TCP keeps their order.

    Attributes:
        by: how late.
    """

    by: Delay = Constant(1_000.0)


class Duplicate(WireFault, frozen=True, kw_only=True, tag="duplicate"):
    """A frame leaves twice."""


class Reorder(WireFault, frozen=True, kw_only=True, tag="reorder"):
    """A frame waits until others have passed it.

    Attributes:
        behind: how many pass it.
    """

    behind: Annotated[int, Meta(ge=1, le=1_000)] = 1


class Truncate(WireFault, frozen=True, kw_only=True, tag="truncate"):
    """A frame loses its end.

    Attributes:
        keep: share of its characters that leaves.
    """

    keep: Share = 0.5


class Stall(WireFault, frozen=True, kw_only=True, tag="stall"):
    """A channel falls silent while the connection lives and others go on (HL §12.1)."""


class UnknownField(WireFault, frozen=True, kw_only=True, tag="unknown_field"):
    """Frames, and objects in them, carry a field no client knows yet: venues add fields unannounced.

    Attributes:
        field: its name.
    """

    field: str = "addedLater"


class UnknownChannel(WireFault, frozen=True, kw_only=True, tag="unknown_channel"):
    """A frame of a channel nobody subscribed to comes before.

    Attributes:
        name: of that channel.
    """

    name: str = "addedLater"


class HalfOpen(Fault, frozen=True, kw_only=True, tag="half_open"):
    """Connections stay up while nothing comes and nothing is read; when it is over they are cut.

    `rate` counts connections here: each that exists or is made while the fault is in force.

    Attributes:
        session: number of the connection, counted from 1 since the start; 0 is all of them.
    """

    session: Annotated[int, Meta(ge=0)] = 0


class RequestFault(Fault, frozen=True, kw_only=True):
    """Which requests, over HTTP or as websocket posts.

    Attributes:
        requests: types of info requests or of actions, such as `[meta, order]`; without it all.
    """

    requests: tuple[str, ...] = ()


class HttpError(RequestFault, frozen=True, kw_only=True, tag="http_error"):
    """An error instead of an answer; nothing was done.

    Attributes:
        status: the HTTP status; a websocket post gets it as an error response.
        endpoint: which of the two.
    """

    status: Literal[429, 500, 502] = 502
    endpoint: Endpoint = "both"


class Timeout(RequestFault, frozen=True, kw_only=True, tag="timeout"):
    """No answer: after a while the connection is cut; a websocket post is never answered.

    Attributes:
        endpoint: which of the two.
        landed: whether the action entered a block all the same.
        hold_s: real seconds until the connection is cut.
    """

    endpoint: Endpoint = "exchange"
    landed: bool = True
    hold_s: Annotated[float, Meta(ge=0, le=600)] = 10.0


class InfoAnswer(RequestFault, frozen=True, kw_only=True, tag="info_answer"):
    """A wrong answer to an info request, well formed.

    Attributes:
        answer: `stale` as it was some time ago (an API node that lags, HL §12.3: a fresh order is `unknownOid`,
            `exchangeStatus` is behind); `empty` as if the venue had never heard of the user; `null` nothing.
        age_s: of a stale answer, venue seconds.
    """

    answer: Literal["stale", "empty", "null"] = "stale"
    age_s: Annotated[float, Meta(gt=0, le=3_600)] = 5.0


class PartialAnswer(RequestFault, frozen=True, kw_only=True, tag="partial_answer"):
    """A batch of several legs is answered with fewer entries (HL §2.1, §12.3).

    Attributes:
        form: `fewer` does all legs and answers only the first ones; `one_error` does none of them and answers one
            error for all.
        keep: how many entries are left with `fewer`.
    """

    form: Literal["fewer", "one_error"] = "fewer"
    keep: Annotated[int, Meta(ge=0, le=200)] = 1


WireKind = Drop | Hold | Duplicate | Reorder | Truncate | Stall | UnknownField | UnknownChannel
RequestKind = HttpError | Timeout | InfoAnswer | PartialAnswer
FaultKind = (
    Drop
    | Hold
    | Duplicate
    | Reorder
    | Truncate
    | Stall
    | UnknownField
    | UnknownChannel
    | HalfOpen
    | HttpError
    | Timeout
    | InfoAnswer
    | PartialAnswer
)
WIRE_KINDS: Final = (Drop, Hold, Duplicate, Reorder, Truncate, Stall, UnknownField, UnknownChannel)
