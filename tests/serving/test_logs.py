"""Log lines: one a message, whatever is in it."""

import logging
import re
import sys
from collections.abc import Iterator

import pytest

from doorward.serving import logs


@pytest.fixture
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    root.handlers.clear()
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before


@pytest.mark.usefixtures("_restored")
def test_a_message_is_one_line_with_its_time_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    """``2026-11-23T10:00:00Z WARNING doorward.serving: text``."""
    logs.configure()

    logging.getLogger("doorward.serving").warning("hello")

    line = capsys.readouterr().err
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING doorward\.serving: hello\n", line)


@pytest.mark.parametrize("character", ["\n", "\r", "\x1b", "\x85", "\u2028", "\0"])
def test_nothing_in_a_message_forges_a_line(character: str) -> None:
    """ASVS 16.4.1."""
    record = logging.LogRecord("n", logging.INFO, "p", 1, f"a{character}2026-01-01T00:00:00Z forged", (), None)

    line = logs.OneLine().format(record)

    assert character not in line
    assert len(line.splitlines()) == 1


def test_a_traceback_stays_in_its_line() -> None:
    """One line a message, also for a defect."""
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        record = logging.LogRecord("n", logging.ERROR, "p", 1, "a defect", (), sys.exc_info())

    line = logs.OneLine().format(record)

    assert "ZeroDivisionError" in line
    assert "\n" not in line
