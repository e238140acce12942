"""Sections `account` and `venue`: whose money, and where it trades."""

import re
from typing import Final, Literal

from pydantic import Field, field_validator

from portfolio_mm.settings.note import Section, note
from portfolio_mm.settings.plan import AccountModeName, FeeTier

ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
SECRET: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")
"""What a private key looks like: it must never stand in a settings file."""


class Account(Section):
    """Whose money: the master address, and where the agent keys lie. Paths only, never the keys."""

    address: str | None = Field(
        default=None,
        description=note(
            "Address of the master (or sub-) account that holds the money; not the agent's address",
            "0x and 40 hex digits, or null",
            "for a real venue; null uses the funded account of the embedded venue",
        ),
    )
    key_path: str | None = Field(
        default=None,
        description=note(
            "File (mode 0600) with the agent key the gateway signs with",
            "path, or null",
            "for a real venue; never put a key itself here",
        ),
    )
    watchdog_key_path: str | None = Field(
        default=None,
        description=note(
            "File (mode 0600) with a second agent key, with which the watchdog cancels when the gateway is silent",
            "path, or null",
            "for a real venue; it must be another agent than the gateway's, so that nonces do not collide",
        ),
    )
    vault: str | None = Field(
        default=None,
        description=note(
            "Address of the vault or sub-account the agent trades for",
            "0x and 40 hex digits, or null",
            "when the money is in a vault or sub-account",
        ),
    )

    auto_transfer: bool = Field(
        default=False,
        description=note(
            "Whether a start may move USDC from spot to perps when perps hold too little to trade (standard mode only)",
            "true or false",
            "to let the agent cure money in the wrong wallet; `start --auto-transfer` is the same",
        ),
    )
    auto_transfer_max_usd: float = Field(
        default=100.0,
        ge=11.0,
        description=note(
            "Bound of `auto_transfer`: perps are filled up to this amount and never beyond",
            "USD",
            "to what you want to trade with",
        ),
    )
    foreign_orders: Literal["cancel", "tolerate"] = Field(
        default="cancel",
        description=note(
            "What becomes of orders on our coins that this program did not place",
            "cancel, or tolerate (never touched, counted in the worst case)",
            "when you trade the same coins by hand",
        ),
    )

    @field_validator("key_path", "watchdog_key_path")
    @classmethod
    def _path_only(cls, value: str | None) -> str | None:
        if value is not None and SECRET.fullmatch(value.strip()):
            msg = (
                "this is a key, not the path of a file that holds it; move it to a file of mode 0600 and name the file"
            )
            raise ValueError(msg)
        if value is not None and not value.strip():
            msg = "is empty; give the path of a file, or null"
            raise ValueError(msg)
        return value

    @field_validator("address", "vault")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and SECRET.fullmatch(value.strip()):
            msg = "this is a private key, not an address; treat it as exposed and replace it"
            raise ValueError(msg)
        if value is not None and not ADDRESS.fullmatch(value):
            msg = "is not an address (0x and 40 hex digits)"
            raise ValueError(msg)
        return value


class Embedded(Section):
    """The local venue, started when `venue.url` is null."""

    seed: int = Field(
        default=7,
        ge=0,
        description=note(
            "Seed of the synthetic market", "integer", "to trade another market; the same seed gives the same flow"
        ),
    )
    tape: str | None = Field(
        default=None,
        description=note(
            "Recording to trade on instead of synthetic flow (ws.jsonl.zst layout)",
            "path, or null",
            "to run on recorded data; wins over the seed",
        ),
    )
    speed: float = Field(
        default=1.0,
        ge=0.01,
        le=100.0,
        description=note("Pace of the market against the wall clock", "factor", "only to look at a tape faster"),
    )
    fee_tier: FeeTier = Field(
        default="base",
        description=note(
            "Fee tier the local venue charges: base, vip1 to vip6 (by volume), rebate1 to rebate3 (by maker share)",
            "name",
            "to see what another tier would pay; a real venue tells its own fees",
        ),
    )
    account_mode: AccountModeName = Field(
        default="standard",
        description=note(
            "How the local venue keeps collateral: unified (50,000 actions a day) or standard",
            "name",
            "to rehearse the mode of your own account",
        ),
    )
    equity_usd: float = Field(
        default=10_000.0,
        ge=0.0,
        description=note("Money in the funded test account", "USD", "to rehearse with your own size"),
    )
    port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description=note(
            "Port of the local venue on loopback; 0 takes a free one", "port", "to find it at a fixed place"
        ),
    )


class Venue(Section):
    """Where orders go."""

    url: str | None = Field(
        default=None,
        description=note(
            "Base address of the venue's HTTP interface; null starts the embedded venue",
            "URL, or null",
            "to trade elsewhere than on the embedded venue",
        ),
    )
    ws_url: str | None = Field(
        default=None,
        description=note(
            "Address of the venue's websocket; null derives it from `url`", "URL, or null", "only behind a proxy"
        ),
    )
    mainnet: bool = Field(
        default=False,
        description=note(
            "Whether actions are signed for mainnet; a wrong value makes the venue refuse every order",
            "true or false",
            "to true together with the mainnet url, and only then",
        ),
    )
    embedded: Embedded = Field(default=Embedded(), description="The local venue, started when `url` is null.")

    @field_validator("url", "ws_url")
    @classmethod
    def _scheme(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://", "ws://", "wss://")):
            msg = "is not a URL (http://, https://, ws:// or wss://)"
            raise ValueError(msg)
        return None if value is None else value.rstrip("/")
