"""A database that fails where it is told to, for one request only; what runs beside it goes on undisturbed."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Literal

from doorward.db import Row, Statement
from doorward.errors import StorageUnavailable
from tests.support.faults import FailingDatabase

How = Literal["before", "after", "gone", "defect", "cancelled"]
"""``before`` the call is made; ``after`` it was committed, so only the answer is lost; ``gone``: that call and all
that follow; ``defect``: an exception that nobody expects; ``cancelled``: the client goes away at that moment."""

_aimed: ContextVar[bool] = ContextVar("aimed", default=False)


class AimedDatabase(FailingDatabase):
    """Counts and fails only the calls made within :meth:`aim`, and those that tasks started there make."""

    how: How = "before"
    made: list[str]
    """The calls of the last :meth:`aim`, a write with the number of its statements."""

    async def fetch_one(self, sql: str, /, **parameters: Any) -> Row | None:
        """Read, or fail."""
        self._note("fetch_one")
        return await super().fetch_one(sql, **parameters)

    async def fetch_all(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Read, or fail."""
        self._note("fetch_all")
        return await super().fetch_all(sql, **parameters)

    async def write(self, *statements: Statement) -> list[list[Row]]:
        """Write, or fail."""
        self._note(f"write {len(statements)}")
        return await super().write(*statements)

    @contextlib.contextmanager
    def aim(self, fail_at: int = 0, how: How = "before") -> Iterator[None]:
        """Let the ``fail_at``-th call fail; 0 only counts."""
        self.calls, self.fail_at, self.how = 0, fail_at, how
        self.made = []
        token = _aimed.set(True)
        try:
            yield
        finally:
            _aimed.reset(token)

    def _note(self, call: str) -> None:
        if _aimed.get():
            self.made.append(call)

    def _fails(self) -> bool:
        if not _aimed.get():
            return False
        self.calls += 1
        if self.calls < self.fail_at or self.fail_at == 0 or (self.calls > self.fail_at and self.how != "gone"):
            return False
        match self.how:
            case "after":
                return True
            case "defect":
                raise RuntimeError("a defect that mentions hunter2-canary")
            case "cancelled":
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                return False
            case _:
                raise StorageUnavailable("injected: hunter2-canary")
