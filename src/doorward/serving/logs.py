"""Logging of the stand-alone server: one line a message on standard error, times in UTC, no access log.

For people a line of text, for programs a JSON object with the id of the request it belongs to. Control characters in a
message are written as escapes, so that nothing a caller sends can forge a line (ASVS 16.4.1), and what looks like a
credential is masked, should one ever get into a message (ASVS 16.2.5). An embedded instance uses the same loggers,
``doorward.…``, and leaves their configuration to its host.
"""

import json
import logging
import re
import sys
import time
from typing import Final, Literal

from doorward.observability.context import request_id

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CREDENTIAL: Final = re.compile(
    r"(?P<name>\bdw[a-z]_|\bwhsec_|\bBearer |__Host-doorward=)[^\s\"'<>;,]{4,}"
    r"|(?P<url>://[^/\s:@]{0,64}:)[^\s/@]+(?=@)"
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)
"""Tokens of ours, webhook secrets, passwords in URLs, bearer tokens, session cookies, and JWS by their look."""

MASK: Final = "…"
_MOMENT: Final = "%Y-%m-%dT%H:%M:%S"


class OneLine(logging.Formatter):
    """``2026-11-23T10:00:00Z WARNING doorward.serving: text``; a traceback follows in the same line, escaped."""

    converter = time.gmtime  # type: ignore[assignment]  # typeshed knows it as a method

    def __init__(self) -> None:
        """Fix the form."""
        super().__init__("%(asctime)sZ %(levelname)s %(name)s: %(message)s", _MOMENT)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record without any control character."""
        return _CONTROL.sub(lambda match: repr(match[0])[1:-1], mask(super().format(record)))


class OneObject(logging.Formatter):
    """``{"time": …, "level": …, "logger": …, "message": …}``, with ``request_id`` and ``error`` where there are any."""

    converter = time.gmtime  # type: ignore[assignment]  # typeshed knows it as a method

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as JSON, which escapes every control character."""
        members = {
            "time": self.formatTime(record, _MOMENT) + "Z",
            "level": record.levelname,
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        if current := request_id.get():
            members["request_id"] = current
        if record.exc_info:
            members["error"] = mask(self.formatException(record.exc_info))
        return json.dumps(members)


def mask(text: str) -> str:
    """Take out what looks like a credential."""
    return _CREDENTIAL.sub(lambda found: (found["name"] or found["url"] or "") + MASK, text)


def configure(level: int = logging.INFO, *, form: Literal["text", "json"] = "text") -> None:
    """Send everything to standard error. Called by the process that serves, again when it knows its settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneObject() if form == "json" else OneLine())
    logging.basicConfig(handlers=[handler], level=level, force=True)
