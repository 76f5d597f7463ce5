"""PostgreSQL: a pool of connections, one round trip for a single statement, one transaction for several.

Single statements commit by themselves: PostgreSQL shares the flush among concurrent commits on its own, so nothing is
gained by grouping them here. Runs at the default isolation, READ COMMITTED, because every race is settled by the
``WHERE`` of a guarded statement, which PostgreSQL evaluates again on the newest version of a row it had to wait for.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

import asyncpg

from doorward.db.pool import Pool, Session
from doorward.db.statements import Duplicate, GuardFailed, Row, Statement, statement
from doorward.errors import Finding, Misconfigured, StorageUnavailable

CHANNEL: Final = "doorward"
ATTEMPTS: Final = 4
"""How often a write is tried that PostgreSQL has rolled back for another's sake (deadlock, serialization)."""

POLL_INTERVAL: Final = 5.0
"""Seconds after which :meth:`PostgresDatabase.changes` yields although nobody has called."""

RECONNECT_INTERVAL: Final = 0.5
"""Seconds between two attempts to listen again."""

_IN_LINE = statement(
    # The lock puts announced writes in line, so that their ids commit in order; it and the message end with the commit.
    f"SELECT pg_advisory_xact_lock(7236837721), pg_notify('{CHANNEL}', '')"
)
_COLUMNS = """
    SELECT a.attname FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE n.nspname = :schema AND c.relname = :name ORDER BY a.attnum
"""
_ROLLED_BACK = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
)
_Errors = tuple[type[Exception], ...]
_CUT_OFF = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_STORAGE_CLASSES = frozenset(("08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX"))
"""Classes of SQLSTATE that blame the server, the connection or the moment, and not the statement."""


