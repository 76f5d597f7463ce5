"""What only SQLite has: the shared commit, readers that wait for nobody, and the file's own troubles."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from doorward.db import GuardFailed, Row, Statement, guarded, sqlite, statement, writer
from doorward.db.sqlite import SqliteDatabase
from doorward.errors import StorageUnavailable
from tests.db.test_write import ROTATE, generation
from tests.support import engines

INSERT = "INSERT INTO person (login) VALUES (:login)"


@pytest.fixture
def path(databases: engines.Factories, tmp_path: Path) -> Iterator[Path]:
    """Lend a fresh file."""
    with databases.fresh("sqlite", tmp_path) as url:
        yield Path(url.removeprefix("sqlite:///"))


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Lend an open database."""
    opened = SqliteDatabase(path, timeout=10)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def lock(path: Path) -> Iterator[Callable[[], None]]:
    """Hold the write lock of the file, as another process would; calling the value releases it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield lambda: other.execute("COMMIT")


async def commits(database: SqliteDatabase, release: Callable[[], object], *writes: object) -> list[str]:
    """Return what the writer has executed for writes that were queued while another process held the lock."""
    seen: list[str] = []
    assert database._writer is not None
    database._writer._connection.set_trace_callback(seen.append)
    tasks = [asyncio.ensure_future(each) for each in writes]  # type: ignore[call-overload]
    await asyncio.sleep(0)
    release()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


async def begun(database: SqliteDatabase, first: Statement) -> "asyncio.Future[list[list[Row]]]":
    """Start a write and return it as soon as the writer's thread has taken it out of the queue."""
    taken = asyncio.Event()
    loop = asyncio.get_running_loop()
    assert database._writer is not None
    database._writer._connection.set_trace_callback(lambda _: loop.call_soon_threadsafe(taken.set))
    task = asyncio.ensure_future(database.write(first))
    await taken.wait()
    return task


async def test_many_writes_share_one_commit(database: SqliteDatabase, lock: Callable[[], None]) -> None:
    """Sixty-one writes wait for the lock; the first may have gone alone, the others are one transaction."""
    writes = [database.write(statement(INSERT, login=str(number))) for number in range(61)]

    executed = await commits(database, lock, *writes)

    assert sum(sql.startswith("INSERT") for sql in executed) == 61
    assert executed.count("COMMIT") <= 2
    assert not any(sql.startswith("SAVEPOINT") for sql in executed)


async def test_a_write_that_waits_alone_needs_no_savepoint(database: SqliteDatabase) -> None:
    """Several statements alone in their transaction are rolled back with it."""
    executed = await commits(
        database, list, database.write(guarded(ROTATE, id=1, generation=0), guarded(ROTATE, id=2, generation=9))
    )

    assert [sql.split()[0] for sql in executed] == ["BEGIN", "UPDATE", "UPDATE", "ROLLBACK"]


async def test_writes_that_were_cancelled_in_the_queue_are_not_done(
    database: SqliteDatabase, lock: Callable[[], None]
) -> None:
    """Nobody waits for them, so they are taken back."""
    first = await begun(database, statement(INSERT, login="first"))
    victims = [asyncio.ensure_future(database.write(statement(INSERT, login=str(n)))) for n in range(5)]
    await asyncio.sleep(0)
    for victim in (first, *victims):
        victim.cancel()
    await asyncio.gather(first, *victims, return_exceptions=True)
    lock()

    await database.write(statement(INSERT, login="last"))

    people = await database.fetch_all("SELECT login FROM person WHERE login <> 'first'")
    assert [row["login"] for row in people] == ["last"]


