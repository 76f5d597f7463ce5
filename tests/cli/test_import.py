"""``doorward import``: what is typed, and what is said."""

import json
from pathlib import Path

import pytest

from doorward.cli.output import Exit
from tests.cli.conftest import Operator
from tests.importing import exports
from tests.importing.test_run import people


def _firebase(mode: int = 0o600, parameters: str = exports.FIREBASE_PARAMETERS) -> None:
    Path("parameters").write_text(parameters)
    Path("parameters").chmod(mode)
    user = {"email": "a@example.test", "passwordHash": exports.FIREBASE_HASH, "salt": exports.FIREBASE_SALT}
    Path("users.json").write_text(json.dumps({"users": [user]}))


def test_import_says_what_it_did_and_what_it_did_not(operator: Operator) -> None:
    """Refusals by line on standard error, a private report, who is who in a map."""
    Path("people.jsonl").write_text(people(3) + "nonsense\n" + '{"email": "x"}\n')

    result = operator(
        *("import", "people.jsonl", "--format", "jsonl", "--report", "report", "--map", "map", "--on-conflict", "skip")
    )

    assert result.exit_code == Exit.REFUSED
    assert "line 4: this is not JSON in UTF-8" in result.stderr
    assert "imported     3" in result.output
    report = [json.loads(line) for line in Path("report").read_text().splitlines()]
    assert [(each["line"], each["outcome"]) for each in report] == [(4, "refused"), (5, "refused")]
    rows = [line.split(",") for line in Path("map").read_text().splitlines()]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert all(row[1].startswith("acc_") for row in rows)
    assert (Path("report").stat().st_mode & 0o777, Path("map").stat().st_mode & 0o777) == (0o600, 0o600)


def test_a_file_that_was_imported_is_not_imported_again(operator: Operator) -> None:
    """It says so."""
    Path("people.jsonl").write_text(people(3))
    operator("import", "people.jsonl", "--format", "jsonl", "--json")

    again = operator("import", "people.jsonl", "--format", "jsonl")
    as_json = operator("import", "people.jsonl", "--format", "jsonl", "--json")

    assert "This file was imported before; nothing was done." in again.output
    assert json.loads(as_json.output) == {
        "imported": 0,
        "skipped": 0,
        "refused": 0,
        "done_before": 3,
        "dry_run": False,
    }


def test_a_dry_run_writes_no_map(operator: Operator) -> None:
    """There are no accounts to write down."""
    Path("people.jsonl").write_text(people(3))

    result = operator("import", "people.jsonl", "--format", "jsonl", "--dry-run", "--map", "map")

    assert "dry_run      yes" in result.output
    assert not Path("map").exists()
    assert json.loads(operator("account", "list", "--json").output or "[]") == []


def test_only_the_first_refusals_are_shown(operator: Operator) -> None:
    """The report has all of them."""
    Path("people.jsonl").write_text("nonsense\n" * 50)

    result = operator("import", "people.jsonl", "--format", "jsonl", "--report", "report")

    assert result.stderr.count("this is not JSON") == 20
    assert len(Path("report").read_text().splitlines()) == 50


def test_firebase_needs_the_parameters_of_its_project(operator: Operator) -> None:
    """In a file that nobody else can read, because whoever has the key can guess."""
    _firebase()
    command = ("import", "users.json", "--format", "firebase")

    without = operator(*command)
    good = operator(*command, "--firebase-parameters", "parameters")
    _firebase(0o644)
    readable = operator(*command, "--firebase-parameters", "parameters")
    _firebase(parameters="nonsense")
    nonsense = operator(*command, "--firebase-parameters", "parameters")

    assert (without.exit_code, good.exit_code) == (Exit.USAGE, Exit.OK)
    assert readable.exit_code == Exit.MISCONFIGURED
    assert nonsense.exit_code == Exit.USAGE
    assert "lack signer key" in nonsense.stderr


def test_a_conflict_can_stop_it(operator: Operator) -> None:
    """The line is named."""
    Path("people.jsonl").write_text(people(3))
    Path("others.jsonl").write_text(people(3) + "\n")
    operator("import", "people.jsonl", "--format", "jsonl")

    result = operator("import", "others.jsonl", "--format", "jsonl", "--on-conflict", "stop")

    assert result.exit_code == Exit.REFUSED
    assert "Line 1: the login is taken." in result.stderr


@pytest.mark.parametrize("form", ["nonsense", ""])
def test_a_format_is_one_of_eight(operator: Operator, form: str) -> None:
    """The help lists them."""
    Path("people.jsonl").write_text(people(1))

    assert operator("import", "people.jsonl", "--format", form).exit_code == Exit.USAGE
