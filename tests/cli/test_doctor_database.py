"""``doorward doctor``: the database, its clock, and the signing keys in it."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as change

from doorward.cli.doctor import database as checks
from doorward.cli.doctor.database import DatabaseFacts, check_clock, check_database, check_keys, gather
from doorward.cli.doctor.results import Level
from doorward.core.secret import Secret
from doorward.db.sqlite import SqliteDatabase
from doorward.errors import Finding, StorageUnavailable
from doorward.jose.keys import SigningKey
from doorward.settings import Database, Settings, Tokens
from doorward.tokens.model import KeyRecord, KeyState, SurveyedKey
from tests.cli.conftest import Operator
from tests.support.house import FakeClock, open_house

NOW = 1_800_000_000
DAY = 86_400
SQLITE = DatabaseFacts("open", "sqlite", "3.45.1", keys=())
POSTGRESQL = DatabaseFacts("open", "postgresql", "16.4 (Debian 16.4-1)", clock=NOW, asked_at=NOW, keys=())
PUBLIC = SigningKey.generate("ES256").public


def key(state: KeyState = KeyState.ACTIVE, *, age: int = 0, readable: bool = True, newest: bool = True) -> SurveyedKey:
    """A key as the keyring would find it."""
    record = KeyRecord(
        kid="kid",
        algorithm="ES256",
        state=state,
        sealed=b"",
        created_at=NOW - age,
        activated_at=None,
        verify_until=None,
    )
    return SurveyedKey(record, PUBLIC if readable else None, newest)


# --- judging --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "level", "said"),
    [
        (SQLITE, Level.FINE, "SQLite 3.45.1, and no migration is pending."),
        (POSTGRESQL, Level.FINE, "PostgreSQL 16.4 (Debian 16.4-1), and no migration is pending."),
        (DatabaseFacts("missing", "sqlite"), Level.FINE, "the first start makes it"),
        (DatabaseFacts("unreachable", problems=(Finding("disk full", ""),)), Level.MUST_FIX, "answer: disk full."),
        (replace(SQLITE, problems=(Finding("It is newer.", "Upgrade."),)), Level.MUST_FIX, "It is newer."),
        (replace(SQLITE, pending=("0009_x",)), Level.ADVICE, "Pending migrations: 0009_x."),
        (replace(POSTGRESQL, pending=("0009_x",)), Level.MUST_FIX, "Pending migrations: 0009_x."),
        (replace(POSTGRESQL, lossy=("fsync",)), Level.MUST_FIX, "runs with fsync off"),
        (replace(SQLITE, version="3.34.1"), Level.MUST_FIX, "SQLite 3.34.1 is too old."),
        (replace(SQLITE, version="3.35.0"), Level.FINE, "3.35.0"),
        (replace(POSTGRESQL, version="9.6.24"), Level.MUST_FIX, "gets no security fixes"),
        (replace(POSTGRESQL, version="14.9"), Level.MUST_FIX, "gets no security fixes"),
        (replace(POSTGRESQL, version="15.2"), Level.FINE, "15.2"),
        (replace(POSTGRESQL, version="42beta1"), Level.FINE, "42beta1"),
    ],
)
def test_a_database(facts: DatabaseFacts, level: Level, said: str) -> None:
    """Away, foreign, behind, out of support, forgetful, or fine."""
    (result,) = check_database(facts, now=NOW)

    assert result.level is level
    assert said in result.what


@pytest.mark.parametrize(
    ("facts", "program_made_at", "said"),
    [
        (SQLITE, NOW - 10, []),
        (SQLITE, NOW + 5, []),
        (SQLITE, NOW + 2 * DAY, ["at least 2 days slow"]),
        (replace(SQLITE, keys=(key(age=-3600),)), 0, ["at least 1 hour slow"]),
        (replace(POSTGRESQL, clock=NOW + 5), 0, []),
        (replace(POSTGRESQL, clock=NOW - 60), 0, ["1 minute apart"]),
        (replace(POSTGRESQL, clock=NOW + 60, keys=None), NOW + 60, ["1 minute slow", "1 minute apart"]),
    ],
)
def test_a_clock(facts: DatabaseFacts, program_made_at: int, said: list[str]) -> None:
    """It agrees with the database's within seconds, and nothing that has happened lies ahead of it."""
    results = check_clock(facts, now=NOW, program_made_at=program_made_at)

    assert [each.level for each in results] == ([Level.MUST_FIX] * len(said) or [Level.FINE])
    assert all(words in each.what for words, each in zip(said, results, strict=False))


