"""The lifespan protocol of ASGI, once a process: an app is started before the first request and ended after the last.

Our own, because a renewed certificate starts a second server for the same app, and the app must not be started twice.
An app that raises (``Misconfigured``, ``StorageUnavailable``) is heard: its exception comes out of :meth:`start`.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI application."""

_LAST_WORDS = 1.0
"""Seconds for an app that has said that it failed to raise its reason."""


class StartFailed(Exception):  # noqa: N818 - reads as what has happened
    """The app said ``lifespan.startup.failed``; the message is its own."""


class Lifespan:
    """One app's life in one process."""

    def __init__(self, app: App) -> None:
        """Take the app; nothing runs yet."""
        self._app = app
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Start the app and wait until it says that it is ready. Raises what the app raises, or ``StartFailed``."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.create_task(self._run(scope))
        await self._exchange("startup", self._task)

    async def stop(self) -> None:
        """End the app, if it was started, and wait until it has closed what it holds.

        Raises what the app raises, or ``StartFailed``.
        """
        if self._task is not None:
            await self._exchange("shutdown", self._task)
            await self._task

    async def _run(self, scope: dict[str, Any]) -> None:
        await self._app(scope, self._inbox.get, self._answers.put)

    async def _exchange(self, phase: str, task: asyncio.Task[None]) -> None:
        await self._inbox.put({"type": f"lifespan.{phase}"})
        answer = asyncio.create_task(self._answers.get())
        await asyncio.wait({answer, task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():  # the app ended, or never spoke the protocol
            answer.cancel()
            task.result()
            raise StartFailed(f"the app ended during {phase}")
        message = answer.result()
        if message["type"] != f"lifespan.{phase}.complete":
            await asyncio.wait({task}, timeout=_LAST_WORDS)
            if task.done():
                task.result()  # Starlette says a traceback and raises; what is raised tells more
            raise StartFailed(str(message.get("message") or message["type"]))