async def test_a_batch_is_bounded(
    database: SqliteDatabase, lock: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long queue is worked off in several commits, so that the first ones are answered early."""
    monkeypatch.setattr(writer, "MAX_BATCH", 10)
    writes = [database.write(statement(INSERT, login=str(number))) for number in range(40)]

    executed = await commits(database, lock, *writes)

    assert executed.count("COMMIT") >= 4


async def test_a_full_queue_refuses_at_once(
    database: SqliteDatabase, lock: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting longer than anybody has patience for is refused early, with a time to come back."""
    monkeypatch.setattr(writer, "MAX_QUEUED", 3)
    tasks = [asyncio.ensure_future(database.write(statement(INSERT, login=str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    lock()

    results = await asyncio.gather(*tasks, return_exceptions=True)

    refused = [each for each in results if isinstance(each, StorageUnavailable) and "too many" in each.why]
    assert len(refused) >= 16
    assert refused[0].retry_after == 1


async def test_reads_do_not_wait_for_a_write(database: SqliteDatabase, lock: Callable[[], None]) -> None:
    """Another process holds the write lock and ours waits for it; reading goes on."""
    waiting = asyncio.ensure_future(database.write(guarded(ROTATE, id=1, generation=0)))
    await asyncio.sleep(0)

    seen = await generation(database)

    assert (seen, waiting.done()) == (0, False)
    lock()
    await waiting
    assert await generation(database) == 1


async def test_a_lock_that_is_held_for_too_long_is_storage_unavailable(
    database: SqliteDatabase, lock: Callable[[], None]
) -> None:
    """The wait is bounded, nothing is written, and the next write works."""
    assert database._writer is not None
    database._writer._timeout = 0.02
    with pytest.raises(StorageUnavailable, match="storage_unavailable"):
        await database.write(guarded(ROTATE, id=1, generation=0))

    lock()
    await database.write(guarded(ROTATE, id=1, generation=0))


async def test_a_commit_that_fails_is_reported_to_everybody_in_it(
    database: SqliteDatabase, lock: Callable[[], None]
) -> None:
    """A foreign key that is checked only at the commit stands for an error of the disk: nobody is told 'done'."""
    broken = [
        statement("PRAGMA defer_foreign_keys = ON"),
        statement("INSERT INTO note (id, person_id) VALUES (1, 99)"),
    ]
    first = await begun(database, statement("DELETE FROM note"))
    writes = [asyncio.ensure_future(database.write(statement(INSERT, login=str(number)))) for number in range(5)]
    writes.append(asyncio.ensure_future(database.write(*broken)))
    await asyncio.sleep(0)
    lock()

    results = await asyncio.gather(*writes, return_exceptions=True)

    assert all(isinstance(result, StorageUnavailable) for result in results)
    assert await database.fetch_all("SELECT * FROM person") == []
    assert await first == [[]]
    await database.write(guarded(ROTATE, id=1, generation=0))


async def test_a_full_disk_is_storage_unavailable_and_loses_nothing(database: SqliteDatabase) -> None:
    """What was there stays, and when there is room again the same write works."""
    await database.write(statement(INSERT, login="before"))
    big = statement("INSERT INTO person (login, nick) VALUES ('big', :nick)", nick="x" * 500_000)
    await database.write(statement("PRAGMA max_page_count = 30"))

    with pytest.raises(StorageUnavailable) as caught:
        await database.write(guarded(ROTATE, id=1, generation=0), big)

    assert "full" in caught.value.why
    assert await generation(database) == 0
    await database.write(statement("PRAGMA max_page_count = 1000000"))
    await database.write(guarded(ROTATE, id=1, generation=0), big)
    assert len(await database.fetch_all("SELECT login FROM person")) == 2


async def test_a_read_only_file_is_storage_unavailable(database: SqliteDatabase) -> None:
    """SQLite's answer to a file it may not write (here forced on the connection, because root may write any file)."""
    await database.write(statement("PRAGMA query_only = ON"))

    with pytest.raises(StorageUnavailable) as caught:
        await database.write(statement(INSERT, login="x"))

    assert "readonly" in caught.value.why
    assert await generation(database) == 0


async def test_a_write_during_the_closing_is_refused(database: SqliteDatabase, lock: Callable[[], None]) -> None:
    """What was accepted before is finished; what comes now is not begun."""
    accepted = await begun(database, guarded(ROTATE, id=1, generation=0))
    ending = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)

    with pytest.raises(StorageUnavailable):
        await database.write(guarded(ROTATE, id=2, generation=0))

    lock()
    await ending
    assert (await accepted)[0][0]["generation"] == 1


async def test_a_long_read_moves_to_a_thread(database: SqliteDatabase) -> None:
    """What exceeds the budget of the event loop is done again elsewhere, with the same result."""
    long = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :end) SELECT count(*) FROM n"
    for _ in range(2):
        row = await database.fetch_one(long, end=100_000)

        assert row is not None
        assert row[0] == 100_000
    assert len(database._spare) == 1


async def test_a_read_that_never_ends_is_cut_off(database: SqliteDatabase) -> None:
    """After the timeout it is an outage, and the connection serves the next one."""
    database._timeout = 0.05
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    with pytest.raises(StorageUnavailable) as caught:
        await database.fetch_all(endless)

    assert "interrupted" in caught.value.why
    assert await generation(database) == 0


async def test_a_reader_cannot_write(database: SqliteDatabase) -> None:
    """Writing goes one way only; a slip is refused by the connection itself."""
    with pytest.raises(StorageUnavailable):
        await database.fetch_all("UPDATE family SET generation = 5")

    assert await generation(database) == 0


async def test_another_event_loop_is_refused(database: SqliteDatabase) -> None:
    """The answer would be delivered to a loop that nobody runs here, so nothing is begun."""
    outcome: list[BaseException] = []

    def elsewhere() -> None:
        try:
            asyncio.run(database.write(guarded(ROTATE, id=1, generation=0)))
        except StorageUnavailable as error:
            outcome.append(error)

    await asyncio.to_thread(elsewhere)

    assert len(outcome) == 1
    assert await generation(database) == 0


def test_the_writer_survives_the_end_of_the_event_loop(path: Path, lock: Callable[[], None]) -> None:
    """The loop is gone before the answer: the write is done, the thread has nobody to tell, and nothing breaks."""
    database = SqliteDatabase(path, timeout=5)

    async def leave() -> threading.Thread:
        await database.open()
        assert database._writer is not None
        database._writer.submit([guarded(ROTATE, id=1, generation=0)])
        return database._writer._thread

    thread = asyncio.run(leave())
    lock()
    thread.join(5)

    assert not thread.is_alive()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT generation FROM family WHERE id = 1").fetchone() == (1,)


async def test_opening_waits_for_others_that_make_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses the change to WAL without waiting while another process makes it; we wait."""
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN EXCLUSIVE")
    database = SqliteDatabase(tmp_path / "new.db", timeout=0.01)

    with pytest.raises(StorageUnavailable) as caught:
        await database.open()

    assert "locked" in caught.value.why
    patient = SqliteDatabase(tmp_path / "new.db", timeout=0.02)
    monkeypatch.setattr(sqlite, "time", _Clock())
    opening = asyncio.ensure_future(patient.open())
    await asyncio.sleep(0)
    other.execute("COMMIT")
    other.close()
    await opening
    await patient.close()


class _Clock:
    """A clock that stands still."""

    @staticmethod
    def monotonic() -> float:
        return 0.0

    @staticmethod
    def perf_counter() -> float:
        return 0.0


async def test_a_lost_race_in_a_group_is_told_to_the_loser_only(
    database: SqliteDatabase, lock: Callable[[], None]
) -> None:
    """Two rotations of one row in one group: one successor, one failed guard."""
    tasks = [asyncio.ensure_future(database.write(guarded(ROTATE, id=1, generation=0))) for _ in range(2)]
    await asyncio.sleep(0)
    lock()

    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert sorted(isinstance(result, GuardFailed) for result in results) == [False, True]
