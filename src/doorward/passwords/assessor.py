"""Judging passwords off the event loop: one thread, and a queue that can be full.

The estimate of a password's strength takes milliseconds and anybody may ask for it. In one thread it can take one core
at most, apart from the threads that hash, so that no flood of questions keeps people from logging in.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from doorward.errors import Overloaded

MOST_WAITING: Final = 64
"""Questions that may wait: a third of a second's work."""

ResultT = TypeVar("ResultT")


class Assessor:
    """Runs what judges passwords. One for a process; its thread starts with the first question."""

    def __init__(self, *, threads: int = 1) -> None:
        """Start with nothing to do."""
        self._thread = ThreadPoolExecutor(threads, thread_name_prefix="doorward-policy")
        self._waiting = 0

    async def run(self, question: Callable[[], ResultT]) -> ResultT:
        """Return the answer. Raises :class:`~doorward.errors.Overloaded` when too many wait already."""
        if self._waiting >= MOST_WAITING:
            raise Overloaded("the queue for judging passwords is full", retry_after=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, question)
        finally:
            self._waiting -= 1
