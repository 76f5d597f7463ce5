"""The installed console script, as people call it: a day in the life of an instance on SQLite."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from doorward.cli.output import Exit
from tests.support.house import PASSWORD

SCRIPT = Path(sys.executable).parent / "doorward"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script."""
    return subprocess.run([SCRIPT, *words], input=typed, capture_output=True, text=True, check=False)


def test_from_nothing_to_an_account_and_its_keys(folder: Path) -> None:
    """init, account, keys, token, doctor: no trace, no colour, the documented codes."""
    made = call("init")
    created = call("account", "create", "ada@example.test", typed=f"{PASSWORD}\n")
    listed = call("account", "list", "--json")
    rotated = call("keys", "rotate")
    judged = call("token", "inspect", typed="nonsense")
    examined = call("doctor", "--offline")
    unknown = call("account", "show", "nobody@example.test")

    calls = [made, created, listed, rotated, judged, examined, unknown]
    assert [each.returncode for each in calls] == [0, 0, 0, 0, Exit.REFUSED, 0, Exit.NOT_FOUND], examined.stdout
    assert json.loads(listed.stdout)["email"] == "ada@example.test"
    assert not any("\x1b" in each.stdout + each.stderr or "Traceback" in each.stderr for each in calls)
    assert PASSWORD not in "".join(each.stdout + each.stderr for each in calls)


def test_a_reader_that_has_enough_is_no_complaint(folder: Path) -> None:
    """As in ``doorward settings | head -1``."""
    call("init")

    with subprocess.Popen([SCRIPT, "settings", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()

    assert b"Broken pipe" not in told
    assert b"Traceback" not in told
