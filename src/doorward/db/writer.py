"""The one writer of an SQLite file in this process: a thread that lets concurrent writes share a commit.

SQLite has one writer at a time whatever we do, and making a commit durable costs far more than the statements in it.
So writes queue up; the thread takes all that are waiting, runs them in one transaction and commits once (*group
commit*). Each write keeps its own fate: it is a single statement, which SQLite makes atomic by itself, or it runs
inside a savepoint. Nothing is reported before the commit has succeeded, and when it fails, nothing is reported as done.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

from doorward.db.statements import Duplicate, GuardFailed, Row, Statement
from doorward.errors import StorageUnavailable

MAX_QUEUED: Final = 4096
"""Writes that may wait; at several thousand a second this is less than a second's work."""

MAX_BATCH: Final = 256
"""Writes that may share a commit, so that the first of them does not wait for ever."""

_Rows = list[list[Row]]
_Job = tuple[Sequence[Statement], "asyncio.Future[_Rows]"]

_UNIQUE = frozenset(
    (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID)
)
_MISTAKES = frozenset(
    (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE,
     sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG)
)  # fmt: skip
"""Primary result codes that blame the statement; every other one blames the storage."""


class Writer:
    """Takes writes from the event loop, gives back their results there."""

    def __init__(self, connection: sqlite3.Connection, *, timeout: float) -> None:
        """Begin to work; the connection is the writer's from now on.

        ``timeout`` bounds, in seconds, the wait for other processes. Must be called in the event loop of those who
        will write.
        """
        self._connection = connection
        self._timeout = timeout
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="doorward-writer", daemon=True)
        self._thread.start()

    def submit(self, statements: Sequence[Statement]) -> "asyncio.Future[_Rows]":
        """Queue a write. Cancelling the future takes the write back if it has not begun."""
        if self._closing:
            raise StorageUnavailable("the database is closed")
        if asyncio.get_running_loop() is not self._loop:
            raise StorageUnavailable("the database was opened in another event loop, or before a fork")
        if self._queue.qsize() >= MAX_QUEUED:
            raise StorageUnavailable("too many writes are waiting", retry_after=1)
        future: asyncio.Future[_Rows] = self._loop.create_future()
        self._queue.put((statements, future))
        return future

    async def stop(self) -> None:
        """Finish what is queued, then close the connection."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.shield(self._stopped)
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._next_batch()
            if batch:
                more = self._deliver(_resolve, batch, self._commit(batch)) and more
        self._connection.close()
        self._deliver(self._stopped.set_result, None)

    def _next_batch(self) -> tuple[list[_Job], bool]:
        batch: list[_Job] = []
        job = self._queue.get()
        try:
            while job is not None:
                if not job[1].cancelled():
                    batch.append(job)
                if len(batch) == MAX_BATCH:
                    return batch, True
                job = self._queue.get_nowait()
        except Empty:
            return batch, True
        return batch, False

    def _deliver(self, callback: Callable[..., None], *arguments: object) -> bool:
        """Call back in the event loop; ``False`` if that is gone, and with it everybody who waited."""
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            return False
        return True

    def _commit(self, batch: list[_Job]) -> "list[_Rows | Exception]":
        connection = self._connection
        try:
            self._begin()
            alone = len(batch) == 1
            outcomes = [self._attempt(statements, alone=alone) for statements, _ in batch]
            connection.execute("ROLLBACK" if alone and isinstance(outcomes[0], Exception) else "COMMIT")
            return outcomes
        except Exception as error:
            why = f"SQLite: {error}"
        with suppress(sqlite3.Error):  # Whatever ROLLBACK says, this was never committed.
            connection.execute("ROLLBACK")
        return [StorageUnavailable(why, retry_after=1) for _ in batch]

    def _begin(self) -> None:
        """Take SQLite's write lock, asking often: the built-in busy handler sleeps up to 100 ms between two tries."""
        deadline = time.monotonic() + self._timeout
        pause = 0.0002
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 0.002)

    def _attempt(self, statements: Sequence[Statement], *, alone: bool) -> "_Rows | Exception":
        """Run one write inside the open transaction. Refusals are returned; failures of the storage are raised."""
        connection = self._connection
        savepoint = (len(statements) > 1 or any(each.guarded > 1 for each in statements)) and not alone
        if savepoint:
            connection.execute("SAVEPOINT one")
        results: _Rows = []
        try:
            for statement in statements:
                results.append(self._execute(statement, len(results)))
        except Exception as error:
            refusal = refused(error, len(results))
            if savepoint:
                connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
            return refusal
        if savepoint:
            connection.execute("RELEASE one")
        return results

    def _execute(self, statement: Statement, index: int) -> list[Row]:
        cursor = self._connection.execute(statement.sql, statement.parameters)
        if cursor.description is not None:
            rows: list[Row] = cursor.fetchall()
            touched = len(rows)
        else:
            rows, touched = [], cursor.rowcount
        if statement.guarded and touched < statement.guarded and not self._touched_behind_with(touched):
            raise GuardFailed(index)
        return rows

    def _touched_behind_with(self, rowcount: int) -> bool:
        """The module counts rows only for statements that open with INSERT, UPDATE or DELETE, not with WITH."""
        return rowcount < 0 and bool(self._connection.execute("SELECT changes()").fetchone()[0])


def _resolve(batch: list[_Job], outcomes: "list[_Rows | Exception]") -> None:
    for (_, future), outcome in zip(batch, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _primary(error: BaseException) -> int:
    """Return SQLite's primary result code; 1, the general error, where the module itself raised."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether somebody else holds the lock at the moment."""
    return _primary(error) == sqlite3.SQLITE_BUSY


def refused(error: Exception, index: int) -> Exception:
    """Tell what a failed statement means for its own write; raises when it is the storage that failed."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in _UNIQUE:
        return Duplicate(str(error).partition(": ")[2])
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return GuardFailed(index)
    if isinstance(error, sqlite3.Error) and _primary(error) not in _MISTAKES:
        raise error
    return error


def storage_failure(error: Exception) -> Exception:
    """Turn an exception of the module into ``StorageUnavailable``, unless it blames the statement."""
    if isinstance(error, sqlite3.Error) and _primary(error) not in _MISTAKES:
        return StorageUnavailable(f"SQLite: {error}", retry_after=1)
    return error
