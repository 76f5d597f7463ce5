"""A house with status lists."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from doorward.settings import Settings, StatusLists
from tests.support.house import House, open_house
from tests.support.quick import QuickHasher


@pytest.fixture
def listing_settings(settings: Settings) -> Settings:
    """Switch them on."""
    return replace(settings, status_lists=StatusLists(enabled=True))


@pytest.fixture
async def listing(listing_settings: Settings) -> AsyncIterator[House]:
    """Lend the house."""
    async with open_house(listing_settings) as house:
        house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
        yield house
