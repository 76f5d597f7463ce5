"""A house that tells a receiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doorward.settings import Settings
from tests.support.house import House, open_house
from tests.webhooks.receiver import Receiver, receiving, telling


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    """Lend a receiver over TLS."""
    async with receiving(tmp_path) as opened:
        yield opened


@pytest.fixture
async def teller(settings: Settings, receiver: Receiver) -> AsyncIterator[House]:
    """Lend a house that may speak to the receiver, on each engine."""
    async with open_house(telling(settings, receiver)) as house:
        yield house
