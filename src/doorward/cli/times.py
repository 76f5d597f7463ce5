"""Times as people read them on a terminal. JSON keeps to RFC 3339 and to seconds."""

from typing import Final

from doorward.core.clock import rfc3339

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def moment(seconds: int | None) -> str | None:
    """Write a time (seconds since 1970 UTC) as RFC 3339, and nothing as nothing."""
    return None if seconds is None else rfc3339(seconds)


def rough(seconds: int) -> str:
    """Write a duration in its largest whole unit: ``3 days``, ``1 minute``. Less than nothing is ``0 seconds``."""
    size, name = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    count = max(0, seconds) // size
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def away(seconds: int, *, now: int) -> str:
    """Write a time with its distance from ``now``: ``2026-01-31T12:00:00Z (in 9 minutes)``."""
    distance = f"{rough(now - seconds)} ago" if seconds <= now else f"in {rough(seconds - now)}"
    return f"{rfc3339(seconds)} ({distance})"
