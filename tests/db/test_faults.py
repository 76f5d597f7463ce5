"""The wrapper that makes calls fail, which the other tests rely on."""

import pytest

from doorward.db import Database, guarded, statement
from doorward.errors import StorageUnavailable
from tests.db.test_write import ROTATE, generation
from tests.support.faults import FailingDatabase


async def test_a_failure_before_the_call_does_nothing(database: Database) -> None:
    """The second call fails, and only that one."""
    failing = FailingDatabase(database, fail_at=2)
    await failing.fetch_one("SELECT 1")

    with pytest.raises(StorageUnavailable):
        await failing.write(guarded(ROTATE, id=1, generation=0))

    assert await failing.fetch_all("SELECT generation FROM family WHERE generation > 0") == []
    assert failing.calls == 3


async def test_a_failure_after_the_call_loses_only_the_answer(database: Database) -> None:
    """The write was committed; the caller cannot know."""
    failing = FailingDatabase(database, fail_at=1, when="after")

    with pytest.raises(StorageUnavailable):
        await failing.write(guarded(ROTATE, id=1, generation=0))

    assert await generation(database) == 1


async def test_it_is_a_database_otherwise(database: Database) -> None:
    """Everything else is passed on."""
    failing = FailingDatabase(database)
    await failing.open()
    await failing.ping()
    await anext(failing.changes())

    assert await failing.write(statement("DELETE FROM note")) == [[]]
    assert failing.dialect == database.dialect
    await failing.close()
