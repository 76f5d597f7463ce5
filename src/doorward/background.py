"""What a running instance does beside answering: small acts, again and again, that may fail and are tried again."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from doorward.errors import StorageUnavailable

_log = logging.getLogger("doorward")


async def repeat(name: str, act: Callable[[], Awaitable[object]], *, every: float) -> None:
    """Do ``act`` every so many seconds until cancelled; what it raises is logged and ends nothing."""
    while True:
        await asyncio.sleep(every)
        try:
            await act()
        except StorageUnavailable:
            _log.warning("%s: the database does not answer; trying again in a moment", name)
        except Exception:
            _log.exception("%s has failed; trying again in a moment", name)


async def cancel(task: "asyncio.Task[None]") -> None:
    """End a task, and wait until it has ended."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
