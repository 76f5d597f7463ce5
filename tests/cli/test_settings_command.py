"""``doorward settings``: everything with its source, secrets never."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from doorward.cli.main import doorward
from doorward.cli.output import Exit
from doorward.cli.settings_reference import render
from doorward.configuration.catalogue import entries


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a fresh configuration."""
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(doorward, ["init"])
    return tmp_path


def test_every_setting_is_listed_with_value_and_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strongest source is named."""
    monkeypatch.setenv("DOORWARD_SERVING__PORT", "9443")

    result = CliRunner().invoke(doorward, ["settings"])

    lines = {line.split()[0]: line.split()[1:] for line in result.output.splitlines()[1:]}
    assert result.exit_code == 0
    assert set(entries()) == set(lines)
    assert lines["serving.port"] == ["9443", "environment"]
    assert lines["tokens.access_lifetime"] == ["10m", "default"]
    assert lines["serving.behind_proxy"] == ["false", "default"]


def test_secrets_are_counted_never_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the instance's secret nor a password inside a URL."""
    secret = (folder / ".env").read_text().split("DOORWARD_SECRET=")[1].split()[0]
    monkeypatch.setenv("DOORWARD_DATABASE__URL", "postgresql://door:hunter2@db/name")
    monkeypatch.setenv("DOORWARD_MAIL__SMTP_URL", "smtps://mail/?password=hunter2")
    monkeypatch.setenv("DOORWARD_SERVING__TRUSTED_PROXIES", "10.0.0.1,10.0.0.2")

    outputs = [CliRunner().invoke(doorward, ["settings", *more]).output for more in ([], ["--json"])]

    for output in outputs:
        assert secret not in output
        assert "hunter2" not in output
        assert "postgresql://…@db/name" in output
        assert "10.0.0.1,10.0.0.2" in output
        assert "(1 set)" in output


def test_findings_are_listed_and_end_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at a configuration works when serving it would be refused."""
    monkeypatch.setenv("DOORWARD_ORIGIN", "http://localhost")

    result = CliRunner().invoke(doorward, ["settings"])

    assert result.exit_code == Exit.REFUSED
    assert "✗ origin must begin with https://" in result.stderr


def test_programs_get_settings_and_findings_in_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable that would change each."""
    monkeypatch.setenv("DOORWARD_ORIGIN", "http://localhost")

    result = CliRunner().invoke(doorward, ["settings", "--json"])

    answer = json.loads(result.stdout)
    assert answer["settings"][0]["variable"] == "DOORWARD_ORIGIN"
    assert answer["findings"][0]["what"].startswith("origin must begin")
    assert result.exit_code == Exit.REFUSED


def test_the_reference_page_does_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the text that the committed page is compared with."""
    monkeypatch.setenv("DOORWARD_ORIGIN", "http://localhost")

    result = CliRunner().invoke(doorward, ["settings", "--markdown"])

    assert result.output == render()


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.dotted)
def test_every_setting_has_its_row_and_its_description(entry: object) -> None:
    """A setting without a sentence is not finished."""
    assert getattr(entry, "description", "")
    assert f"| `{getattr(entry, 'dotted', '')}` |" in render()


def test_the_committed_page_is_the_generated_one() -> None:
    """``doorward settings --markdown > docs/reference/settings.md``."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"

    assert page.read_text("utf-8") == render()
