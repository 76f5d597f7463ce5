"""Hashing off the event loop: a few threads, lower in priority than the loop, and a queue that can be full.

One Argon2id hash takes 19 MiB and tens of milliseconds. A hundred log-ins at once must not take 1.9 GB, and must not
slow down the requests that only check a token: so there are as many threads as cores (at most four), each of them
niced to 10 and scheduled as batch work on Linux, and a bounded number of log-ins may wait. Beyond it the caller is told
to come back (``overloaded``, 503). A caller that has gone away while it waited costs nothing.

The threads do the work and call back into the loop that asked; nothing here knows accounts, policy or HTTP.
"""

import asyncio
import contextlib
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from doorward.errors import Overloaded
from doorward.observability.tracing import Tracer, span
from doorward.passwords.hashing import Hasher
from doorward.settings import Passwords

MOST_THREADS_BY_DEFAULT: Final = 4
NICENESS: Final = 10
"""A ninth of the share of an ordinary thread. At 19 (a seventieth) nobody could log in to a machine that is busy."""

_FIRST_GUESS_SECONDS: Final = 0.05
"""Assumed time of a hash until one has been measured."""

_WEIGHT_OF_LATEST: Final = 0.2


@dataclass(eq=False, slots=True)
class _Job:
    """One piece of work, the loop that waits for it, and where the answer goes."""

    work: Callable[[], object]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[object]"
    since: float


class HashingPool:
    """Bounded threads that hash. One for a process; usable from any event loop in it."""

    def __init__(self, settings: Passwords, *, hasher: Hasher | None = None) -> None:
        """Take the settings, and a hasher made of them unless another is given.

        Threads start with the first job, so a pool may be made before a process forks. Raises
        :class:`~doorward.errors.Misconfigured` like :class:`~doorward.passwords.hashing.Hasher`.
        """
        self.hasher = hasher or Hasher(settings)
        self.threads = settings.hash_threads or min(os.cpu_count() or 1, MOST_THREADS_BY_DEFAULT)
        self.performed = 0
        """Passwords hashed or verified so far. One a log-in, whether or not the account exists."""
        self.topped_up = 0
        """How many of those cost a second hash, because the stored one was cheaper than today's."""
        self.mean_seconds = _FIRST_GUESS_SECONDS
        """Time of one job, a mean that forgets."""
        self.watch: Callable[[float, float], None] | None = None
        """Told, under the pool's lock, for how many seconds each job waited and worked."""
        self.tracer: Tracer | None = None
        self._queue = settings.hash_queue
        self._waiting: deque[_Job] = deque()
        self._running = 0
        self._closed = False
        self._changed = threading.Condition()
        self._started: list[threading.Thread] = []

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Jobs that threads have in hand."""
        return self._running

    @property
    def memory_bytes(self) -> int:
        """The most memory that hashing of current parameters takes at once, in bytes."""
        return self.threads * self.hasher.memory_bytes

    async def hash(self, password: str) -> str:
        """Make the text to store. Raises :class:`~doorward.errors.Overloaded`, and what :meth:`Hasher.hash` raises."""
        return str(await self._submit(lambda: self.hasher.hash(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password fits. ``None``: there is nothing to check against, and it takes as long.

        Call it on every path of a log-in, also for unknown, disabled and passwordless accounts; time then tells
        nothing. Raises :class:`~doorward.errors.Overloaded` when too many wait already.
        """
        return await self._submit(lambda: self._verify(stored, password)) is True

    def needs_rehash(self, stored: str, password: str = "") -> bool:
        """Tell whether a verified hash should be replaced; see :meth:`Hasher.needs_rehash`. Quick, no thread."""
        return self.hasher.needs_rehash(stored, password)

    def open(self) -> None:
        """Take work again after :meth:`close`; a new pool is open already."""
        with self._changed:
            self._closed = False
            self._started = []

    def close(self) -> None:
        """Finish what is running and refuse what waits. Call it after the last request; it may be called twice."""
        with self._changed:
            self._closed = True
            refused, self._waiting = list(self._waiting), deque()
            self._changed.notify_all()
        for job in refused:
            _deliver(job, error=_closed())
        for thread in self._started:
            thread.join()

    def _verify(self, stored: str | None, password: str) -> bool:
        if stored is None:
            self.hasher.verify(self.hasher.decoy, password)
            return False
        fits = self.hasher.verify(stored, password)
        if self.hasher.is_cheaper(stored):
            self.topped_up += 1
            self.hasher.verify(self.hasher.decoy, password)
        return fits

    async def _submit(self, work: Callable[[], object]) -> object:
        with span(self.tracer, "hash password"):
            return await self._queued(work)

    async def _queued(self, work: Callable[[], object]) -> object:
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future(), time.perf_counter())
        with self._changed:
            self._admit(job)
        try:
            return await job.answer
        except asyncio.CancelledError:
            with self._changed, contextlib.suppress(ValueError):
                self._waiting.remove(job)
            raise

    def _admit(self, job: _Job) -> None:
        if self._closed:
            raise _closed()
        busy = self._running + len(self._waiting)
        if busy >= self.threads + self._queue:
            seconds = math.ceil(busy * self.mean_seconds / self.threads)
            raise Overloaded("the queue for password hashing is full", retry_after=max(1, seconds))
        if len(self._started) < self.threads:
            self._start_thread()
        self._waiting.append(job)
        self._changed.notify()

    def _start_thread(self) -> None:
        """Add a thread, or do with those that run; the next job tries again. Raises ``Overloaded`` if none runs."""
        name = f"doorward-hash-{len(self._started)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as full:
            if not self._started:
                raise Overloaded("the system gives no thread for password hashing", retry_after=1) from full
        else:
            self._started.append(thread)

    def _work(self) -> None:
        lower_priority()
        while job := self._take():
            began = time.perf_counter()
            result: object = None
            error: Exception | None = None
            try:
                result = job.work()
            except Exception as raised:  # whatever it is belongs to the caller
                error = raised
            except BaseException as raised:  # a panic of bcrypt, which is Rust, is no Exception; the thread goes on
                error = RuntimeError("hashing has failed")
                error.__cause__ = raised
            self._finished(time.perf_counter() - began, waited=began - job.since)
            _deliver(job, result=result, error=error)

    def _take(self) -> _Job | None:
        """Wait for the next job; ``None`` when the pool is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._running += 1
            return self._waiting.popleft()

    def _finished(self, seconds: float, *, waited: float) -> None:
        with self._changed:
            if self.watch is not None:
                self.watch(waited, seconds)
            self._running -= 1
            self.performed += 1
            self.mean_seconds += _WEIGHT_OF_LATEST * (seconds - self.mean_seconds)


def lower_priority() -> None:
    """Make the calling thread give way to all others.

    How far is measured in ``docs/explanation/passwords.md``: requests must not wait for hashing, and hashing must not
    starve beside other programs. Linux alone gives priorities to threads; a sandbox may refuse, and then the pool still
    works.
    """
    if sys.platform == "linux":  # pragma: no branch - elsewhere there is nothing to lower
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _closed() -> Overloaded:
    return Overloaded("the hashing pool is closed", retry_after=1)


def _deliver(job: _Job, *, result: object = None, error: Exception | None = None) -> None:
    """Hand the answer to the loop that waits. A loop that has ended waits no more."""

    def settle() -> None:
        if job.answer.done():
            return
        if error is None:
            job.answer.set_result(result)
        else:
            job.answer.set_exception(error)

    with contextlib.suppress(RuntimeError):
        job.loop.call_soon_threadsafe(settle)
