"""Bounded numbers of a scenario: what `msgspec.convert` accepts, and `validity.check` for those made in code."""

from typing import Annotated

from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=0, le=1e4)]
Positive = Annotated[float, Meta(gt=0, le=1e12)]
Bps = Annotated[float, Meta(ge=0, le=1e4)]
SignedBps = Annotated[float, Meta(ge=-1e4, le=1e4)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Milliseconds = Annotated[int, Meta(ge=0, le=60_000)]