@pytest.mark.parametrize(
    ("keys", "levels"),
    [
        (None, [Level.UNKNOWN]),
        ((), [Level.FINE]),
        ((key(), key(KeyState.STAGED)), [Level.FINE]),
        ((key(age=91 * DAY),), [Level.FINE]),
        ((key(age=93 * DAY),), [Level.ADVICE]),
        ((key(KeyState.VERIFY_ONLY, age=93 * DAY),), [Level.FINE]),
        ((key(newest=False),), [Level.ADVICE]),
        ((key(readable=False, newest=False),), [Level.MUST_FIX]),
        ((key(KeyState.RETIRED, readable=False, newest=False, age=900 * DAY),), [Level.FINE]),
    ],
)
def test_signing_keys(keys: tuple[SurveyedKey, ...] | None, levels: list[Level]) -> None:
    """All can be opened, none signs for longer than it should, and none needs an older secret."""
    results = check_keys(keys, Tokens(), now=NOW)

    assert [each.level for each in results] == levels


# --- gathering ------------------------------------------------------------------------------------------------------


def start_once(settings: Settings) -> None:
    """Run a server for a moment, which makes the keys."""

    async def act() -> None:
        async with open_house(settings, clock=FakeClock()):
            pass

    asyncio.run(act())


def look(settings: Settings, **arguments: Any) -> DatabaseFacts:
    """Gather."""
    return asyncio.run(gather(settings, **{"is_safe": True, "now": NOW, **arguments}))


def test_a_database_in_use_is_looked_at(settings: Settings, engine: str) -> None:
    """Its version, its migrations, its keys, and what only PostgreSQL can tell."""
    start_once(settings)

    facts = look(settings)

    assert (facts.state, facts.dialect, facts.pending, facts.problems) == ("open", engine, (), ())
    assert facts.version[0].isdecimal()
    assert facts.keys is not None
    assert {each.record.state for each in facts.keys} == {KeyState.ACTIVE, KeyState.STAGED}
    assert (facts.clock is not None) == (engine == "postgresql")
    assert facts.lossy == (("fsync", "full_page_writes", "synchronous_commit") if engine == "postgresql" else ())


def test_keys_of_another_secret_are_found_and_left_alone(settings: Settings) -> None:
    """A server would retire them; the doctor says so before."""
    start_once(settings)

    other = change(settings, secret=(Secret(secrets.token_urlsafe(32)),))
    facts = look(other)

    assert [each.level for each in check_keys(facts.keys, other.tokens, now=NOW)] == [Level.MUST_FIX]
    assert [each.level for each in check_keys(look(settings).keys, settings.tokens, now=NOW)] == [Level.FINE]


def test_without_safe_settings_keys_are_not_looked_at(settings: Settings) -> None:
    """There may be no secret to open them with."""
    assert look(change(settings, secret=()), is_safe=False).keys is None


def test_what_is_pending_is_named(operator: Operator) -> None:
    """Nothing is applied by looking; keys of an older table are left alone."""
    operator.execute("DELETE FROM migration WHERE number = 62", "DROP TABLE import_run")

    facts = look(operator.settings)

    assert facts.pending == ("0062_import_run",)
    assert facts.keys is None


def test_a_database_of_a_newer_program(operator: Operator) -> None:
    """It is said, with its fix."""
    operator.execute("INSERT INTO migration (number, name, checksum, applied_at) VALUES (9999, '9999_x', 'c', 'now')")

    facts = look(operator.settings)

    assert "9999_x" in facts.problems[0].what
    assert facts.keys is None


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    """Looking changes nothing."""
    facts = look(Settings(data_dir=tmp_path / "data"))

    assert facts.state == "missing"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "state"), [("postgresql://nobody@127.0.0.1:1/x", "unreachable"), ("mysql://localhost/x", "refused")]
)
def test_a_database_that_cannot_be_opened_is_a_result(url: str, state: str) -> None:
    """Not the end of the examination."""
    facts = look(Settings(database=Database(url=url, timeout=1)))

    assert facts.state == state
    assert check_database(facts, now=NOW)[0].level is Level.MUST_FIX


def test_a_database_that_goes_away_while_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is closed, and said to be away."""
    (tmp_path / "doorward.db").touch(mode=0o600)

    async def fail(self: SqliteDatabase, sql: str, /, **parameters: Any) -> None:
        raise StorageUnavailable("gone")

    monkeypatch.setattr(SqliteDatabase, "fetch_all", fail)
    monkeypatch.setattr(SqliteDatabase, "fetch_one", fail)
    facts = look(Settings(data_dir=tmp_path))

    assert (facts.state, facts.problems[0].what) == ("unreachable", "gone")


def test_the_ends_of_postgresql_are_dates() -> None:
    """One a major version, in order."""
    assert list(checks.POSTGRESQL_ENDS.values()) == sorted(checks.POSTGRESQL_ENDS.values())
