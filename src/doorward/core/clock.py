"""Time and chance, as values that are handed in.

Everything that decides takes ``now`` (whole seconds since 1970-01-01 UTC, the NumericDate of RFC 7519 §2) and asks for
bytes through an ``Entropy``. Only ``app.py`` and the command line pick the real ones; tests hand in their own.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]
"""Returns the time in whole seconds since 1970-01-01 UTC."""

Entropy = Callable[[int], bytes]
"""Returns that many unpredictable bytes (NIST SP 800-90A quality)."""


def system_clock() -> int:
    """Tell the time of this machine."""
    return int(time.time())


def system_entropy(size: int) -> bytes:
    """Return ``size`` bytes of the operating system's generator."""
    return os.urandom(size)


def read_iso8601(written: str) -> int:
    """Read a time as people and databases write it (ISO 8601; without a zone: UTC). Raises ``ValueError``."""
    parsed = datetime.fromisoformat(written)
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def rfc3339(seconds: int) -> str:
    """Write a time as the API shows it: RFC 3339, UTC, whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
