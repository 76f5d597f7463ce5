"""A trail with a few lines, and somebody who can write to the database behind the server's back."""

from doorward.db import Database, statement
from tests.support.house import House

PEOPLE = 3


async def lived_in(house: House) -> None:
    """Let people register and log in, so that there are six sealed lines in two batches."""
    for number in range(PEOPLE):
        await house.register(f"person{number}@example.test")
    await house.auth.audit.seal()
    for number in range(PEOPLE):
        await house.log_in(f"person{number}@example.test")
    await house.auth.audit.seal()


async def tamper(database: Database, *texts: str) -> None:
    """Write what the server would not write."""
    await database.write(*(statement(text) for text in texts))


async def faults(house: House) -> list[str]:
    """Verify, and return what is said about it."""
    return [fault.what for fault in (await house.auth.audit.verify()).faults]
