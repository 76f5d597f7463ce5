"""What doorward itself has written: found open to others, it stops the start (finding 3 of the review)."""

import stat
from pathlib import Path

import pytest

from doorward.configuration import check_settings
from doorward.configuration.files import check_files, private_paths
from doorward.settings import Accounts, Database, Settings
from tests.configuration.test_safety import strong


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An instance with everything in its data folder, which may start."""
    data_dir = tmp_path / "data"
    (data_dir / "certificates").mkdir(parents=True)
    for name in ("doorward.db", "doorward.db-wal", "certificates/server.key", "certificates/server.pem"):
        (data_dir / name).touch(mode=0o600)
    return Settings(data_dir=data_dir, secret=(strong("one"),), accounts=Accounts(email_verification="off"))


def test_what_is_private_is_listed(settings: Settings) -> None:
    """The database with the files beside it, and every key."""
    assert [str(path.relative_to(settings.data_dir)) for path in private_paths(settings)] == [
        ".",
        "certificates",
        "certificates/server.key",
        "doorward.db",
        "doorward.db-wal",
    ]


def test_with_postgresql_there_is_no_database_file(settings: Settings) -> None:
    """Then the data folder has certificates only."""
    elsewhere = Settings(data_dir=settings.data_dir, database=Database(url="postgresql://localhost/doorward"))

    assert "doorward.db" not in {path.name for path in private_paths(elsewhere)}


@pytest.mark.parametrize(
    ("name", "mode", "is_safe"),
    [
        ("doorward.db", 0o600, True),
        ("doorward.db", 0o400, True),
        ("doorward.db", 0o640, False),
        ("doorward.db-wal", 0o604, False),
        ("certificates/server.key", 0o644, False),
        ("certificates/server.pem", 0o644, True),
        ("certificates", 0o755, True),
        ("certificates", 0o777, False),
        (".", 0o700, True),
        (".", 0o770, False),
    ],
)
def test_open_files_stop_the_start(name: str, mode: int, is_safe: bool, settings: Settings) -> None:
    """A file must not be read, and a folder not be changed: then the file in it could be replaced."""
    path = settings.data_dir / name
    path.chmod(mode)

    found = check_settings(settings)

    assert (not found) == is_safe
    if found:
        right = "700" if path.is_dir() else "600"
        assert found[0].fix == f"Run: chmod {right} {path}"
        assert f"(mode {stat.S_IMODE(path.stat().st_mode):04o})" in found[0].what


def test_all_of_them_come_at_once(settings: Settings) -> None:
    """One start, one list, in the order of the paths."""
    for name in (".", "certificates", "certificates/server.key", "doorward.db"):
        (settings.data_dir / name).chmod(0o777)

    assert len(list(check_files(settings))) == 4


def test_what_is_not_there_yet_is_no_finding(tmp_path: Path) -> None:
    """It is made private."""
    assert list(check_files(Settings(data_dir=tmp_path / "new"))) == []
