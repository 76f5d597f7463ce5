"""``doorward serve --app``: an application of a host, found by its import string."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from doorward.cli.main import doorward
from doorward.cli.output import Exit
from doorward.errors import Misconfigured
from doorward.serving.application import load_application
from doorward.serving.lifespan import Lifespan, StartFailed
from doorward.serving.listening import Address
from doorward.serving.member import run, send_plan
from doorward.serving.plan import Plan
from doorward.serving.run import Program
from doorward.serving.screen import first_screen
from doorward.settings import Settings
from tests.serving.client import context, get, settings_for
from tests.serving.test_member import reports

HOST = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"the host's own"})

class inner:
    app = app

number = 1
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the module ``host_of_a_test``, which is the current one; it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "host_of_a_test.py").write_text(HOST)
    (tmp_path / "broken_host_of_a_test.py").write_text("import a_module_that_nobody_has\n")
    yield tmp_path
    for name in ("host_of_a_test", "broken_host_of_a_test"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["host_of_a_test:app", "host_of_a_test:inner.app"])
def test_an_application_is_found_in_the_current_folder(name: str) -> None:
    """Also within an object of the module; the folder is put on the path once."""
    found = load_application(name)

    assert load_application(name) is found
    assert sys.path.count(str(Path.cwd())) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("host_of_a_test", "'host_of_a_test' does not name an application"),
        ("host_of_a_test.py:app", "There is no module 'host_of_a_test.py' here"),
        ("a path/main:app", "'a path/main:app' does not name an application"),
        ("nowhere_at_all:app", "There is no module 'nowhere_at_all' here"),
        ("nowhere_at_all.main:app", "There is no module 'nowhere_at_all' here"),
        ("host_of_a_test:application", "The module 'host_of_a_test' has no 'application'"),
        ("host_of_a_test:inner.other", "The module 'host_of_a_test' has no 'inner.other'"),
        ("host_of_a_test:number", "'host_of_a_test:number' is no ASGI application"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_in_a_line(name: str, told: str) -> None:
    """With the way to write it."""
    with pytest.raises(Misconfigured) as refused:
        load_application(name)

    (finding,) = refused.value.findings
    assert told in finding.what
    assert "--app main:app" in finding.fix


def test_an_error_within_the_module_is_not_hidden() -> None:
    """The module is there; what it lacks is the host's affair."""
    with pytest.raises(ModuleNotFoundError, match="a_module_that_nobody_has"):
        load_application("broken_host_of_a_test:app")


async def test_the_program_serves_it(tmp_path: Path) -> None:
    """With the same TLS, and it says so on the first screen."""
    settings = settings_for(tmp_path)
    screens: list[str] = []
    ready = asyncio.Event()

    def hear(screen: str) -> None:
        screens.append(screen)
        ready.set()

    program = Program(settings, application="host_of_a_test:app", announce=hear, drain=0.01)
    task = asyncio.create_task(program.run())
    async with asyncio.timeout(20):
        await ready.wait()

    trusted = context(settings.data_dir / "certificates" / "authority.pem")
    status, _, body = await get(settings.serving.port, tls=trusted)
    program.stop()
    await task

    assert (status, body) == (200, b"the host's own")
    assert "host_of_a_test:app on https://localhost:8443/" in screens[0]


def test_doorward_alone_names_no_application() -> None:
    """There is nothing to tell."""
    assert "Application" not in first_screen(Settings(), authority=None)


async def test_a_worker_process_tells_what_it_did_not_find(tmp_path: Path) -> None:
    """Its parent raises it again; the socket is closed."""
    ours, theirs = socket.socketpair()
    settings = settings_for(tmp_path)
    plan = Plan(settings=settings, certificate=None, private_key=None, application="nowhere_at_all:app")
    with ours, theirs, Address("127.0.0.1", 0).listener() as listener:
        send_plan(ours, plan, listener)

        code = await run(theirs)
        (report,) = await reports(ours, 1)

    assert code == 1
    assert report.event == "misconfigured"
    assert "nowhere_at_all" in report.findings[0][0]


def test_the_command_line_tells_it_too(here: Path) -> None:
    """In words and with the exit code of a configuration that cannot be."""
    CliRunner().invoke(doorward, ["init"])

    result = CliRunner().invoke(doorward, ["serve", "--app", "nowhere_at_all:app", "--http-port", "none"])

    assert result.exit_code == Exit.MISCONFIGURED
    assert "✗ There is no module 'nowhere_at_all' here." in result.stderr


@pytest.mark.parametrize("typed", [["--origin", "https://localhost:9"], ["--data-dir", "elsewhere"]])
def test_what_the_application_must_know_too_is_not_typed(typed: list[str]) -> None:
    """It would be seen by half of the program only."""
    result = CliRunner().invoke(doorward, ["serve", "--app", "host_of_a_test:app", *typed])

    assert result.exit_code == Exit.USAGE
    assert "DOORWARD_ORIGIN" in result.stderr


@pytest.mark.parametrize("raises", [True, False])
async def test_an_application_that_fails_and_raises_is_heard_by_what_it_raises(raises: bool) -> None:
    """Starlette says a traceback and raises the reason after it; others only say something."""

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "Traceback …"})
        if raises:
            raise KeyError("the reason")

    with pytest.raises(KeyError if raises else StartFailed, match="the reason" if raises else "Traceback"):
        await Lifespan(failing).start()
