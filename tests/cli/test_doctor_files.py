"""``doorward doctor``: who else can read or replace files, and what git has or is about to get."""

import shutil
import subprocess
from pathlib import Path

import pytest

from doorward.cli.doctor import files, programs
from doorward.cli.doctor.files import check_git, check_modes
from doorward.cli.doctor.results import Level
from doorward.errors import Finding
from doorward.settings import Settings


@pytest.mark.parametrize(
    ("exposed", "level"), [((), Level.FINE), ((Finding("data is open.", "chmod"),), Level.MUST_FIX)]
)
def test_private_files_are_nobody_elses(exposed: tuple[Finding, ...], level: Level) -> None:
    """What stops a start is to be fixed; the rule is in ``configuration/files.py``."""
    (result,) = check_modes(exposed)

    assert result.level is level


@pytest.mark.parametrize(
    ("state", "level"),
    [
        ("ignored", Level.FINE),
        ("no repository", Level.FINE),
        ("not ignored", Level.MUST_FIX),
        ("tracked", Level.MUST_FIX),
        ("unknown", Level.UNKNOWN),
    ],
)
def test_secrets_stay_out_of_version_control(state: files.InGit, level: Level) -> None:
    """What a repository has once, it has for good."""
    (result,) = check_git([(Path(".env"), state)])

    assert result.level is level


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An instance with everything in its data folder."""
    data_dir = tmp_path / "data"
    (data_dir / "certificates").mkdir(parents=True)
    for name in ("doorward.db", "doorward.db-wal", "certificates/server.key", "certificates/server.pem"):
        (data_dir / name).touch(mode=0o600)
    return Settings(data_dir=data_dir)


async def test_modes_are_looked_up(settings: Settings) -> None:
    """Of what is there at this moment."""
    before = await files.gather(settings, None)
    (settings.data_dir / "doorward.db").chmod(0o644)

    facts = await files.gather(settings, None)

    assert (before.exposed, len(facts.exposed)) == ((), 1)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a ``.env`` that git knows nothing of yet."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed; 'apt-get install git' lets these tests run")
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".env").touch()
    return tmp_path


def git(folder: Path, *words: str) -> None:
    """Let git do something."""
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


async def state_of(settings: Settings, env_file: Path) -> str:
    """What is found for ``.env``."""
    return dict((await files.gather(settings, env_file)).in_git)[env_file]


async def test_env_in_a_repository_that_does_not_ignore_it(settings: Settings, repository: Path) -> None:
    """The next ``git add`` would take it."""
    assert await state_of(settings, repository / ".env") == "not ignored"


async def test_env_that_is_ignored(settings: Settings, repository: Path) -> None:
    """As ``doorward init`` sees to."""
    (repository / ".gitignore").write_text(".env\n")

    assert await state_of(settings, repository / ".env") == "ignored"


async def test_env_that_is_tracked_although_it_is_ignored(settings: Settings, repository: Path) -> None:
    """The line came too late."""
    git(repository, "add", "--force", ".env")
    (repository / ".gitignore").write_text(".env\n")

    assert await state_of(settings, repository / ".env") == "tracked"


async def test_outside_of_a_repository(settings: Settings, tmp_path: Path) -> None:
    """There is nothing to get into."""
    (tmp_path / ".env").touch()

    assert await state_of(settings, tmp_path / ".env") == "no repository"


async def test_without_git_it_is_not_known(
    settings: Settings, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is not the same as good."""
    monkeypatch.setattr("shutil.which", lambda name: None)

    assert await state_of(settings, repository / ".env") == "unknown"


async def test_a_git_that_refuses_tells_nothing(settings: Settings, tmp_path: Path) -> None:
    """For example because the repository belongs to somebody else, or is broken."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".env").touch()

    assert await state_of(settings, tmp_path / ".env") == "unknown"


async def test_a_git_that_hangs_is_given_up(
    settings: Settings, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network drive must not stop the doctor."""

    async def hang(command: list[str], *, seconds: float) -> programs.Answer | None:
        return None

    monkeypatch.setattr(files, "ask", hang)

    assert await state_of(settings, repository / ".env") == "unknown"
