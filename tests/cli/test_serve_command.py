"""``doorward serve``: what was typed is the strongest source; what is refused is told without a traceback."""

import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from doorward.cli.main import doorward
from doorward.cli.output import Exit
from doorward.serving import run as program
from doorward.serving.lifespan import StartFailed
from doorward.settings import Settings


@pytest.fixture(autouse=True)
def _fresh_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(doorward, ["init"])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Instead of serving, keep the settings that would be served."""
    kept: list[Settings] = []
    monkeypatch.setattr(program, "serve", lambda settings, **_: kept.append(settings))
    return kept


def test_typed_options_win_over_everything(served: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments are the strongest source."""
    monkeypatch.setenv("DOORWARD_SERVING__PORT", "1")
    typed = ["--port", "9443", "--http-port", "none", "--origin", "https://localhost:9443", "--workers", "2"]

    result = CliRunner().invoke(doorward, ["serve", *typed])

    assert result.exit_code == 0, result.output
    assert served[0].origin == "https://localhost:9443"
    assert (served[0].serving.port, served[0].serving.http_port, served[0].serving.workers) == (9443, None, 2)


def test_without_options_the_configuration_is_served(served: list[Settings]) -> None:
    """Two commands are enough."""
    CliRunner().invoke(doorward, ["serve"])

    assert served[0].serving.port == 8443


def test_behind_a_proxy_is_a_flag(served: list[Settings]) -> None:
    """Absent, it leaves the other sources alone."""
    CliRunner().invoke(doorward, ["serve", "--behind-proxy", "--trusted-proxies", "10.0.0.5,10.0.0.6"])

    assert served[0].serving.behind_proxy
    assert served[0].serving.trusted_proxies == ("10.0.0.5", "10.0.0.6")


def test_an_unsafe_configuration_is_refused_with_every_finding(served: list[Settings]) -> None:
    """Nothing is opened before that."""
    result = CliRunner().invoke(doorward, ["serve", "--origin", "http://x", "--behind-proxy", "--port", "https"])

    assert result.exit_code == Exit.MISCONFIGURED
    assert result.stderr.count("✗") == 4
    assert not served


def test_a_port_in_use_is_told_in_a_line() -> None:
    """The address is named, and there is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        result = CliRunner().invoke(doorward, ["serve", "--port", str(port)])

    assert result.exit_code == Exit.REFUSED
    assert result.stderr == f"127.0.0.1:{port}: the address is in use by another program.\n"


def test_a_server_that_ends_by_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches the process sees a code that is not 0."""

    def fail(*_: Any, **__: Any) -> None:
        raise StartFailed("the app said no")

    monkeypatch.setattr(program, "serve", fail)

    result = CliRunner().invoke(doorward, ["serve"])

    assert result.exit_code == Exit.REFUSED
    assert result.stderr == "doorward has stopped: the app said no\n"
