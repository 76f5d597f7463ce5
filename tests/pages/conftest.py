"""Somebody who is registered, in front of a whole instance in which hashing takes no time."""

from collections.abc import AsyncIterator

import pytest

from doorward.settings import Settings
from tests.support.house import House, open_house
from tests.support.quick import QuickHasher
from tests.support.visitor import Visitor


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """Lend an instance on each engine."""
    async with open_house(settings) as opened:
        opened.auth.pool.hasher = QuickHasher(settings.passwords)
        yield opened


@pytest.fixture
async def ada(house: House) -> Visitor:
    """Registered, and not logged in."""
    await house.register()
    return Visitor(house)
