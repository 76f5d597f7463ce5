"""What the tests run in other processes: ``python -m tests.db.processes COMMAND URL [TIME]``."""

import asyncio
import sys
import time

from doorward.db import Database, GuardFailed, announced, guarded, open_database, statement
from doorward.db.migrate import up
from tests.db.schema import MIGRATIONS
from tests.db.test_write import ROTATE


def say(number: int) -> None:
    """Tell the parent a number."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


async def race(database: Database) -> None:
    """Rotate one row, twenty times at once; say how often it worked."""
    results = await asyncio.gather(
        *[database.write(guarded(ROTATE, id=1, generation=0)) for _ in range(20)], return_exceptions=True
    )
    assert all(isinstance(each, list | GuardFailed) for each in results), results
    say(sum(isinstance(each, list) for each in results))


async def count(database: Database) -> None:
    """Add one to one row, a hundred times, eight at once: nothing may be lost."""
    add = statement("UPDATE family SET generation = generation + 1 WHERE id = 1")
    for _ in range(13):
        await asyncio.gather(*[database.write(add) for _ in range(8)])
    say(13 * 8)


async def migrate(database: Database) -> None:
    """Migrate; say how much there was to do."""
    say(len(await up(database, MIGRATIONS)))


async def announce(database: Database) -> None:
    """Commit one announced write."""
    await database.write(announced(statement("UPDATE family SET generation = 1 WHERE id = 2")))


async def forever(database: Database) -> None:
    """Insert until killed; say each number after its commit was reported."""
    number = 0
    while True:
        numbers = range(number, number + 5)
        insert = "INSERT INTO family (id, generation) VALUES (:id, 0)"
        await asyncio.gather(*[database.write(guarded(insert, id=1000 + each)) for each in numbers])
        number += 5
        say(number)


async def main(command: str, url: str, start: str = "0") -> None:
    """Open at the given time, so that several processes do so together."""
    while time.time() < float(start):
        pass
    database = open_database(url, pool_size=4, timeout=10)
    await database.open()
    await {each.__name__: each for each in (race, count, migrate, announce, forever)}[command](database)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
