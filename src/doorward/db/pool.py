"""A pool of connections to PostgreSQL, as small as our use of it.

asyncpg has a pool of its own. It resets every connection it takes back, which is a second round trip, and hands out
proxies that may keep no prepared statement: measured, it doubles the CPU of a write. We never change the state of a
connection, so nothing needs to be reset, and a connection whose statement did not end in the ordinary way (cancelled,
timed out, cut off) is thrown away rather than mended.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import count
from types import TracebackType
from typing import Any, Final

import asyncpg

from doorward.db.placeholders import numbered
from doorward.db.statements import GuardFailed, Row, Statement
from doorward.errors import StorageUnavailable

IDLE_LIFETIME: Final = 300.0
"""Seconds after which an unused connection is not trusted any more: a firewall may have forgotten it."""

MAX_PREPARED: Final = 512
"""Prepared statements a connection keeps; doorward has far fewer texts, a host's migrations may have more."""

_COUNT = re.compile(r"\d+\Z")


class Session:
    """One connection with the statements prepared on it."""

    def __init__(self, connection: Any) -> None:
        """Wrap an ``asyncpg.Connection``."""
        self.connection = connection
        self.used_at = 0.0
        self._prepared: dict[str, tuple[Any, tuple[str, ...]]] = {}
        self._names = count(1)

    async def run(self, statement: Statement, index: int) -> list[Row]:
        """Run a statement; raises ``GuardFailed(index)`` when it is guarded and touched too few rows."""
        prepared, names = self._prepared.get(statement.sql) or await self._prepare(statement.sql)
        rows: list[Row] = await prepared.fetch(*[statement.parameters[name] for name in names])
        if statement.guarded > len(rows) and statement.guarded > _touched(prepared.get_statusmsg()):
            raise GuardFailed(index)
        return rows

    def forget(self) -> None:
        """Drop the prepared statements, because a migration has changed what they return."""
        self._prepared.clear()

    async def _prepare(self, sql: str) -> tuple[Any, tuple[str, ...]]:
        if len(self._prepared) >= MAX_PREPARED:
            self._prepared.clear()
        text, names = numbered(sql)
        # Named, because PostgreSQL keeps only one unnamed statement and plans it again each time.
        prepared = await self.connection.prepare(text, name=f"doorward_{next(self._names)}")
        entry = self._prepared[sql] = prepared, names
        return entry


def _touched(status: str) -> int:
    """Read the number of rows from a command tag such as ``UPDATE 1``."""
    match = _COUNT.search(status)
    return int(match[0]) if match else 0


class Pool:
    """Up to ``size`` sessions. ``async with pool:`` lends one."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, size: int, timeout: float) -> None:
        """``timeout`` bounds, in seconds, the wait for a session."""
        self._connect = connect
        self._timeout = timeout
        self._permits = asyncio.Semaphore(size)
        self._size = size
        self._free: list[Session] = []
        self._now = asyncio.get_running_loop().time

    def lend(self) -> "Lease":
        """Return the context manager that takes a session and gives it back."""
        return Lease(self)

    async def take(self) -> Session:
        """Wait for a session; raises ``StorageUnavailable`` when none comes free in time."""
        if self._permits.locked():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._permits.acquire()
            except TimeoutError:
                raise StorageUnavailable("no connection to PostgreSQL is free", retry_after=1) from None
        else:
            await self._permits.acquire()
        while self._free:
            session = self._free.pop()
            if session.connection.is_closed():
                continue
            if self._now() - session.used_at < IDLE_LIFETIME:
                return session
            session.connection.terminate()
        try:
            return Session(await self._connect())
        except BaseException:
            self._permits.release()
            raise

    def give_back(self, session: Session, *, sound: bool) -> None:
        """Take a session back; an unsound one is cut off, and PostgreSQL rolls back what it had begun."""
        if not sound:
            session.connection.terminate()
        elif not session.connection.is_closed():
            session.used_at = self._now()
            self._free.append(session)
        self._permits.release()

    async def close(self) -> None:
        """Wait until every session is back, then disconnect them all."""
        for _ in range(self._size):
            await self._permits.acquire()
        while self._free:
            await self._free.pop().connection.close(timeout=self._timeout)


class Lease:
    """``async with`` around the use of a session."""

    __slots__ = ("_pool", "_session")
    _session: Session

    def __init__(self, pool: Pool) -> None:
        """Remember where to take the session from."""
        self._pool = pool

    async def __aenter__(self) -> Session:
        """Take a session."""
        self._session = await self._pool.take()
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give it back. It is sound if nothing was raised, or if PostgreSQL itself or our guard has refused."""
        sound = error is None or isinstance(error, asyncpg.PostgresError | GuardFailed)
        self._pool.give_back(self._session, sound=sound)
