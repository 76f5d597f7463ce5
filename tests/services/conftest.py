"""What the tests of this area share."""

import pytest

from tests.support.asking import Asking, asking
from tests.support.house import House
from tests.support.quick import QuickHasher


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest) -> None:
    """Let logging in take no time in a house."""
    if "house" in request.fixturenames:
        house: House = request.getfixturevalue("house")
        house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)


@pytest.fixture
async def billing(house: House) -> Asking:
    """A service that may do the usual."""
    return await asking(house)
