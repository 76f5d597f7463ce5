"""``doorward init``: makes what is missing, touches nothing that is there."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from doorward.cli.main import doorward
from doorward.configuration import check_settings, read


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run ``doorward`` and expect success."""
    result = CliRunner().invoke(doorward, [*arguments])
    assert result.exit_code == 0, result.output
    return result


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_fresh_folder_gets_a_safe_configuration(folder: Path) -> None:
    """What init writes, serve accepts."""
    result = run("init")

    reading = read(arguments={}, environ={}, env_file=folder / ".env")
    assert not reading.findings
    assert not check_settings(reading.settings)
    assert reading.settings.origin == "https://localhost:8443"
    assert result.output.endswith("Next: doorward serve\n")


def test_files_are_private_and_ignored_by_git(folder: Path) -> None:
    """The secret must neither be read by others nor be committed."""
    run("init")

    assert mode(folder / ".env") == 0o600
    assert mode(folder / "data") == 0o700
    assert (folder / ".gitignore").read_text() == ".env\ndata/\n"


def test_two_runs_do_what_one_does(folder: Path) -> None:
    """Idempotent: nothing changes, and it says so."""
    run("init")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    result = run("init")

    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert result.output.count("exists, left as it is") == 2
    assert "has what is needed" in result.output


def test_every_secret_is_new(folder: Path) -> None:
    """Two instances never share one."""
    run("init")
    first = (folder / ".env").read_text()
    (folder / ".env").unlink()

    run("init")

    assert (folder / ".env").read_text() != first


def test_what_was_there_is_kept_and_what_it_lacks_is_told(folder: Path) -> None:
    """An ``.env`` of somebody else's making is not touched."""
    (folder / ".env").write_text("OTHER=1\n")
    (folder / ".gitignore").write_text("*.pyc")

    result = run("init")

    assert (folder / ".env").read_text() == "OTHER=1\n"
    assert (folder / ".gitignore").read_text() == "*.pyc\n.env\ndata/\n"
    assert "Still to do: No secret is set." in result.output


def test_gitignore_entries_in_other_spellings_count(folder: Path) -> None:
    """``/data`` ignores the folder too."""
    (folder / ".gitignore").write_text("/.env\n/data\n")

    result = run("init")

    assert ".gitignore  has what is needed" in result.output


def test_a_link_in_the_place_of_env_is_not_followed(folder: Path) -> None:
    """A link to a file of somebody else must not be filled with a secret."""
    (folder / ".env").symlink_to(folder / "elsewhere")

    run("--env-file", str(folder / "other.env"), "init")
    result = CliRunner().invoke(doorward, ["init"])

    assert not (folder / "elsewhere").exists()
    assert ".env        exists, left as it is" in result.output


def test_the_data_folder_of_the_configuration_is_the_one_that_is_made(folder: Path) -> None:
    """A folder outside needs no entry in ``.gitignore``."""
    elsewhere = folder.parent / f"{folder.name}-data"
    (folder / "doorward.toml").write_text(f"data_dir = '{elsewhere}'")

    run("init")

    assert mode(elsewhere) == 0o700
    assert (folder / ".gitignore").read_text() == ".env\n"


def test_the_origin_can_be_told(folder: Path) -> None:
    """For a server that will have a name."""
    run("init", "--origin", "https://auth.example.com")

    assert "DOORWARD_ORIGIN=https://auth.example.com\n" in (folder / ".env").read_text()


def test_programs_get_json() -> None:
    """One object: what was done, and what is left to do."""
    result = run("init", "--json")

    answer = json.loads(result.output)
    assert set(answer["files"]) == {".env", "data", ".gitignore"}
    assert answer["still_to_do"] == []
