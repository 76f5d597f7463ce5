"""Escape sequences in what strangers wrote must not steer an operator's terminal (CWE-150, ASVS 5.0 1.2.1, 16.4.1)."""

import json

import pytest

from doorward.cli.output import Output

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2028\ud800\r\x00"
"""Title, clear screen, a C1 control, a bidirectional override, a line separator, a lone surrogate."""


def test_names_and_values_for_people_are_printable(capsys: pytest.CaptureFixture[str]) -> None:
    """Every unprintable character is replaced."""
    output = Output(as_json=False)

    output.record({f"name{HOSTILE}": f"value{HOSTILE}"})
    output.table(["column"], [{"column": [f"cell{HOSTILE}"]}])

    printed = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in printed)
    assert "name" in printed
    assert "value" in printed


def test_json_is_printable_and_still_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON looked at on a terminal is escaped; a program reads back what was there."""
    Output(as_json=True).record({f"é{HOSTILE}": f"ß{HOSTILE}"})

    printed = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in printed)
    assert json.loads(printed) == {f"é{HOSTILE}": f"ß{HOSTILE}"}
