"""An operator at a terminal: the command line on a fresh database of each engine."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from doorward.cli.main import doorward
from doorward.db import Row, open_database, statement
from doorward.passwords import pool
from doorward.settings import Settings
from tests.support.quick import QuickHasher


@dataclass
class Operator:
    """Types commands with the settings of one instance in the environment."""

    settings: Settings
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, typed: str | bytes | None = None) -> Result:
        """Run a command; a defect of ours is raised, with its traceback."""
        result = CliRunner().invoke(doorward, words, input=typed, env=dict(self.environ))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def execute(self, *sql: str) -> list[list[Row]]:
        """Do something to the database behind everybody's back."""
        return asyncio.run(_execute(self.settings.database_url, sql))


async def _execute(url: str, sql: tuple[str, ...]) -> list[list[Row]]:
    database = open_database(url, pool_size=1, timeout=10)
    await database.open()
    try:
        return await database.write(*(statement(text) for text in sql))
    finally:
        await database.close()


@pytest.fixture
def operator(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """Sit down in an empty folder, with the instance's settings in the environment."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(pool, "Hasher", QuickHasher)
    return Operator(settings, environ_of(settings))


def environ_of(settings: Settings, **more: Any) -> dict[str, str]:
    """Write the settings of a test as variables."""
    return {
        "DOORWARD_ORIGIN": settings.origin,
        "DOORWARD_DATA_DIR": str(settings.data_dir),
        "DOORWARD_SECRET": ",".join(secret.reveal().decode() for secret in settings.secret),
        "DOORWARD_DATABASE__URL": settings.database.url,
        "DOORWARD_ACCOUNTS__EMAIL_VERIFICATION": "off",
        **more,
    }
