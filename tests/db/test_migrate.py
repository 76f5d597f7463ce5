"""Migrations: in order, once, unchanged, and never half. On both engines."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from doorward.db import Database, open_database
from doorward.db.migrate import Migration, discover, migration, status, up
from doorward.errors import Misconfigured
from tests.db.schema import MIGRATIONS
from tests.support import engines

MORE = (
    *MIGRATIONS,
    migration("0007_more", "CREATE TABLE more (id $identity, note TEXT); -- ;\nINSERT INTO more (note) VALUES (';');"),
    migration("0008_last", "ALTER TABLE more ADD COLUMN last BIGINT"),
)  # fmt: skip


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Factories]:
    """Keep templates without any table."""
    factories = engines.Factories(tmp_path_factory.mktemp("template"), "empty", tuple)
    yield factories
    factories.close()


@pytest.fixture
def fresh_url(engine: str, empty: engines.Factories, tmp_path: Path) -> Iterator[str]:
    """Lend the URL of an empty database."""
    with empty.fresh(engine, tmp_path) as url:
        yield url


@pytest.fixture
async def fresh(fresh_url: str) -> AsyncIterator[Database]:
    """Lend it open."""
    database = open_database(fresh_url, pool_size=2, timeout=10)
    await database.open()
    yield database
    await database.close()


async def test_an_empty_database_needs_everything(fresh: Database) -> None:
    """Asking changes nothing, not even by making the table of migrations."""
    found = await status(fresh, MORE)

    assert (found.applied, found.pending) == ((), MORE)
    assert (await status(fresh, MORE)).pending == MORE


async def test_a_dry_run_tells_and_does_nothing(fresh: Database) -> None:
    """What would be applied is what will be."""
    told = await up(fresh, MORE, dry_run=True)

    assert told == MORE
    assert (await status(fresh, MORE)).applied == ()


async def test_what_is_pending_is_applied_once_and_in_order(fresh: Database) -> None:
    """The second run has nothing to do; the database remembers name, checksum and time."""
    first, second = await up(fresh, MORE), await up(fresh, MORE)

    applied = (await status(fresh, MORE)).applied
    row = await fresh.fetch_one("SELECT id, note, last FROM more")
    assert (first, second) == (MORE, ())
    assert [(each.number, each.name, each.checksum) for each in applied] == [
        (each.number, each.name, each.checksum) for each in MORE
    ]
    assert all(each.applied_at.startswith("20") for each in applied)
    assert row is not None
    assert (row["id"], row["note"], row["last"]) == (1, ";", None)


async def test_only_what_is_new_is_applied(database: Database) -> None:
    """The tables of the first migration are there already."""
    assert [each.name for each in await up(database, MORE)] == ["0007_more", "0008_last"]


async def test_a_failing_migration_leaves_nothing_behind(fresh: Database) -> None:
    """Its first statement is rolled back with it; the ones before it stay."""
    broken = (*MIGRATIONS, migration("0002_broken", "CREATE TABLE half (id BIGINT); CREATE NONSENSE"))

    with pytest.raises(Exception, match="NONSENSE"):
        await up(fresh, broken)

    assert [each.name for each in (await status(fresh, broken)).applied] == ["0001_tables"]
    with pytest.raises(Exception, match="half"):
        await fresh.fetch_all("SELECT * FROM half")


async def test_a_guard_inside_a_migration_is_not_taken_for_a_lost_race(fresh: Database) -> None:
    """A broken foreign key in a migration is an error, although it is reported in the same way."""
    broken = migration("0002_broken", "INSERT INTO note (id, person_id) VALUES (1, 99)")

    with pytest.raises(Exception, match="matched nothing"):
        await up(fresh, (*MIGRATIONS, broken))

    assert [each.name for each in (await status(fresh, (*MIGRATIONS, broken))).applied] == ["0001_tables"]


async def test_a_changed_migration_stops_the_start(database: Database) -> None:
    """Nobody knows what the database looks like then; the finding says how to mend it."""
    changed = (migration("0001_tables", MIGRATIONS[0].sql + "-- better"),)

    for act in (status(database, changed), up(database, changed), up(database, changed, dry_run=True)):
        with pytest.raises(Misconfigured) as caught:
            await act

        assert "0001_tables was changed" in caught.value.findings[0].what
        assert "new migration" in caught.value.findings[0].fix


async def test_a_newer_database_stops_the_start(database: Database) -> None:
    """An older program would write what the newer one does not expect."""
    await up(database, MORE)

    with pytest.raises(Misconfigured) as caught:
        await up(database, MIGRATIONS)

    assert [finding.what.split()[4] for finding in caught.value.findings] == ["0007_more,", "0008_last,"]


async def test_of_two_that_start_together_one_applies(fresh: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second has read the status before the first had finished, and finds the row when it writes its own."""
    before = await status(fresh, MORE)
    first = await up(fresh, MORE)

    async def stale(*_: object) -> object:
        return before

    monkeypatch.setattr("doorward.db.migrate.status", stale)
    second = await up(fresh, MORE)

    row = await fresh.fetch_one("SELECT count(*) FROM more")
    assert (first, second) == (MORE, ())
    assert row is not None
    assert row[0] == 1


def test_line_ends_do_not_change_a_checksum() -> None:
    """Version control on another system may have rewritten them."""
    assert migration("0001_a", "SELECT 1;\r\nSELECT 2;\r\n") == migration("0001_a", "SELECT 1;\nSELECT 2;\n")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder in which packages can be found."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def package(folder: Path, name: str, **files: str) -> str:
    """Write a package with migrations; ``__`` in a file name stands for the dot."""
    migrations = folder / name / "migrations"
    migrations.mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    for file, text in files.items():
        (migrations / file.replace("__", ".")).write_text(text, encoding="utf-8")
    sys.modules.pop(name, None)
    return name


def test_migrations_of_all_packages_are_put_in_the_order_of_their_numbers(packages: Path) -> None:
    """A feature's later migration runs after another feature's earlier one."""
    first = package(packages, "slice_one", m0001_a__sql="x")  # no number in front: see below
    (packages / first / "migrations" / "m0001_a.sql").rename(packages / first / "migrations" / "0001_a.sql")
    (packages / first / "migrations" / "0003_c.sql").write_text("SELECT 3")
    (packages / first / "migrations" / "README").write_text("not a migration")
    second = package(packages, "slice_two")
    (packages / second / "migrations" / "0002_b.sql").write_text("SELECT 2")
    (packages / "slice_three").mkdir()
    (packages / "slice_three" / "__init__.py").touch()

    found = discover((first, second, "slice_three"))

    assert [(each.number, each.name) for each in found] == [(1, "0001_a"), (2, "0002_b"), (3, "0003_c")]
    assert all(isinstance(each, Migration) and len(each.checksum) == 64 for each in found)


def test_bad_names_and_shared_numbers_are_all_found_at_once(packages: Path) -> None:
    """Two features with one number, and a file without: two findings, one start."""
    first = package(packages, "slice_four")
    second = package(packages, "slice_five")
    (packages / first / "migrations" / "0001_a.sql").write_text("SELECT 1")
    (packages / second / "migrations" / "0001_b.sql").write_text("SELECT 2")
    (packages / second / "migrations" / "2_b.sql").write_text("SELECT 2")

    with pytest.raises(Misconfigured) as caught:
        discover((first, second))

    assert [finding.what for finding in caught.value.findings] == [
        "The migrations 0001_a and 0001_b have the same number.",
        "The migration 2_b.sql of slice_five has no number.",
    ]
