"""Sections `feeds`, `actors`, `storage` and `cluster`: how the program itself runs."""

from pydantic import Field, field_validator, model_validator

from portfolio_mm.settings.note import Section, note


class Feeds(Section):
    """Streams from the venue."""

    fast_book: bool = Field(
        default=True,
        description=note(
            "Whether the five-level book is taken every half second (false: twenty levels every five)",
            "true or false",
            "rarely",
        ),
    )
    ping_s: float = Field(
        default=10.0,
        ge=1.0,
        le=50.0,
        description=note("Interval of pings on websockets", "s", "if a proxy drops idle sockets"),
    )
    reconnect_min_s: float = Field(
        default=0.2, gt=0.0, le=60.0, description=note("First wait before a reconnect", "s", "rarely")
    )
    reconnect_max_s: float = Field(
        default=10.0,
        ge=2.0,
        le=600.0,
        description=note(
            "Longest wait before a reconnect; under 2 s the venue's 30 new connections a minute would be used up",
            "s",
            "rarely",
        ),
    )
    record_raw: bool = Field(
        default=False,
        description=note("Whether the relay keeps every raw frame on disk", "true or false", "to make your own tapes"),
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Feeds":
        if self.reconnect_min_s > self.reconnect_max_s:
            msg = f"reconnect_min_s {self.reconnect_min_s:g} is above reconnect_max_s {self.reconnect_max_s:g}"
            raise ValueError(msg)
        return self


class Actors(Section):
    """Addresses and rhythms of the actors."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description=note(
            "Address the console and the relay listen on", "address", "rarely; loopback keeps strangers out"
        ),
    )
    console_port: int = Field(
        default=8787,
        ge=0,
        le=65_535,
        description=note("Port of the console; 0 takes a free one", "port", "if it is taken"),
    )
    relay_port: int = Field(
        default=0, ge=0, le=65_535, description=note("Port of the relay; 0 takes a free one", "port", "rarely")
    )
    outpost: str | None = Field(
        default=None,
        pattern=r"^[^\s:]+:\d{1,5}$",
        description=note(
            "Where a watchdog on another machine may join, over TLS and with a token of its own (`watchdog pack`); "
            "null: nowhere",
            "host:port",
            "when there is another machine",
        ),
    )
    timer_ms: int = Field(
        default=100,
        ge=10,
        le=1_000,
        description=note("Interval of the timer that lets time-outs run in total silence", "ms", "rarely"),
    )
    report_ms: int = Field(
        default=250, ge=50, le=5_000, description=note("Interval of reports between actors", "ms", "with many coins")
    )
    permit_ms: int = Field(
        default=250, ge=50, le=1_000, description=note("Interval at which the permit is renewed", "ms", "rarely")
    )
    heartbeat_ms: int = Field(
        default=500,
        ge=50,
        le=2_000,
        description=note("Interval of heartbeats between gateway and watchdog", "ms", "rarely"),
    )
    stall_s: float = Field(
        default=2.0,
        ge=0.5,
        le=60.0,
        description=note(
            "Stand-still after which an actor ends its own process to be restarted", "s", "on slow machines"
        ),
    )
    restarts: int = Field(
        default=5, ge=0, le=100, description=note("Restarts one actor may have within the window", "count", "rarely")
    )
    restart_window_s: float = Field(
        default=60.0, gt=0.0, le=3_600.0, description=note("Window in which restarts are counted", "s", "rarely")
    )


class Storage(Section):
    """Where state lives."""

    folder: str = Field(
        default="~/.portfolio-mm",
        min_length=1,
        description=note(
            "Folder of the state store, journals and run reports; created with mode 0700",
            "path",
            "to a disk that is backed up",
        ),
    )
    segment_mb: int = Field(
        default=64, ge=1, le=1_024, description=note("Size at which a journal starts its next file", "MB", "rarely")
    )
    keep_hours: float = Field(
        default=72.0, gt=0.0, le=87_600.0, description=note("How long journals are kept", "hours", "with the disk")
    )


class Cluster(Section):
    """How the run sits on Ray."""

    address: str | None = Field(
        default="auto",
        description=note(
            "Ray cluster to join; `auto` joins a running one or starts a local one, null always starts a local one",
            "address, auto or null",
            "to name one of several clusters",
        ),
    )
    namespace: str = Field(
        default="portfolio_mm",
        min_length=1,
        description=note("Ray namespace of the actors", "name", "for a second run"),
    )
    dashboard_port: int = Field(
        default=8265, ge=0, le=65_535, description=note("Port of the Ray dashboard", "port", "if it is taken")
    )
    cpus_per_actor: float = Field(
        default=0.05,
        gt=0.0,
        le=4.0,
        description=note(
            "CPU share each actor reserves for placement; 0 would stop spreading", "CPUs", "on big clusters"
        ),
    )
    object_store_mb: int = Field(
        default=80,
        ge=75,
        le=100_000,
        description=note("Memory of Ray's object store, which this program hardly uses", "MB", "rarely"),
    )

    @field_validator("address")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            msg = "is empty; write `auto`, an address, or null"
            raise ValueError(msg)
        return value
