"""Fixtures of the whole suite: every test that asks for a database runs on both engines."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from doorward.db import Database, open_database
from doorward.settings import Settings
from tests.support import engines
from tests.support.house import House, open_house, settings_for
from tests.support.mailbox import Mailbox, mailing
from tests.support.no_skips import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401 - hooks
from tests.support.quick import QuickHasher

ENGINES = ("sqlite", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    """Let the controller of the session choose where the private PostgreSQL cluster will be."""
    if not hasattr(config, "workerinput"):
        engines.prepare_cluster()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the private cluster, also after a failure."""
    if not hasattr(config, "workerinput"):
        engines.stop_cluster()


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody seal the trail or tell webhooks in the background of a test, which says itself when that is done."""
    monkeypatch.setattr("doorward.app.SEAL_INTERVAL", 86_400.0)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Name the engine that this run of the test is for."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Factories]:
    """Keep the migrated templates of this process."""
    factories = engines.Factories(tmp_path_factory.mktemp("template"), "program", engines.program_migrations)
    yield factories
    factories.close()


@pytest.fixture
def database_url(engine: str, databases: engines.Factories, tmp_path: Path) -> Iterator[str]:
    """Lend the URL of a fresh, migrated database of the engine."""
    with databases.fresh(engine, tmp_path) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Lend a fresh, migrated, open database."""
    opened = open_database(database_url, pool_size=4, timeout=10)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Make safe settings for a fresh database."""
    return settings_for(database_url, tmp_path)


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """Lend a whole instance in process, on each engine."""
    async with open_house(settings) as opened:
        yield opened


@pytest.fixture
async def mailing_house(settings: Settings) -> AsyncIterator[House]:
    """Lend an instance that proves addresses and sends mail to a box of ours, with hashing that takes no time."""
    offering = mailing(settings, sign_in_links=True)
    async with open_house(offering, mailer=Mailbox()) as opened:
        opened.auth.pool.hasher = QuickHasher(offering.passwords)
        yield opened
