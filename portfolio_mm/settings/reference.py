"""Section `reference`: another venue whose prices lead, in the protocol of Binance's USD-M futures."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from portfolio_mm.settings.note import Section, note


class ReferenceSymbol(Section):
    """A coin's symbol there; null: it has none. One contract of it is `multiplier` coins."""

    symbol: str | None = Field(default=None, pattern=r"^[A-Z0-9_]{2,40}$")
    multiplier: float = Field(default=1.0, gt=0.0, le=1e9)


class Reference(Section):
    """The reference venue. It is an advantage where it is right and has weight zero wherever it is missing."""

    enabled: bool = Field(
        default=True,
        description=note(
            "Whether a reference venue is listened to, where there is one",
            "true or false",
            "to trade on the venue's own prices alone",
        ),
    )
    url: str | None = Field(
        default=None,
        description=note(
            "Base address of its market streams, such as wss://fstream.binance.com; null: that of the embedded venue "
            "with synthetic flow, none with a tape or a real venue",
            "URL, or null",
            "for a real venue",
        ),
    )
    symbols: dict[str, ReferenceSymbol] = Field(
        default={},
        description=note(
            "Symbols that do not follow from the coin's name, such as `ABC: {symbol: 1000ABCUSDT, multiplier: 1000}`; "
            "a symbol of null is none. A price more than 1 % from ours lets nothing of a symbol through",
            "mapping of coin to symbol",
            "when `doctor` or `status` call a map wrong",
        ),
    )
    books_ms: int = Field(
        default=25,
        ge=1,
        le=500,
        description=note(
            "Least time between two books of a symbol that a coin is told; the newest counts",
            "ms",
            "to keep smaller journals",
        ),
    )
    lead_ms: int = Field(
        default=500,
        ge=0,
        le=60_000,
        multiple_of=100,
        description=note(
            "By how much the embedded venue's own reference leads its synthetic prices",
            "ms, a multiple of 100",
            "to rehearse a faster or a slower market",
        ),
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.netloc or parts.query:
            msg = "is not a base address (wss://, ws://, https:// or http://, and a host)"
            raise ValueError(msg)
        return value.rstrip("/")
