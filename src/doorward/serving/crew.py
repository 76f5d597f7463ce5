"""Several worker processes on one listening socket, kept alive by a parent that does not serve.

It has the four methods of ``worker.Worker``, so that ``run.py`` does not care which of the two it drives. The parent
imports neither Granian nor the app. A worker that dies is started again; one that cannot stay alive ends the program,
which is then seen and restarted by whoever watches it.
"""

import asyncio
import logging
import socket
import sys
from contextlib import suppress
from typing import Final

import msgspec
from msgspec.structs import replace

from doorward.errors import Finding, Misconfigured, StorageUnavailable
from doorward.serving.lifespan import StartFailed
from doorward.serving.member import RENEW, STOP, Report, send_plan
from doorward.serving.plan import Plan

RESTARTS: Final = 5
"""So many deaths without a renewal or a minute of quiet between them, and it is not chance."""

QUIET: Final = 60.0
KILL_AFTER: Final = 5.0

_log = logging.getLogger("doorward.serving")


class _Member:
    """One worker process and the socket to it."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.process = process
        self._control = control
        self._reports = b""

    @classmethod
    async def spawn(cls, plan: Plan, listener: socket.socket) -> "_Member":
        """Start a process and hand it the plan; it is not ready yet."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # no module is taken from the current folder, as in the parent; an application adds it itself
                *("-m", "doorward.serving.member", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
        with suppress(OSError):  # a process that died already is noticed by whoever waits for its report
            send_plan(ours, plan, listener)
        ours.setblocking(False)
        return cls(process, ours)

    async def report(self) -> Report:
        """Wait for what it says next. Raises ``StartFailed`` when it has died instead."""
        loop = asyncio.get_running_loop()
        while b"\n" not in self._reports:
            try:
                received = await loop.sock_recv(self._control, 65536)
            except OSError:
                received = b""
            if not received:
                raise StartFailed("a worker process died; its own last words are above")
            self._reports += received
        line, self._reports = self._reports.split(b"\n", 1)
        return msgspec.json.decode(line, type=Report)

    async def renew(self, listener: socket.socket) -> None:
        """Hand it another listening socket, and wait until it has closed the one before (or has died)."""
        with suppress(OSError, StartFailed):
            socket.send_fds(self._control, [RENEW], [listener.fileno()])
            while (await self.report()).event != "renewed":
                pass

    async def stop(self, grace: float) -> None:
        """Ask it to end, wait, and insist after ``grace`` seconds."""
        with suppress(OSError):
            self._control.send(STOP)
        try:
            await asyncio.wait_for(self.process.wait(), grace)
        except TimeoutError:
            _log.warning("worker %d did not stop and was killed", self.process.pid)
            self.process.kill()
            await self.process.wait()
        self.forget()

    def forget(self) -> None:
        """Close what belonged to a process that has ended."""
        self._control.close()


class Crew:
    """As many worker processes as the settings say, doing what the plan says."""

    def __init__(self, plan: Plan) -> None:
        """Take the plan; nothing runs yet."""
        self._plan = plan
        self._members: list[_Member] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._listeners: list[socket.socket] = []
        self._deaths: list[float] = []
        self._hopeless = asyncio.Event()

    async def start(self, listener: socket.socket) -> None:
        """Start all and wait until they serve. Raises what the app raises, or ``StartFailed``."""
        self._replace_listener(listener)
        count = self._plan.settings.serving.workers
        self._members = list(
            await asyncio.gather(*(_Member.spawn(replace(self._plan, place=place), listener) for place in range(count)))
        )
        try:
            for member in self._members:
                _raise(await member.report(), "ready")
        except BaseException:
            await self.stop()
            raise
        self._watchers = [asyncio.create_task(self._watch(place)) for place in range(count)]

    async def renew(self, listener: socket.socket) -> None:
        """Give all of them another socket, on which they answer with the certificate as it is on disk now."""
        self._replace_listener(listener)
        self._deaths.clear()
        await asyncio.gather(*(member.renew(listener) for member in self._members))

    async def wait(self) -> None:
        """Return when the workers cannot be kept alive."""
        await self._hopeless.wait()

    async def stop(self) -> None:
        """Let all of them finish what they have, and end them."""
        for watcher in self._watchers:
            watcher.cancel()
        grace = self._plan.grace + KILL_AFTER
        await asyncio.gather(*(member.stop(grace) for member in self._members))
        self._replace_listener()

    def _replace_listener(self, *listeners: socket.socket) -> None:
        for old in self._listeners:
            old.close()
        self._listeners = [*listeners]

    async def _watch(self, place: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            member = self._members[place]
            code = await member.process.wait()
            self._deaths = [*(at for at in self._deaths if loop.time() - at < QUIET), loop.time()]
            _log.error("worker %d died with code %s", member.process.pid, code)
            if len(self._deaths) > RESTARTS:
                self._hopeless.set()
                return
            member.forget()
            self._members[place] = await _Member.spawn(replace(self._plan, place=place), self._listeners[0])


def _raise(report: Report, expected: str) -> None:
    if report.event == "misconfigured":
        raise Misconfigured(*(Finding(what, fix) for what, fix in report.findings))
    if report.event == "storage":
        raise StorageUnavailable(report.text)
    if report.event != expected:
        raise StartFailed(report.text)
