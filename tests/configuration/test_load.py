"""``Settings.load()``: the short way, which refuses what is not safe."""

import hashlib
from pathlib import Path

import pytest

from doorward.errors import Misconfigured
from doorward.settings import Settings, process_environment

SECRET = hashlib.sha256(b"load").hexdigest()


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_arguments_may_be_all_there_is() -> None:
    """An embedding host can do without any variable."""
    settings = Settings.load(environ={}, secret=SECRET, accounts={"email_verification": "off"})

    assert settings.accounts.email_verification == "off"


def test_the_environment_of_the_process_is_the_default_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """``Settings.load()`` without anything reads what everybody expects."""
    monkeypatch.setenv("DOORWARD_SECRET", SECRET)
    monkeypatch.setenv("DOORWARD_ACCOUNTS__EMAIL_VERIFICATION", "off")

    settings = Settings.load()

    assert settings.secret[0].reveal() == SECRET.encode()
    assert process_environment()["DOORWARD_SECRET"] == SECRET


def test_what_cannot_be_read_and_what_is_not_safe_are_refused_together() -> None:
    """Every finding at once, each with its fix."""
    with pytest.raises(Misconfigured) as raised:
        Settings.load(environ={"DOORWARD_ORIGN": "x"}, tokens={"access_lifetime": "soon"})

    assert len(raised.value.findings) == 4
    assert "Did you mean DOORWARD_ORIGIN?" in str(raised.value)


def test_two_instances_can_have_different_settings() -> None:
    """Nothing is kept between two loads."""
    common = {"secret": SECRET, "accounts": {"email_verification": "off"}}

    first = Settings.load(environ={}, mount_path="/a", **common)
    second = Settings.load(environ={}, mount_path="/b", **common)

    assert (first.issuer, second.issuer) == ("https://localhost:8443/a", "https://localhost:8443/b")
