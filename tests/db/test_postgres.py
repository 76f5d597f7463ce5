"""What only PostgreSQL has: a pool, a network, deadlocks, and statements that go stale."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from doorward.db import Database, guarded, open_database, pool, statement
from doorward.db.postgres import ATTEMPTS, PostgresDatabase
from doorward.errors import StorageUnavailable
from tests.db.test_write import ROTATE, generation
from tests.support import engines

OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'doorward'"


@pytest.fixture
def url(databases: engines.Factories, tmp_path: Path) -> Iterator[str]:
    """Lend a fresh database."""
    with databases.fresh("postgresql", tmp_path) as fresh:
        yield fresh


@pytest.fixture
async def database(url: str) -> AsyncIterator[PostgresDatabase]:
    """Lend it open, with two connections."""
    opened = PostgresDatabase(url, pool_size=2, timeout=5)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def admin(url: str) -> AsyncIterator[Any]:
    """Lend a connection that watches and kills."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
async def holder(url: str) -> AsyncIterator[Any]:
    """Lend a connection in a transaction of its own, to stand in our way."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    yield connection
    await connection.close()


async def busy(admin: Any) -> None:
    """Wait until a connection of ours waits for a lock."""
    while not await admin.fetchval(f"SELECT count(*) {OURS} AND wait_event_type = 'Lock'"):
        pass


async def kill(admin: Any) -> None:
    """Cut off every connection of ours, and wait until the server has forgotten them; new ones may have come."""
    killed = [row[0] for row in await admin.fetch(f"SELECT pid, pg_terminate_backend(pid) {OURS}")]
    while await admin.fetchval(f"SELECT count(*) {OURS} AND pid = ANY($1::int[])", killed):
        pass


async def test_a_write_that_was_cut_off_is_storage_unavailable(
    database: PostgresDatabase, admin: Any, holder: Any
) -> None:
    """Whether it was committed nobody knows; it is not tried again, and the next one works."""
    await holder.execute("UPDATE family SET label = 'held' WHERE id = 1")
    for writes in ([guarded(ROTATE, id=1, generation=0)], [guarded(ROTATE, id=n, generation=0) for n in (2, 1)]):
        task = asyncio.ensure_future(database.write(*writes))
        await busy(admin)
        await kill(admin)

        with pytest.raises(StorageUnavailable):
            await task
    await holder.execute("ROLLBACK")

    await database.write(guarded(ROTATE, id=1, generation=0))
    assert (await generation(database, 1), await generation(database, 2)) == (1, 0)


async def test_idle_connections_that_were_cut_off_are_replaced(database: PostgresDatabase, admin: Any) -> None:
    """The server was restarted at night; the first request of the morning does not notice."""
    await asyncio.gather(database.ping(), database.ping())
    assert database._pool is not None
    idle = [session.connection for session in database._pool._free]
    await kill(admin)
    while not all(connection.is_closed() for connection in idle):
        await admin.execute("SELECT 1")

    await database.write(guarded(ROTATE, id=1, generation=0))

    assert await generation(database) == 1


async def test_a_read_that_was_cut_off_is_repeated(database: PostgresDatabase, admin: Any, holder: Any) -> None:
    """Reading twice harms nobody."""
    await holder.execute("LOCK TABLE family IN ACCESS EXCLUSIVE MODE")
    reading = asyncio.ensure_future(database.fetch_one("SELECT id FROM family WHERE id = 1"))
    await busy(admin)
    await kill(admin)
    await holder.execute("ROLLBACK")

    row = await reading

    assert row is not None
    assert row["id"] == 1


async def test_connections_that_were_idle_for_long_are_replaced(
    database: PostgresDatabase, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall may have forgotten them; a new one costs less than a timeout."""
    before = await database.fetch_one("SELECT pg_backend_pid()")
    monkeypatch.setattr(pool, "IDLE_LIFETIME", -1.0)

    after = await database.fetch_one("SELECT pg_backend_pid()")

    assert before is not None
    assert after is not None
    assert before[0] != after[0]


async def test_a_statement_that_takes_too_long_is_storage_unavailable(url: str) -> None:
    """The timeout bounds it, and the connection is not used again."""
    database = open_database(url, pool_size=1, timeout=0.2)  # type: ignore[arg-type]
    await database.open()

    with pytest.raises(StorageUnavailable):
        await database.fetch_all("SELECT pg_sleep(60)")

    assert await generation(database) == 0
    await database.close()


async def test_no_free_connection_is_storage_unavailable(url: str, admin: Any, holder: Any) -> None:
    """All connections are waiting for a lock; the next caller waits no longer than the timeout."""
    patient = PostgresDatabase(url, pool_size=1, timeout=5)
    await patient.open()
    assert patient._pool is not None
    patient._pool._timeout = 0.05
    await holder.execute("UPDATE family SET label = 'held' WHERE id = 1")
    held = asyncio.ensure_future(patient.write(guarded(ROTATE, id=1, generation=0)))
    await busy(admin)

    with pytest.raises(StorageUnavailable) as caught:
        await patient.ping()

    await holder.execute("ROLLBACK")
    await held
    await patient.close()
    assert "free" in caught.value.why


