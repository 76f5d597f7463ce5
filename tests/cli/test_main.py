"""The group of commands: found without being imported, and refusals told in words."""

import importlib.metadata
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from doorward.cli.main import COMMANDS, doorward
from doorward.cli.output import Exit
from doorward.errors import Finding, Misconfigured, NotFound, StorageUnavailable


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command ``fail`` that raises what the test puts into the list."""
    problems: list[BaseException] = []

    @click.command()
    def fail() -> None:
        raise problems[0]

    monkeypatch.setitem(COMMANDS, "fail", ("tests.cli.test_main:fail", "Fails."))
    monkeypatch.setattr(sys.modules[__name__], "fail", fail, raising=False)
    return problems


def test_the_verifier_alone_says_what_brings_the_server() -> None:
    """``pip install doorward`` has the script too, and no click to run it with."""
    code = "import importlib.util as u\nu.find_spec = lambda name: None\nfrom doorward.cli import main\nmain()"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.endswith("pip install 'doorward[server]'\n")


def test_help_lists_every_command_and_every_exit_code() -> None:
    """Scripts rely on the codes, people on the list."""
    result = CliRunner().invoke(doorward, ["--help"])

    assert result.exit_code == 0
    assert all(f"  {name} " in result.output for name in COMMANDS)
    assert all(f"{code.value} " in result.output for code in Exit)


def test_every_listed_command_exists() -> None:
    """A name without its function would fail only when somebody needs it."""
    for name in COMMANDS:
        result = CliRunner().invoke(doorward, [name, "--help"])

        assert result.exit_code == 0, name


def test_help_imports_no_command() -> None:
    """It stays immediate however many commands there are."""
    code = "import sys; from doorward.cli.main import doorward; doorward(['--help'], standalone_mode=False); "
    code += "print([n for n in sys.modules if n in ('msgspec', 'granian', 'starlette', 'doorward.app')])"

    started = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "[]"
    assert time.perf_counter() - started < 2


def test_an_unknown_command_is_a_wrong_usage() -> None:
    """Exit code 2, as everywhere."""
    result = CliRunner().invoke(doorward, ["serv"])

    assert result.exit_code == Exit.USAGE


def test_the_console_script_runs_the_group() -> None:
    """``doorward`` is ``doorward.cli:main``."""
    code = "from doorward.cli import main; main()"

    result = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True)

    assert result.stdout == f"{importlib.metadata.version('doorward')}\n"


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (Misconfigured(Finding("It is wrong.", "Mend it.")), Exit.MISCONFIGURED, "✗ It is wrong.\n    → Mend it."),
        (StorageUnavailable("disk full"), Exit.STORAGE_UNAVAILABLE, "The database did not answer: disk full."),
        (NotFound(), Exit.NOT_FOUND, "There is nothing here"),
        (PermissionError(13, "Permission denied", "data"), Exit.REFUSED, "data: Permission denied."),
    ],
)
def test_a_refusal_is_told_with_its_exit_code(
    problem: Exception, code: Exit, said: str, failing: list[BaseException]
) -> None:
    """Never a traceback."""
    failing.append(problem)

    result = CliRunner().invoke(doorward, ["fail"])

    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_defect_of_ours_keeps_its_traceback(failing: list[BaseException]) -> None:
    """Hiding it would help nobody."""
    failing.append(ZeroDivisionError())

    result = CliRunner().invoke(doorward, ["fail"])

    assert isinstance(result.exception, ZeroDivisionError)


def test_clicks_own_refusals_are_left_to_click(failing: list[BaseException]) -> None:
    """Usage errors have their own form."""
    failing.append(click.UsageError("not like this"))

    result = CliRunner().invoke(doorward, ["fail"])

    assert result.exit_code == Exit.USAGE
