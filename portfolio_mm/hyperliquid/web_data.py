"""What the venue says by itself beside our orders: account mode and capped coins, and oracle prices (HL §4.2, §8.6).

`webData3` costs no request weight and tells what would cost 20 for each dex and 20 for the mode by REST.
"""

from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import MalformedMessage

NEVER_SET: Final = "default"
"""An account that never chose a mode has no word for it (HL §4.2)."""


class WebData(msgspec.Struct, frozen=True):
    """`webData3`: the word of the account's mode, and the coins at their cap of open interest, of every dex."""

    mode: str
    capped: frozenset[str]


class Oracle(msgspec.Struct, frozen=True):
    """`activeAssetCtx` of a coin: its oracle price as text, empty when there is none."""

    coin: str
    px: str


class _Frame(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _User(msgspec.Struct):
    abstraction: str = NEVER_SET


class _Dex(msgspec.Struct, rename="camel"):
    perps_at_open_interest_cap: list[str] = []


class _Web(msgspec.Struct, rename="camel"):
    user_state: _User
    perp_dex_states: list[_Dex] = []


class _Context(msgspec.Struct, rename="camel"):
    oracle_px: str | None = None


class _Active(msgspec.Struct):
    coin: str
    ctx: _Context


_FRAME: Final = msgspec.json.Decoder(_Frame)
_WEB: Final = msgspec.json.Decoder(_Web)
_ACTIVE: Final = msgspec.json.Decoder(_Active)


def subscriptions(user: str, dex_coins: tuple[str, ...]) -> list[dict[str, Any]]:
    """What to subscribe to: the account's page, and contexts of coins whose deployer may fall silent."""
    return [
        {"type": "webData3", "user": user},
        *({"type": "activeAssetCtx", "coin": coin} for coin in dex_coins),
    ]


def parse_web(raw: bytes) -> WebData | Oracle | None:
    """One frame; None for other channels.

    Raises:
        MalformedMessage: channel and reason.
    """
    if not raw.startswith(b"{"):
        return None
    channel = "?"
    try:
        frame = _FRAME.decode(raw)
        channel = frame.channel
        if channel == "webData3":
            found = _WEB.decode(frame.data)
            capped = frozenset(coin for dex in found.perp_dex_states for coin in dex.perps_at_open_interest_cap)
            return WebData(found.user_state.abstraction, capped)
        if channel == "activeAssetCtx":
            active = _ACTIVE.decode(frame.data)
            return Oracle(active.coin, active.ctx.oracle_px or "")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{channel}: {error}: {raw[:160]!r}"
        raise MalformedMessage(msg) from error
    return None
