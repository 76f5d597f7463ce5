"""The processes of the races."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.races.crew import Crew, Place

SIZE = 4


@pytest.fixture(scope="session")
def crew() -> Iterator[Crew]:
    """Start the processes once for all races of this test process."""
    crew = Crew(SIZE)
    yield crew
    crew.close()


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Place:
    """Lend a place on a fresh database of each engine."""
    return Place(database_url, tmp_path)
