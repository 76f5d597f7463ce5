"""A house on a database that can be told to fail."""

from collections.abc import AsyncIterator

import pytest

from doorward.db import open_database
from doorward.settings import Settings
from tests.faults.failing import AimedDatabase
from tests.support.house import House, open_house
from tests.support.quick import QuickHasher


@pytest.fixture
def aimed(settings: Settings) -> AimedDatabase:
    """Wrap the database of the house."""
    return AimedDatabase(open_database(settings.database_url, pool_size=4, timeout=10))


@pytest.fixture
async def fragile(settings: Settings, aimed: AimedDatabase) -> AsyncIterator[House]:
    """Lend a house that stands on the wrapped database."""
    async with open_house(settings, database=aimed) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        yield house
