"""What attacks share."""

import pytest

from tests.support.house import House
from tests.support.quick import QuickHasher


@pytest.fixture
def quick(house: House) -> None:
    """Let logging in take no time in this house: ``pytestmark = pytest.mark.usefixtures("quick")``."""
    house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
