"""``doorward migrate``: where the database stands, and how it gets to this version."""

import json
import re
from pathlib import Path

import pytest

from doorward.cli.output import Exit
from doorward.db.migrate import discover
from doorward.features import MIGRATION_PACKAGES
from tests.cli.conftest import Operator

LATEST = [each for each in discover(MIGRATION_PACKAGES) if "ALTER TABLE" not in each.sql][-1]
"""The latest that only makes tables of its own."""

TABLES = re.findall(r"CREATE TABLE (\w+)", LATEST.sql)


@pytest.fixture
def behind(operator: Operator) -> Operator:
    """A database that lacks the latest migration."""
    dropped = (f"DROP TABLE {name}" for name in TABLES)
    operator.execute(f"DELETE FROM migration WHERE number = {LATEST.number}", *dropped)
    return operator


@pytest.fixture
def nowhere(operator: Operator, engine: str) -> Operator:
    """SQLite without a file: this is not about PostgreSQL, so there the file is missing too."""
    operator.environ["DOORWARD_DATABASE__URL"] = f"sqlite:///{Path.cwd() / 'new' / 'doorward.db'}"
    return operator


def test_status_lists_what_was_applied(operator: Operator) -> None:
    """With the database's own time of it."""
    result = operator("migrate", "status", "--json")

    listed = json.loads(result.output)
    assert [each["state"] for each in listed] == ["applied"] * len(discover(MIGRATION_PACKAGES))
    assert all(each["applied_at"] for each in listed)


def test_status_names_what_is_pending_and_what_to_do(behind: Operator) -> None:
    """Looking is no failure, unless a script asks for one."""
    result = behind("migrate", "status")
    checked = behind("migrate", "status", "--check")

    assert re.search(rf"{LATEST.name} +pending +-", result.output)
    assert "1 pending. Next: doorward migrate up" in result.output
    assert result.exit_code == Exit.OK
    assert checked.exit_code == Exit.REFUSED


def test_a_dry_run_changes_nothing(behind: Operator) -> None:
    """It only names what would be applied."""
    result = behind("migrate", "up", "--dry-run")

    assert re.search(rf"{LATEST.name} +would be applied", result.output)
    assert behind("migrate", "status", "--check").exit_code == Exit.REFUSED


def test_up_applies_what_is_pending_once(behind: Operator) -> None:
    """The second time there is nothing left to do."""
    first = behind("migrate", "up")
    second = behind("migrate", "up")

    assert re.search(rf"{LATEST.name} +applied", first.output)
    assert second.output == "Nothing is pending.\n"
    assert behind("migrate", "up", "--json").output == "[]\n"


def test_migrating_needs_no_secret(behind: Operator) -> None:
    """A job that prepares a release is given the database and nothing else."""
    for name in ("DOORWARD_SECRET", "DOORWARD_ORIGIN", "DOORWARD_ACCOUNTS__EMAIL_VERIFICATION"):
        del behind.environ[name]

    result = behind("migrate", "up")

    assert result.exit_code == Exit.OK


def test_settings_that_cannot_be_read_are_refused(operator: Operator) -> None:
    """Otherwise the default database would be migrated instead of the one that was meant."""
    operator.environ["DOORWARD_DATABASE__TIMEOUT"] = "soon"

    result = operator("migrate", "up")

    assert result.exit_code == Exit.MISCONFIGURED
    assert "database.timeout" in result.stderr


def test_an_older_program_does_not_touch_a_newer_database(operator: Operator) -> None:
    """There is no way back, so it says which version to start."""
    operator.execute("INSERT INTO migration (number, name, checksum, applied_at) VALUES (9999, '9999_x', 'c', 'now')")

    for command in ("status", "up"):
        result = operator("migrate", command)

        assert result.exit_code == Exit.MISCONFIGURED
        assert "9999_x" in result.stderr


def test_a_migration_that_fails_is_told_in_a_line(behind: Operator) -> None:
    """What the driver says, without its trace; nothing was applied."""
    behind.execute(f"CREATE TABLE {TABLES[0]} (id BIGINT)")

    result = behind("migrate", "up")

    assert result.exit_code == Exit.REFUSED
    assert "A migration failed and was not applied: " in result.stderr
    assert "already exists" in result.stderr
    assert behind("migrate", "status", "--check").exit_code == Exit.REFUSED


def test_looking_makes_no_database(nowhere: Operator) -> None:
    """A typing mistake in a path must not leave an empty file behind."""
    status, dry = nowhere("migrate", "status"), nowhere("migrate", "up", "--dry-run")

    assert re.search(rf"{LATEST.name} +pending", status.output)
    assert re.search(rf"{LATEST.name} +would be applied", dry.output)
    assert not Path("new").exists()


def test_up_makes_a_new_database(nowhere: Operator) -> None:
    """With everything in it, and private."""
    result = nowhere("migrate", "up")

    assert result.exit_code == Exit.OK
    assert Path("new/doorward.db").stat().st_mode & 0o077 == 0


def test_a_database_that_is_away_is_told_in_a_line(operator: Operator) -> None:
    """With its own exit code, so that a script can wait for it."""
    operator.environ["DOORWARD_DATABASE__URL"] = "postgresql://nobody@127.0.0.1:1/none"

    result = operator("migrate", "status")

    assert result.exit_code == Exit.STORAGE_UNAVAILABLE
    assert result.stderr.startswith("The database did not answer: ")
