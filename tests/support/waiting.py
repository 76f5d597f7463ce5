"""Waiting for a condition: the one place of the suite that sleeps, and never for luck."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PATIENCE = 20.0
"""Seconds after which something that should happen has not."""


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return as soon as the condition holds; raises ``TimeoutError`` if it never does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            holds = condition()
            if inspect.isawaitable(holds):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(0.002)