class PostgresDatabase:
    """A :class:`doorward.db.Database` on a PostgreSQL server, which any number of nodes may share."""

    dialect: Literal["postgresql"] = "postgresql"

    def __init__(self, url: str, *, pool_size: int, timeout: float) -> None:
        """``timeout`` is in seconds and bounds connecting, waiting for a connection, and each statement."""
        self._url = url
        self._pool_size = pool_size
        self._timeout = timeout
        self._pool: Pool | None = None
        self._constraints: dict[tuple[str, str], str] = {}
        self._followers: set[asyncio.Event] = set()

    async def open(self) -> None:
        """Connect once, to see that it works; raises ``StorageUnavailable``, or ``Misconfigured`` for a bad URL."""
        if self._pool is not None:
            return
        self._pool = Pool(self._connect, size=self._pool_size, timeout=self._timeout)
        try:
            await self.ping()
        except BaseException:
            self._pool = None
            raise

    async def close(self) -> None:
        """Wait for the statements under way, then disconnect."""
        pool, self._pool = self._pool, None
        for called in self._followers:
            called.set()
        if pool is not None:
            await pool.close()
            await asyncio.sleep(0)  # Lets the event loop close what was cut off, should it be about to end.

    async def fetch_all(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Read all rows; see :class:`doorward.db.Database`."""
        return (await self._retried((Statement(sql, parameters),), also=_CUT_OFF))[0]

    async def fetch_one(self, sql: str, /, **parameters: Any) -> Row | None:
        """Read one row; see :class:`doorward.db.Database`."""
        rows = await self.fetch_all(sql, **parameters)
        return rows[0] if rows else None

    async def write(self, *statements: Statement) -> list[list[Row]]:
        """Do all or nothing: one statement by itself, several in a transaction."""
        return await self._retried(statements)

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield when an announced write was committed anywhere, and now and then in case a message was lost."""
        called = asyncio.Event()
        self._followers.add(called)
        connection: Any = None
        try:
            while self._pool is not None:
                if connection is None or connection.is_closed():
                    connection = await self._listen(called)
                called.clear()
                yield
                with suppress(TimeoutError):
                    async with asyncio.timeout(RECONNECT_INTERVAL if connection is None else POLL_INTERVAL):
                        await called.wait()
        finally:
            self._followers.discard(called)
            if connection is not None:
                connection.terminate()
                await asyncio.sleep(0)  # Lets the event loop close the socket, should it be about to end.

    async def ping(self) -> None:
        """Ask for a constant."""
        await self.fetch_all("SELECT 1")

    async def _retried(
        self, statements: Sequence[Statement], *, also: tuple[type[Exception], ...] = ()
    ) -> list[list[Row]]:
        """Run statements, again if that is safe: PostgreSQL says it has rolled back, or a read was cut off."""
        attempt = 0
        while True:
            if self._pool is None:
                raise StorageUnavailable("the database is closed")
            attempt += 1
            try:
                async with self._pool.lend() as session:
                    return await self._run(session, statements)
            except (*_ROLLED_BACK, *also) as error:
                if attempt == ATTEMPTS:
                    raise storage_failure(error) from error
            except asyncpg.UniqueViolationError as error:
                raise Duplicate(await self._columns(error)) from None
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
                raise storage_failure(error) from error

    async def _run(self, session: Session, statements: Sequence[Statement]) -> list[list[Row]]:
        results: list[list[Row]] = []
        # A statement by itself has happened when it is judged, so one that may touch some rows and not all cannot be.
        single = len(statements) == 1 and not statements[0].announced and statements[0].guarded <= 1
        try:
            if not single:
                await session.connection.execute("BEGIN")
                if any(each.announced for each in statements):
                    await session.run(_IN_LINE, 0)
            for each in statements:
                results.append(await session.run(each, len(results)))
            if not single:
                await session.connection.execute("COMMIT")
        except (asyncpg.PostgresError, GuardFailed) as error:
            if not single:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
                    await session.connection.execute("ROLLBACK")
            if isinstance(error, asyncpg.InvalidCachedStatementError):
                session.forget()
            if isinstance(error, asyncpg.ForeignKeyViolationError):
                raise GuardFailed(len(results)) from None
            raise
        return results

    async def _columns(self, error: Any) -> str:
        """Name a constraint as SQLite does, ``table.column``; PostgreSQL's message is in the server's language."""
        key = (error.schema_name, error.constraint_name)
        if key not in self._constraints:
            rows = await self.fetch_all(_COLUMNS, schema=key[0], name=key[1])
            self._constraints[key] = ", ".join(f"{error.table_name}.{row[0]}" for row in rows)
        return self._constraints[key]

    async def _connect(self) -> Any:
        connecting = asyncio.ensure_future(self._dial())
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # asyncpg leaves the socket open when it is cancelled while connecting: let it finish, and hang up.
            with suppress(Exception):
                (await connecting).terminate()
            raise

    async def _dial(self) -> Any:
        milliseconds = str(int(self._timeout * 1000))
        try:
            return await asyncpg.connect(
                self._url,
                timeout=self._timeout,
                command_timeout=self._timeout,
                statement_cache_size=0,  # Session keeps its own.
                server_settings={
                    "application_name": "doorward",
                    "statement_timeout": milliseconds,
                    "idle_in_transaction_session_timeout": milliseconds,
                    "jit": "off",
                },
            )
        except ValueError as error:
            raise Misconfigured(
                Finding(
                    what="DOORWARD_DATABASE__URL cannot be read by the PostgreSQL driver.",
                    fix="Use postgresql://user@host/name, with special characters of the password percent-encoded.",
                )
            ) from error

    async def _listen(self, called: asyncio.Event) -> Any:
        """Return a connection that sets ``called``, or ``None`` if PostgreSQL is away."""
        connection = None
        try:
            connection = await self._connect()
            await connection.add_listener(CHANNEL, lambda *_: called.set())
            connection.add_termination_listener(lambda _: called.set())
        except BaseException as error:
            if connection is not None:
                connection.terminate()
            if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
                return None
            raise
        return connection


def storage_failure(error: Exception) -> Exception:
    """Turn a driver's exception into ``StorageUnavailable``, unless it blames the statement or its parameters."""
    code: str = getattr(error, "sqlstate", None) or ""
    if code and code[:2] not in _STORAGE_CLASSES:
        return error
    return StorageUnavailable(f"PostgreSQL: {type(error).__name__} {code}", retry_after=1)
