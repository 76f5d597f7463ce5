"""Several processes on one database, each with a doorward of its own, that begin together.

The processes are started once and serve many tests, because starting Python is what would take the time. A test hands
all of them the same task by name; each opens its instance, waits at the barrier and goes. Everything is real but the
clients, which speak to the application in their own process.
"""

import asyncio
import contextlib
import multiprocessing
from collections.abc import AsyncIterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import httpx2

from doorward.app import Doorward
from doorward.core.secret import Secret
from doorward.settings import Limits, Settings
from tests.support.house import clients, settings_for
from tests.support.mailbox import Mailbox, mailing
from tests.support.quick import QuickHasher

SECRET = "the secret that all processes of a race share, 0123456789"
PATIENCE = 60.0
"""Seconds after which a process that does not answer has failed."""

_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Place:
    """What the processes share: a database, a folder and the few settings that a race changes."""

    database_url: str
    folder: Path
    per_account: int = 10_000
    per_pair: int = 10_000

    mails: bool = False

    def settings(self) -> Settings:
        """Make the settings, the same in each process."""
        limits = Limits(
            per_account=self.per_account,
            per_pair=self.per_pair,
            per_network=100_000,
            per_wide_network=100_000,
            registrations=100_000,
            per_instance=1_000_000,
            per_recovery=100_000,
            window=86_400,
        )
        settings = settings_for(self.database_url, self.folder, secret=(Secret(SECRET),), limits=limits)
        return mailing(settings, sign_in_links=True) if self.mails else settings

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[Doorward, httpx2.AsyncClient]]:
        """Run an instance in this process; time is real, because the processes must agree on it."""
        auth = Doorward(self.settings(), mailer=Mailbox() if self.mails else None)
        auth.pool.hasher = QuickHasher(auth.settings.passwords)
        async with auth.lifespan(), clients(auth) as (client, _):
            yield auth, client


@dataclass(frozen=True)
class Worker:
    """What a task sees of its process: which one it is, and how to wait for the others."""

    number: int
    barrier: Barrier

    def meet(self) -> None:
        """Wait until every process is here. It blocks the event loop on purpose: then all begin at once."""
        self.barrier.wait(PATIENCE)


class Crew:
    """The processes."""

    def __init__(self, size: int) -> None:
        """Start them."""
        self.size = size
        self._barrier = _spawn.Barrier(size)
        self._members: list[tuple[BaseProcess, Connection]] = []
        for number in range(size):
            ours, theirs = _spawn.Pipe()
            process = _spawn.Process(target=_serve, args=(theirs, Worker(number, self._barrier)), daemon=True)
            process.start()
            theirs.close()
            self._members.append((process, ours))

    async def run(self, task: str, place: Place, **arguments: Any) -> list[Any]:
        """Let every process do a task of ``tasks.py`` and return what each of them says, in their order."""
        return await asyncio.to_thread(self._run, task, place, arguments)

    async def run_all(self, task: str, place: Place, **arguments: Any) -> list[Any]:
        """Do as :meth:`run` where each process returns a list, and return one list."""
        return [answer for answers in await self.run(task, place, **arguments) for answer in answers]

    def close(self) -> None:
        """Let them go."""
        for _, pipe in self._members:
            pipe.send(None)
        for process, pipe in self._members:
            process.join(PATIENCE)
            pipe.close()

    def _run(self, task: str, place: Place, arguments: dict[str, Any]) -> list[Any]:
        for _, pipe in self._members:
            pipe.send((task, place, arguments))
        answers = []
        for _, pipe in self._members:
            assert pipe.poll(PATIENCE), f"a process does not come back from {task}"
            answers.append(pipe.recv())
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers


def _serve(pipe: Connection, worker: Worker) -> None:
    from tests.races import tasks

    while job := pipe.recv():
        task, place, arguments = job
        try:
            pipe.send(asyncio.run(getattr(tasks, task)(worker, place, **arguments)))
        except BaseException as error:
            worker.barrier.abort()
            pipe.send(RuntimeError(f"process {worker.number}: {error!r}"))
            worker.barrier.reset()
