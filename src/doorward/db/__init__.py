"""The only package that knows a database driver: SQLite and PostgreSQL behind one small protocol.

One SQL text serves both engines. Stores read with :meth:`Database.fetch_one` and :meth:`Database.fetch_all`, and write
with :meth:`Database.write`; what the engines do differently (group commit, pools, notifications, error codes) stays in
here. The reasons are in ``docs/explanation/database.md``.
"""

from collections.abc import AsyncGenerator
from typing import Any, Literal, Protocol

from doorward.db.statements import (
    Duplicate,
    GuardFailed,
    Row,
    Statement,
    all_or_nothing,
    announced,
    guarded,
    inserting,
    marks,
    statement,
)
from doorward.errors import Finding, Misconfigured

__all__ = [
    "Database",
    "Duplicate",
    "GuardFailed",
    "Row",
    "Statement",
    "all_or_nothing",
    "announced",
    "guarded",
    "inserting",
    "marks",
    "open_database",
    "statement",
]


class Database(Protocol):
    """A store of rows. Use it from the event loop in which it was opened.

    Every method may raise :class:`doorward.errors.StorageUnavailable`: the engine did not answer, is full, is locked
    for longer than the timeout, or is closed. After that a *write* may or may not have happened, as after any lost
    answer, so a caller must not report it as done.
    """

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """The engine, for the few places where SQL differs."""
        ...

    async def open(self) -> None:
        """Connect; does nothing when it is open already.

        Connections belong to the process that opened them: open after a fork, not before.
        """
        ...

    async def close(self) -> None:
        """Finish what is queued and disconnect. Closing twice does nothing."""
        ...

    async def fetch_all(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Read every row of the result; never waits for a write."""
        ...

    async def fetch_one(self, sql: str, /, **parameters: Any) -> Row | None:
        """Read the first row of the result, or ``None``; never waits for a write."""
        ...

    async def write(self, *statements: Statement) -> list[list[Row]]:
        """Do all of the statements or none, durably, and return the rows that each of them returned.

        Raises :class:`GuardFailed` when a guarded statement touched nothing, and :class:`Duplicate` when a unique
        constraint was violated; nothing is changed then.
        """
        ...

    def changes(self) -> AsyncGenerator[None, None]:
        """Yield at once, and again whenever somebody else may have committed something worth looking at.

        It only says *look*: it may yield for nothing, and several commits may share one yield. It ends when the
        database is closed. Own commits may be seen too.
        """
        ...

    async def ping(self) -> None:
        """Ask for the shortest answer there is; raises ``StorageUnavailable``."""
        ...


def open_database(url: str, *, pool_size: int, timeout: int) -> Database:
    """Make the database that a URL names; call :meth:`Database.open` to connect.

    ``sqlite:///relative/path``, ``sqlite:////absolute/path`` or ``postgresql://user@host/name``. ``timeout`` is in
    seconds and bounds one statement, the wait for a connection and the wait for a lock; ``pool_size`` is the number of
    connections to PostgreSQL. Raises :class:`doorward.errors.Misconfigured` for any other URL.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and rest.startswith("/") and rest not in ("/", "/:memory:"):
        from doorward.db.sqlite import SqliteDatabase

        return SqliteDatabase(rest[1:], timeout=timeout)
    if separator and scheme in ("postgresql", "postgres"):
        from doorward.db.postgres import PostgresDatabase

        return PostgresDatabase(url, pool_size=pool_size, timeout=timeout)
    raise Misconfigured(
        Finding(
            what="DOORWARD_DATABASE__URL names no database that doorward knows.",
            fix="Use sqlite:///path/to/file.db or postgresql://user@host/name.",
        )
    )
