"""What commands print."""

import json

import pytest

from doorward.cli.output import Exit, Output, complain
from doorward.errors import FieldError, Finding, InvalidFields, StorageUnavailable

ROWS = [{"name": "a", "on": True, "more": [1, 2]}, {"name": "long name", "on": False, "more": None}]


def test_a_table_is_aligned_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns in capitals, yes and no, a dash for nothing."""
    Output(as_json=False).table(["name", "on", "more"], ROWS)

    assert capsys.readouterr().out == "NAME       ON   MORE\na          yes  1, 2\nlong name  no   -\n"


def test_a_table_is_an_array_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """With all members, also those that people are not shown."""
    Output(as_json=True).table(["name"], ROWS)

    assert json.loads(capsys.readouterr().out) == ROWS


def test_a_record_is_aligned_for_people_and_an_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """One thing, two readers."""
    Output(as_json=False).record({"id": "acc_1", "enabled": True})
    Output(as_json=True).record({"id": "acc_1"})

    assert capsys.readouterr().out == 'id       acc_1\nenabled  yes\n{\n  "id": "acc_1"\n}\n'


def test_an_empty_record_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to align."""
    Output(as_json=False).record({})

    assert capsys.readouterr().out == ""


def test_programs_are_not_spoken_to(capsys: pytest.CaptureFixture[str]) -> None:
    """In JSON mode exactly one value is printed."""
    Output(as_json=True).say("hello")
    Output(as_json=False).say("hello")

    assert capsys.readouterr().out == "hello\n"


def test_findings_go_to_standard_error_or_into_an_array(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its fix."""
    finding = Finding("It is wrong.", "Mend it.")

    Output(as_json=False).findings([finding])
    Output(as_json=True).findings([finding])

    captured = capsys.readouterr()
    assert captured.err == "  ✗ It is wrong.\n    → Mend it.\n"
    assert json.loads(captured.out) == [{"what": "It is wrong.", "fix": "Mend it."}]


def test_a_problem_is_told_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """The same words that HTTP callers get."""
    problem = InvalidFields(errors=[FieldError("/email", "invalid_email", "This is not an e-mail address.")])

    code = complain(problem)

    assert code == Exit.REFUSED
    assert "  /email: This is not an e-mail address." in capsys.readouterr().err


def test_a_system_error_without_a_path_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    """There is not always a file."""
    complain(OSError("no space"))
    complain(StorageUnavailable())

    assert capsys.readouterr().err == "no space.\nThe database did not answer.\n"
