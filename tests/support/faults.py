"""A database whose n-th call fails, to prove that nothing is issued and nothing is left half written."""

from collections.abc import AsyncGenerator
from typing import Any, Literal, TypeVar

from doorward.db import Database, Row, Statement
from doorward.errors import StorageUnavailable

_Answer = TypeVar("_Answer")


class FailingDatabase:
    """Wraps a database; the ``fail_at``-th read or write (counted from 1) raises ``StorageUnavailable``.

    ``when="before"``: nothing has been done. ``when="after"``: it was done and committed, and the answer is lost.
    ``calls`` counts reads and writes, so that a test can first learn how many there are and then fail each of them.
    Set ``fail_at`` to 0 to fail none.
    """

    def __init__(self, database: Database, *, fail_at: int = 0, when: Literal["before", "after"] = "before") -> None:
        """Wrap an open database."""
        self.database = database
        self.fail_at = fail_at
        self.when = when
        self.calls = 0

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """The engine underneath."""
        return self.database.dialect

    async def open(self) -> None:
        """Open the database underneath."""
        await self.database.open()

    async def close(self) -> None:
        """Close the database underneath."""
        await self.database.close()

    async def fetch_all(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Read, or fail."""
        lost = self._fails()
        rows = await self.database.fetch_all(sql, **parameters)
        return self._answer(rows, lost)

    async def fetch_one(self, sql: str, /, **parameters: Any) -> Row | None:
        """Read, or fail."""
        lost = self._fails()
        row = await self.database.fetch_one(sql, **parameters)
        return self._answer(row, lost)

    async def write(self, *statements: Statement) -> list[list[Row]]:
        """Write, or fail."""
        lost = self._fails()
        results = await self.database.write(*statements)
        return self._answer(results, lost)

    def changes(self) -> AsyncGenerator[None, None]:
        """Pass on the changes underneath."""
        return self.database.changes()

    async def ping(self) -> None:
        """Ask the database underneath; not counted."""
        await self.database.ping()

    def _fails(self) -> bool:
        """Count a call; raise if it fails before, and tell whether it fails after."""
        self.calls += 1
        if self.calls != self.fail_at:
            return False
        if self.when == "before":
            raise StorageUnavailable("injected before the call")
        return True

    def _answer(self, answer: _Answer, lost: bool) -> _Answer:
        if lost:
            raise StorageUnavailable("injected after the call")
        return answer
