"""Log lines: one a message, whatever is in it."""

import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest

from doorward.observability.context import request_id
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


def _written(formatter: logging.Formatter, message: str, **extra: object) -> str:
    record = logging.LogRecord("doorward.x", logging.WARNING, "", 0, message, (), extra.get("exc_info"))  # type: ignore[arg-type]
    return formatter.format(record)


def test_a_json_line_is_one_object_with_the_id_of_its_request() -> None:
    """Programs read it line by line; what a caller typed cannot make a second line or a second member."""
    token = request_id.set("journey-1")
    line = _written(logs.OneObject(), 'evil "}\n{"level": "CRITICAL" \u2028')
    request_id.reset(token)
    outside = _written(logs.OneObject(), "x")

    assert "\n" not in line
    assert "\u2028" not in line
    told = json.loads(line)
    assert told["message"] == 'evil "}\n{"level": "CRITICAL" \u2028'
    assert (told["level"], told["logger"], told["request_id"]) == ("WARNING", "doorward.x", "journey-1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["time"])
    assert "request_id" not in json.loads(outside)


def test_a_traceback_is_a_member() -> None:
    """The error of a defect stands in the same line."""
    try:
        raise RuntimeError("a defect with dwr_" + "x" * 40)
    except RuntimeError:
        line = _written(logs.OneObject(), "x", exc_info=sys.exc_info())

    assert "RuntimeError: a defect with dwr_…" in json.loads(line)["error"]


@pytest.mark.parametrize(
    "secret",
    [
        "dwr_" + "A1b2" * 20,
        "dwp_" + "A1b2" * 20,  # of a mail
        "dwk_" + "A1b2" * 20,  # of a service
        "whsec_" + "A1b2" * 11 + "=",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "postgresql://doorward:hunter2-canary@db/doorward",
        "Authorization: Bearer hunter2-canary",
        "__Host-doorward=hunter2-canary",
    ],
)
@pytest.mark.parametrize("formatter", [logs.OneLine(), logs.OneObject()], ids=["text", "json"])
def test_what_looks_like_a_credential_is_masked(secret: str, formatter: logging.Formatter) -> None:
    """No line of ours has one; should a library's ever do, it is not written (ASVS 16.2.5)."""
    line = _written(formatter, f"before {secret} after")

    for canary in ("A1b2", "hunter2", "c2lnbmF0dXJl"):
        assert canary not in line
    assert "before" in line
    assert "after" in line


def test_what_only_begins_like_one_is_left_alone() -> None:
    """A sentence stays a sentence."""
    assert logs.mask("see https://example.test:8443/x and eyJ, dwr_") == "see https://example.test:8443/x and eyJ, dwr_"
