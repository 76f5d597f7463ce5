"""Which request the running code belongs to, for log lines that are written far below it."""

from contextvars import ContextVar
from typing import Final

request_id: Final[ContextVar[str]] = ContextVar("doorward_request_id", default="")
"""Set by the front for each request; empty in the background."""
