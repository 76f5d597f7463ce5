"""``doorward migrate``: where the database stands, and bringing it to this version. It needs no secret."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources
from doorward.errors import DoorwardError, Misconfigured

if TYPE_CHECKING:
    from doorward.db import Database
    from doorward.db.migrate import Migration, Status

Found = TypeVar("Found")

_SQLITE: Final = "sqlite:///"


@click.group()
def migrate() -> None:
    """Bring the database to this version of doorward; there is no way back, so keep a backup.

    SQLite migrates by itself when a server starts; PostgreSQL does not, because several servers may be running.
    """


@migrate.command()
@json_option
@click.option("--check", is_flag=True, help="End with 1 if something is pending.")
@click.pass_obj
def status(sources: Sources, *, as_json: bool, check: bool) -> None:
    """Show what was applied and what is pending; changes nothing."""
    from doorward.db.migrate import Status
    from doorward.db.migrate import status as look

    async def act(database: "Database", migrations: "tuple[Migration, ...]") -> "Status":
        return await look(database, migrations)

    found = _run(sources, act, unmade=lambda migrations: Status((), migrations))
    output = Output(as_json=as_json)
    applied = [
        {"name": each.name, "state": "applied", "applied_at": each.applied_at, "checksum": each.checksum}
        for each in found.applied
    ]
    pending = [
        {"name": each.name, "state": "pending", "applied_at": None, "checksum": each.checksum} for each in found.pending
    ]
    output.table(["name", "state", "applied_at"], [*applied, *pending])
    if pending:
        output.say(f"{len(pending)} pending. Next: doorward migrate up")
    if pending and check:
        raise click.exceptions.Exit(Exit.REFUSED)


@migrate.command()
@click.option("--dry-run", is_flag=True, help="Only name what would be applied.")
@json_option
@click.pass_obj
def up(sources: Sources, *, dry_run: bool, as_json: bool) -> None:
    """Apply what is pending, each migration whole or not at all."""
    from doorward.db.migrate import up as apply

    async def act(database: "Database", migrations: "tuple[Migration, ...]") -> "tuple[Migration, ...]":
        try:
            return await apply(database, migrations, dry_run=dry_run)
        except DoorwardError:
            raise
        except Exception as problem:
            # Whatever the driver says: a missing privilege, a table that is there already.
            said = str(problem).partition("\n")[0]
            raise click.ClickException(f"A migration failed and was not applied: {said}") from problem

    made = _run(sources, act, unmade=(lambda migrations: migrations) if dry_run else None)
    output = Output(as_json=as_json)
    state = "would be applied" if dry_run else "applied"
    if made or as_json:
        output.table(["name", "state"], [{"name": each.name, "state": state} for each in made])
    else:
        output.say("Nothing is pending.")


def _run(
    sources: Sources,
    act: "Callable[[Database, tuple[Migration, ...]], Awaitable[Found]]",
    *,
    unmade: "Callable[[tuple[Migration, ...]], Found] | None",
) -> Found:
    """Open the database and act; ``unmade`` answers instead for an SQLite file that is not there, and is not made."""
    from doorward.db import open_database
    from doorward.db.migrate import discover
    from doorward.features import MIGRATION_PACKAGES

    reading = sources.read()
    if reading.findings:
        raise Misconfigured(*reading.findings)
    settings = reading.settings
    migrations = discover(MIGRATION_PACKAGES)
    url = settings.database_url
    if unmade is not None and url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists():
        return unmade(migrations)
    database = open_database(url, pool_size=1, timeout=settings.database.timeout)

    async def run() -> Found:
        await database.open()
        try:
            return await act(database, migrations)
        finally:
            await database.close()

    return asyncio.run(run())
