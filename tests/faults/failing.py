"""A database that fails where it is told to, for one request only; what runs beside it goes on undisturbed."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal

from doorward.errors import StorageUnavailable
from tests.support.faults import FailingDatabase

How = Literal["before", "after", "gone", "defect", "cancelled"]
"""``before`` the call is made; ``after`` it was committed, so only the answer is lost; ``gone``: that call and all
that follow; ``defect``: an exception that nobody expects; ``cancelled``: the client goes away at that moment."""

_aimed: ContextVar[bool] = ContextVar("aimed", default=False)


class AimedDatabase(FailingDatabase):
    """Counts and fails only the calls made within :meth:`aim`, and those that tasks started there make."""

    how: How = "before"

    @contextlib.contextmanager
    def aim(self, fail_at: int = 0, how: How = "before") -> Iterator[None]:
        """Let the ``fail_at``-th call fail; 0 only counts."""
        self.calls, self.fail_at, self.how = 0, fail_at, how
        token = _aimed.set(True)
        try:
            yield
        finally:
            _aimed.reset(token)

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
