"""URLs, and what stands between them and an open database."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from doorward.db import open_database, statement
from doorward.db.sqlite import SqliteDatabase
from doorward.errors import Misconfigured, StorageUnavailable


def modes(folder: Path) -> dict[str, int]:
    """Return the permission bits of every file in a folder."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.parametrize(
    "url",
    ["", "mysql://x/y", "sqlite://", "sqlite:///", "sqlite://host/file.db", "sqlite:///:memory:", "sqlite:file.db"],
)
def test_an_unknown_url_stops_the_start(url: str) -> None:
    """The finding says what to write instead, and does not repeat the URL, which may hold a password."""
    with pytest.raises(Misconfigured) as caught:
        open_database(url, pool_size=1, timeout=1)

    assert "sqlite:///" in caught.value.findings[0].fix


async def test_an_unreadable_postgresql_url_stops_the_start() -> None:
    """The driver cannot make sense of it; neither part of it is repeated."""
    database = open_database("postgresql://user:geheim@host:port/name", pool_size=1, timeout=1)

    with pytest.raises(Misconfigured) as caught:
        await database.open()

    assert "geheim" not in str(caught.value)


async def test_sqlite_files_and_their_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    """The database holds hashes and addresses: 0600, in a folder that is made with 0700."""
    before = os.umask(0)
    try:
        database = open_database(f"sqlite:///{tmp_path}/new/folder/file.db", pool_size=1, timeout=1)
        await database.open()
        await database.write(statement("CREATE TABLE t (x BIGINT)"))
    finally:
        os.umask(before)

    folder = tmp_path / "new" / "folder"
    found = modes(folder)
    await database.close()
    assert found == {"file.db": 0o600, "file.db-wal": 0o600, "file.db-shm": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in SQLAlchemy, whose URLs people know."""
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///relative.db", f"sqlite:///{tmp_path}/absolute.db"):
        database = open_database(url, pool_size=1, timeout=1)
        await database.open()
        await database.close()

    assert sorted(modes(tmp_path)) == ["absolute.db", "relative.db"]


async def test_sqlite_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    """WAL, synchronous=FULL (2) and foreign keys, on the connection that writes."""
    database = SqliteDatabase(tmp_path / "file.db", timeout=1)
    await database.open()

    results = await database.write(
        *[statement(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")]
    )

    await database.close()
    assert [rows[0][0] for rows in results] == ["wal", 2, 1]


async def test_a_file_that_is_no_database_is_storage_unavailable(tmp_path: Path) -> None:
    """A damaged file is an outage, not a mistake of the caller."""
    path = tmp_path / "file.db"
    path.write_bytes(b"this is certainly not a database\n" * 100)

    with pytest.raises(StorageUnavailable):
        await open_database(f"sqlite:///{path}", pool_size=1, timeout=1).open()


async def test_a_folder_in_place_of_the_file_is_storage_unavailable(tmp_path: Path) -> None:
    """The operating system refuses, and we say so in our own words."""
    with pytest.raises(StorageUnavailable):
        await open_database(f"sqlite:///{tmp_path}", pool_size=1, timeout=1).open()


async def test_no_server_is_storage_unavailable() -> None:
    """Nobody listens at that port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        database = open_database(f"postgresql://nobody@127.0.0.1:{port}/x", pool_size=1, timeout=1)

        with pytest.raises(StorageUnavailable) as caught:
            await database.open()

    assert caught.value.retry_after == 1
    await database.close()


async def test_a_closed_database_answers_nobody(database_url: str) -> None:
    """Reads, writes and pings after the end are refused; closing again does nothing."""
    database = open_database(database_url, pool_size=2, timeout=5)
    await database.open()
    await database.close()

    for act in (database.fetch_all("SELECT 1"), database.write(statement("SELECT 1")), database.ping()):
        with pytest.raises(StorageUnavailable):
            await act
    await database.close()


async def test_closing_finishes_what_was_queued(database_url: str) -> None:
    """Whoever was accepted before the end is served, and told."""
    database = open_database(database_url, pool_size=2, timeout=5)
    await database.open()
    insert = "INSERT INTO person (login) VALUES (:login)"
    writes = [asyncio.ensure_future(database.write(statement(insert, login=str(n)))) for n in range(30)]
    await asyncio.sleep(0)

    await asyncio.gather(database.close(), database.close())

    assert len(await asyncio.gather(*writes)) == 30
    again = open_database(database_url, pool_size=2, timeout=5)
    await again.open()
    row = await again.fetch_one("SELECT count(*) FROM person")
    await again.close()
    assert row is not None
    assert row[0] == 30


async def test_a_database_can_be_opened_again(database_url: str) -> None:
    """A host may start and stop its application several times in one process."""
    database = open_database(database_url, pool_size=2, timeout=5)
    for expected in (1, 2):
        await database.open()
        await database.write(statement("UPDATE family SET generation = generation + 1 WHERE id = 1"))
        row = await database.fetch_one("SELECT generation FROM family WHERE id = 1")
        await database.close()

        assert row is not None
        assert row[0] == expected
