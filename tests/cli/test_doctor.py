"""``doorward doctor``: the whole examination."""

import json
from pathlib import Path

import pytest

from doorward.cli.doctor import database
from doorward.cli.doctor.results import Level
from doorward.cli.output import Exit
from tests.cli.conftest import Operator
from tests.support.house import PASSWORD


@pytest.fixture
def healthy(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """An instance in which nothing must be fixed: the tests' PostgreSQL forgets what it promises, for speed."""
    monkeypatch.setattr(database, "_LOSSY", "SELECT '' AS name FROM migration WHERE number = 0")
    operator.settings.data_dir.chmod(0o700)
    for file in operator.settings.data_dir.glob("doorward.db*"):
        file.chmod(0o600)
    operator("account", "create", "ada@example.test", typed=PASSWORD)
    operator("keys", "rotate")
    return operator


def test_a_healthy_instance_ends_with_0(healthy: Operator) -> None:
    """Advice is no failure."""
    result = healthy("doctor", "--offline")

    assert result.exit_code == Exit.OK, result.output
    assert "• passwords" in result.output
    assert result.output.splitlines()[-1] == "To be fixed: 0 · advice: 3 · not looked at: 1"


def test_something_that_must_be_fixed_ends_with_1(healthy: Operator) -> None:
    """With what it is and what mends it."""
    Path(".env").write_text("DOORWARD_SERVICE_NAME=ours\n")
    Path(".env").chmod(0o644)

    result = healthy("doctor", "--offline")

    assert result.exit_code == Exit.REFUSED
    assert "✗ settings" in result.output
    assert "→ Run: chmod 600 .env" in result.output


def test_programs_get_every_result(healthy: Operator) -> None:
    """Each with its check, its level and its fix."""
    told = json.loads(healthy("doctor", "--offline", "--json").output)

    assert told["must_fix"] == 0
    assert {each["check"] for each in told["results"]} == {
        "settings",
        "files",
        "version control",
        "origin",
        "https",
        "mail",
        "proxy",
        "database link",
        "database",
        "clock",
        "signing keys",
        "passwords",
        "dependencies",
    }
    assert {each["level"] for each in told["results"]} <= {level.value for level in Level}
    assert all(each["fix"] for each in told["results"] if each["level"] != Level.FINE)


def test_a_machine_without_a_configuration_is_examined_too(operator: Operator) -> None:
    """Everything that is missing is said, and nothing is made."""
    operator.environ.clear()

    result = operator("doctor", "--offline")

    assert result.exit_code == Exit.REFUSED
    assert "No secret is set." in result.output
    assert "Run 'doorward init'" in result.output
    assert list(Path.cwd().iterdir()) == []


def test_the_doctor_changes_nothing(healthy: Operator) -> None:
    """No key is rotated or given up, no line is added to the trail."""
    tables = ("account", "session", "signing_key", "revocation", "audit_event", "migration")
    counts = "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {table}) AS {table}" for table in tables)
    before = tuple(healthy.execute(counts)[0][0])

    healthy("doctor", "--offline")

    assert tuple(healthy.execute(counts)[0][0]) == before
