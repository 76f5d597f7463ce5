"""The small schema in place of the program's."""

from collections.abc import Iterator

import pytest

from tests.db.schema import MIGRATIONS
from tests.support import engines


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Factories]:
    """Keep templates with the small schema."""
    factories = engines.Factories(tmp_path_factory.mktemp("template"), "small", lambda: MIGRATIONS)
    yield factories
    factories.close()
