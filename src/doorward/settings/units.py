"""What settings are counted in: durations in seconds, numbers, ports."""

from typing import Annotated

from msgspec import Meta

Seconds = Annotated[int, Meta(ge=0, extra={"unit": "seconds"})]
"""A duration."""

Count = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
