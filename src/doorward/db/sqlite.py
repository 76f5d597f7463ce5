"""SQLite: one file, WAL, ``synchronous=FULL``, one writer with group commit, readers that wait for nobody.

In WAL mode a reader never blocks and is never blocked by the writer, and an indexed read takes some 10 µs, a sixth of
what it costs to ask a thread. So reads run on the event loop itself, on a connection of their own, with a budget: what
takes longer than 2 ms is given up there and done again by a thread. The measurements are in
``docs/explanation/database.md``.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from doorward.db.statements import Row, Statement
from doorward.db.writer import Writer, is_busy, storage_failure
from doorward.errors import StorageUnavailable

INLINE_BUDGET: Final = 0.002
"""Seconds that a read may hold up the event loop before it is moved to a thread."""

READER_THREADS: Final = 2
POLL_INTERVAL: Final = 0.05
QUIET_INTERVAL: Final = 5.0
"""Seconds after which a follower is told to look though nothing has changed, so that it shows that it does."""
"""Seconds between two looks at ``PRAGMA data_version``: a fifth of the 0.25 s in which a revocation must be known."""

_INSTRUCTIONS_BETWEEN_CHECKS: Final = 1000
_WAL_KEPT: Final = 64 * 1024 * 1024


class SqliteDatabase:
    """A :class:`doorward.db.Database` in one file, which several processes of one machine may share."""

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, path: str | Path, *, timeout: float) -> None:
        """``timeout`` is in seconds and bounds the wait for other processes and the longest read."""
        self._path = Path(path)
        self._timeout = timeout
        self._writer: Writer | None = None
        self._reader: _Reader | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._spare: list[_Reader] = []

    async def open(self) -> None:
        """Create the file (mode 0600) and its folder (0700) if need be, and connect."""
        if self._writer is not None:
            return
        try:
            self._create()
            connection = await self._writing_connection()
            self._reader = _Reader(self._path, budget=INLINE_BUDGET, timeout=self._timeout)
        except (OSError, sqlite3.Error) as error:
            raise StorageUnavailable(f"SQLite: {error}", retry_after=1) from error
        self._writer = Writer(connection, timeout=self._timeout)
        self._threads = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="doorward-reader")

    async def close(self) -> None:
        """Finish the queued writes, then disconnect."""
        writer, reader, threads = self._writer, self._reader, self._threads
        if writer is None or reader is None or threads is None:
            return
        await writer.stop()
        self._writer = self._reader = self._threads = None
        await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)
        for each in (reader, *self._spare):
            each.close()
        self._spare.clear()

    async def fetch_all(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Read all rows; see :class:`doorward.db.Database`."""
        return await self._fetch(sql, parameters, limit=None)

    async def fetch_one(self, sql: str, /, **parameters: Any) -> Row | None:
        """Read one row; see :class:`doorward.db.Database`."""
        rows = await self._fetch(sql, parameters, limit=1)
        return rows[0] if rows else None

    async def write(self, *statements: Statement) -> list[list[Row]]:
        """Do all or nothing, sharing the commit with whoever writes at the same time."""
        if self._writer is None:
            raise StorageUnavailable("the database is closed")
        return await self._writer.submit(statements)

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield when any other connection, here or elsewhere, has committed since the last look, and now and then."""
        seen, told_at = None, 0.0
        while self._reader is not None:
            with suppress(StorageUnavailable):
                before, seen = seen, (await self._fetch("PRAGMA data_version", {}, limit=1))[0][0]
                if seen != before or time.monotonic() - told_at >= QUIET_INTERVAL:
                    told_at = time.monotonic()
                    yield
            await asyncio.sleep(POLL_INTERVAL)

    async def ping(self) -> None:
        """Read the file's schema."""
        await self._fetch("SELECT count(*) FROM sqlite_master", {}, limit=1)

    async def _fetch(self, sql: str, parameters: Mapping[str, Any], *, limit: int | None) -> list[Row]:
        reader, threads = self._reader, self._threads
        if reader is None or threads is None:
            raise StorageUnavailable("the database is closed")
        try:
            return reader.read(sql, parameters, limit)
        except sqlite3.Error as error:
            if not _interrupted(error):
                raise storage_failure(error) from error
        try:
            return await asyncio.get_running_loop().run_in_executor(
                threads, self._read_in_thread, sql, parameters, limit
            )
        except sqlite3.Error as error:
            raise storage_failure(error) from error

    def _read_in_thread(self, sql: str, parameters: Mapping[str, Any], limit: int | None) -> list[Row]:
        try:
            reader = self._spare.pop()
        except IndexError:
            reader = _Reader(self._path, budget=self._timeout, timeout=self._timeout)
        try:
            return reader.read(sql, parameters, limit)
        finally:
            self._spare.append(reader)

    def _create(self) -> None:
        """SQLite gives the files beside it the mode of the database file itself."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))

    async def _writing_connection(self) -> sqlite3.Connection:
        connection = _connect(self._path, timeout=self._timeout)
        try:
            await self._turn_on_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT}")
            connection.execute("PRAGMA busy_timeout = 0")  # The writer waits by itself.
        except BaseException:
            connection.close()
            raise
        return connection

    async def _turn_on_wal(self, connection: sqlite3.Connection) -> None:
        """When several processes make a new file at once, SQLite refuses this one without waiting."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.005)


class _Reader:
    """A reading connection whose statements may take ``budget`` seconds each."""

    def __init__(self, path: Path, *, budget: float, timeout: float) -> None:
        self._budget = budget
        self._deadline = 0.0
        self._connection = _connect(path, timeout=timeout)
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.set_progress_handler(self._is_over, _INSTRUCTIONS_BETWEEN_CHECKS)

    def read(self, sql: str, parameters: Mapping[str, Any], limit: int | None) -> list[Row]:
        self._deadline = time.perf_counter() + self._budget
        cursor = self._connection.execute(sql, parameters)
        rows: list[Row] = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        cursor.close()  # Ends the read transaction, so that the WAL can be checkpointed.
        return rows

    def close(self) -> None:
        self._connection.close()

    def _is_over(self) -> bool:
        return time.perf_counter() > self._deadline


def _connect(path: Path, *, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=timeout, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _interrupted(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
