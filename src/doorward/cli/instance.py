"""One instance, opened only as far as a command needs: its database and its flows, but no HTTP and nothing in the
background.

A command is a short-lived neighbour of running servers. It writes what they would write themselves, revocations
included, and the database tells them within a quarter of a second. Keys are not loaded here, because loading does what
age demands of them; a command that only looks must not.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from doorward.cli.sources import Sources

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.settings import Settings

Result = TypeVar("Result")


def with_instance(sources: Sources, act: "Callable[[Doorward], Awaitable[Result]]") -> Result:
    """Read the settings, open the instance, act, close, and return what came of it.

    Raises :class:`~doorward.errors.Misconfigured`, :class:`~doorward.errors.StorageUnavailable` and what ``act``
    raises; the group of commands turns them into a line and an exit code.
    """
    settings = sources.load()

    async def run() -> Result:
        async with opened(settings) as auth:
            return await act(auth)

    return asyncio.run(run())


@asynccontextmanager
async def opened(settings: "Settings") -> "AsyncIterator[Doorward]":
    """Lend an instance whose database is open and up to date.

    Pending migrations run by themselves on SQLite, as at the start of a server; on PostgreSQL they are refused,
    because other programs may be running there.
    """
    from doorward.app import Doorward
    from doorward.db import open_database
    from doorward.db.migrate import bring_up, discover
    from doorward.features import MIGRATION_PACKAGES
    from doorward.mail.choosing import Elsewhere

    database = open_database(settings.database_url, pool_size=1, timeout=settings.database.timeout)
    auth = Doorward(settings, database=database, mailer=Elsewhere() if settings.mail.delivery == "host" else None)
    await database.open()
    try:
        await bring_up(database, discover(MIGRATION_PACKAGES))
        yield auth
    finally:
        auth.pool.close()
        await database.close()
