"""Reading the fields of an info request; the two ways to refuse one (HL §1.1)."""

import re
from collections.abc import Iterable, Reversible
from itertools import islice
from typing import Any, Final

from portfolio_mm.venue.clearinghouse.tiers import fee_tier
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.listing import Dex
from portfolio_mm.venue.state import CoinState, VenueState

Request = dict[str, Any]
MAX_ROWS: Final = 2000
MAX_TIMED_ROWS: Final = 500
ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


class BadRequest(ValueError):
    """The request does not say what it must: HTTP 422."""


class NoAnswer(ValueError):
    """The venue answers such a request with HTTP 500 and `null`."""


def text(request: Request, field: str) -> str:
    """A string that must be there.

    Raises:
        BadRequest: it is not.
    """
    value = request.get(field)
    if not isinstance(value, str):
        msg = f"{field} is not a string"
        raise BadRequest(msg)
    return value


def whole(request: Request, field: str, absent: int | None) -> int:
    """A whole number; `absent` when it is not given, unless that is None.

    Raises:
        BadRequest: it is not a number, or is missing and must not be.
    """
    value = request.get(field)
    if value is None and absent is not None:
        return absent
    if not isinstance(value, int) or isinstance(value, bool):
        msg = f"{field} is not a number"
        raise BadRequest(msg)
    return value


def flag(request: Request, field: str) -> bool:
    """A flag that is down when it is not given.

    Raises:
        BadRequest: it is neither true, false nor null.
    """
    value = request.get(field)
    if value is not None and not isinstance(value, bool):
        msg = f"{field} is not a flag"
        raise BadRequest(msg)
    return value is True


def user_of(state: VenueState, address: str) -> User:
    """The user of an address. Agents and strangers have none: they see an empty account, not an error."""
    known = state.by_address.get(address.lower())
    return known or User(0, address.lower(), fee_tier("base"), unified=False, requests_base=10_000, day_actions=0)


def address_of(request: Request, field: str = "user") -> str:
    """An address, in lower case.

    Raises:
        BadRequest: it is none.
    """
    value = text(request, field)
    if not ADDRESS.fullmatch(value):
        msg = f"{field} {value!r} is no address"
        raise BadRequest(msg)
    return value.lower()


def user(state: VenueState, request: Request) -> User:
    """The user a request is about."""
    return user_of(state, address_of(request))


def dex(state: VenueState, request: Request) -> Dex:
    """The dex a request is about, the first one when it names none.

    Raises:
        NoAnswer: there is no such dex.
    """
    name = request.get("dex")
    if name is None:
        return state.listing.dexes[0]
    if not isinstance(name, str) or name not in state.listing.by_dex:
        msg = f"no perp dex {name!r}"
        raise NoAnswer(msg)
    return state.listing.by_dex[name]


def coin(state: VenueState, request: Request) -> CoinState:
    """The coin a request is about.

    Raises:
        BadRequest: none is named.
        NoAnswer: there is no such coin.
    """
    name = text(request, "coin")
    if name not in state.by_coin:
        msg = f"no coin {name!r}"
        raise NoAnswer(msg)
    return state.by_coin[name]


def between(
    rows: Iterable[dict[str, Any]], request: Request, limit: int, *, since: int | None = None
) -> list[dict[str, Any]]:
    """The oldest `limit` rows from `startTime` to `endTime`, both inclusive.

    ccxt and the TypeScript SDK leave `startTime` out where `since` is given.
    """
    first, last = whole(request, "startTime", since), whole(request, "endTime", 1 << 62)
    return list(islice((row for row in rows if first <= row["time"] <= last), limit))


def newest(rows: Reversible[Any]) -> list[Any]:
    """The newest rows there are answers for, newest first."""
    return list(islice(reversed(rows), MAX_ROWS))
