"""Asking another program: with a time limit, and without our secrets in its environment."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doorward.configuration.catalogue import PREFIX
from doorward.settings import process_environment

_MOST_OUTPUT: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended, and what it printed."""

    code: int
    output: str
    errors: str


async def ask(command: Sequence[str], *, seconds: float) -> Answer | None:
    """Run a program to its end; ``None`` when it cannot be started or takes longer."""
    environment = {name: value for name, value in process_environment().items() if not name.startswith(PREFIX)}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment | {"LC_ALL": "C", "NO_COLOR": "1"},
            limit=_MOST_OUTPUT,
        )
    except OSError:
        return None
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
        return None
    return Answer(process.returncode or 0, output.decode(errors="replace"), errors.decode(errors="replace"))
