"""Logging of the stand-alone server: one line a message on standard error, times in UTC, no access log.

Control characters in a message are written as escapes, so that nothing a caller sends can forge a line (ASVS 16.4.1).
An embedded instance uses the same loggers, ``doorward.…``, and leaves their configuration to its host.
"""

import logging
import re
import sys
import time
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLine(logging.Formatter):
    """``2026-11-23T10:00:00Z WARNING doorward.serving: text``; a traceback follows in the same line, escaped."""

    converter = time.gmtime  # type: ignore[assignment]  # typeshed knows it as a method

    def __init__(self) -> None:
        """Fix the form."""
        super().__init__("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Write a record without any control character."""
        return _CONTROL.sub(lambda match: repr(match[0])[1:-1], super().format(record))


def configure(level: int = logging.INFO) -> None:
    """Send everything to standard error. Called once, by the process that serves."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(handlers=[handler], level=level, force=True)