async def test_waiting_for_a_connection_is_in_order(database: PostgresDatabase) -> None:
    """Forty callers share two connections."""
    results = await asyncio.gather(*[generation(database) for _ in range(40)])

    assert results == [0] * 40


async def test_a_failed_connection_attempt_gives_its_place_back(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is away for a moment: every try fails by itself, and afterwards the pool is whole."""
    assert database._pool is not None
    good = database._pool._connect

    async def refused() -> Any:
        raise OSError("refused")

    monkeypatch.setattr(pool, "IDLE_LIFETIME", -1.0)
    monkeypatch.setattr(database._pool, "_connect", refused)
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            await database.ping()

    monkeypatch.setattr(database._pool, "_connect", good)
    await asyncio.gather(*[database.ping() for _ in range(4)])


async def test_a_caller_who_is_cancelled_while_it_connects_leaves_nothing(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is made nevertheless, because the driver cannot stop half-way, and hung up at once."""
    reached, proceed, cut_off = asyncio.Event(), asyncio.Event(), []

    class Connection:
        def terminate(self) -> None:
            cut_off.append(True)

    async def connect(*_: object, **__: object) -> Connection:
        reached.set()
        await proceed.wait()
        return Connection()

    monkeypatch.setattr(pool, "IDLE_LIFETIME", -1.0)
    monkeypatch.setattr(asyncpg, "connect", connect)
    task = asyncio.ensure_future(database.ping())
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    proceed.set()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert cut_off == [True]


async def test_a_deadlock_is_tried_again(database: PostgresDatabase, url: str, admin: Any, holder: Any) -> None:
    """PostgreSQL rolls one of the two back and says so; the write is repeated and nobody hears of it."""
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '600ms'")
    await holder.execute("SET deadlock_timeout = '60s'")  # So the victim is always the other one.
    victim = PostgresDatabase(url, pool_size=1, timeout=5)
    await victim.open()
    await holder.execute("UPDATE family SET label = 'held' WHERE id = 2")
    task = asyncio.ensure_future(victim.write(*[guarded(ROTATE, id=n, generation=0) for n in (1, 2)]))
    await busy(admin)

    await holder.execute("UPDATE family SET label = 'held' WHERE id = 1")

    await holder.execute("COMMIT")
    await task
    await victim.close()
    assert (await generation(database, 1), await generation(database, 2)) == (1, 1)


async def test_trying_again_has_an_end(database: PostgresDatabase) -> None:
    """A write that PostgreSQL always rolls back is given up after a few attempts."""
    await database.write(
        statement("CREATE SEQUENCE tries"),
        statement("""
            CREATE FUNCTION fail() RETURNS BIGINT LANGUAGE plpgsql AS $$
            BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'no' USING ERRCODE = 'serialization_failure'; END $$
        """),
    )

    with pytest.raises(StorageUnavailable) as caught:
        await database.write(guarded(ROTATE, id=1, generation=0), statement("SELECT fail()"))

    row = await database.fetch_one("SELECT last_value FROM tries")
    assert row is not None
    assert row[0] == ATTEMPTS
    assert "40001" in caught.value.why
    assert await generation(database) == 0


@pytest.mark.parametrize("several", [False, True])
async def test_a_migration_under_way_does_not_disturb_prepared_statements(
    database: PostgresDatabase, admin: Any, several: bool
) -> None:
    """Another node has migrated: what we have prepared returns other columns now, and is prepared anew."""
    reading = statement("SELECT * FROM family WHERE id = 1")
    reads = [reading, reading] if several else [reading]
    before = await database.write(*reads)
    await admin.execute("ALTER TABLE family ADD COLUMN more BIGINT")

    after = await database.write(*reads)

    assert (len(before[0][0]), len(after[0][0])) == (3, 4)  # type: ignore[arg-type]


async def test_prepared_statements_are_bounded(database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that builds its SQL by hand does not fill the memory of the server."""
    monkeypatch.setattr(pool, "MAX_PREPARED", 3)
    for number in range(10):
        await database.fetch_all(f"SELECT {number}")

    assert database._pool is not None
    assert len(database._pool._free[0]._prepared) <= 3


async def test_a_cancelled_write_leaves_no_open_transaction(
    database: PostgresDatabase, admin: Any, holder: Any
) -> None:
    """Its connection is cut off in the middle; the rows are free again at once."""
    await holder.execute("UPDATE family SET label = 'held' WHERE id = 2")
    task = asyncio.ensure_future(database.write(*[guarded(ROTATE, id=n, generation=0) for n in (1, 2)]))
    await busy(admin)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await holder.execute("ROLLBACK")

    await asyncio.gather(*[database.write(guarded(ROTATE, id=n, generation=0)) for n in (1, 2)])

    assert (await generation(database, 1), await generation(database, 2)) == (1, 1)


async def test_a_value_of_the_wrong_type_is_the_programs_mistake(database: Database) -> None:
    """The driver refuses a number where the column holds text; that is no outage."""
    with pytest.raises(asyncpg.DataError, match="str"):
        await database.fetch_all("SELECT id FROM family WHERE label = :label", label=5)

    assert await generation(database) == 0
