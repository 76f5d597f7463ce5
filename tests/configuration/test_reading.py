"""Sources of settings: their order, their findings, and that nothing is passed over in silence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.configuration import Reading, read
from doorward.core.secret import Secret

NOTHING: Mapping[str, Any] = {}


def whats(reading: Reading) -> list[str]:
    """The findings, without their fixes."""
    return [finding.what for finding in reading.findings]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Work in an empty folder; the fixture writes a file there, private unless another mode is given."""
    monkeypatch.chdir(tmp_path)

    def _write(name: str, text: str | bytes, mode: int = 0o600) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return path

    return _write


def test_without_sources_everything_has_its_default(write: Any) -> None:
    """An empty environment is a valid reading; whether it is safe is asked elsewhere."""
    reading = read(arguments=NOTHING, environ={})

    assert reading.settings.serving.port == 8443
    assert set(reading.sources.values()) == {"default"}
    assert not reading.findings


@given(present=st.sets(st.sampled_from(["argument", "environment", ".env", "toml"])))
def test_the_strongest_source_wins(present: set[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Arguments, then variables, then ``.env``, then ``doorward.toml``, then the default: for every combination."""
    folder = tmp_path_factory.mktemp("sources")
    env_file, toml_file = folder / ".env", folder / "doorward.toml"
    env_file.write_text("DOORWARD_SERVING__PORT=3\n" if ".env" in present else "")
    env_file.chmod(0o600)
    toml_file.write_text("[serving]\nport = 4\n" if "toml" in present else "")

    reading = read(
        arguments={"serving": {"port": 1}} if "argument" in present else {},
        environ={"DOORWARD_SERVING__PORT": "2"} if "environment" in present else {},
        env_file=env_file,
        toml_file=toml_file,
    )

    order = [("argument", 1), ("environment", 2), (".env", 3), ("toml", 4)]
    assert reading.settings.serving.port == next((port for name, port in order if name in present), 8443)


def test_the_source_of_each_setting_is_remembered(write: Any) -> None:
    """``doorward settings`` shows who won."""
    env_file = write("settings.env", "DOORWARD_SERVICE_NAME=Acme")
    write("doorward.toml", "mount_path = '/auth'", 0o644)

    reading = read(
        arguments={"origin": "https://a.example"}, environ={"DOORWARD_SERVING__PORT": "1"}, env_file=env_file
    )

    assert reading.sources["origin"] == "argument"
    assert reading.sources["serving.port"] == "environment"
    assert reading.sources["service_name"] == str(env_file)
    assert reading.sources["mount_path"] == "doorward.toml"


def test_other_programs_variables_are_none_of_our_business(write: Any) -> None:
    """An ``.env`` is often shared, and our own test suite marks its variables."""
    env_file = write(".env", "DATABASE_URL=x\n# comment\n\nexport OTHER='y'\n")

    reading = read(arguments=NOTHING, environ={"HOME": "/", "DOORWARD_TEST_POSTGRESQL": "x"}, env_file=env_file)

    assert not reading.findings


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("DOORWARD_ORGIN", "Did you mean DOORWARD_ORIGIN?"),
        ("DOORWARD_SERVING_PORT", "Did you mean DOORWARD_SERVING__PORT?"),
        ("DOORWARD_SECRET_FILES", "Did you mean DOORWARD_SECRET_FILE?"),
        ("DOORWARD_ZZZZZZZZZZZZZZZZZZZZZ", "'doorward settings' lists every name."),
    ],
)
def test_a_misspelled_variable_is_a_finding(variable: str, meant: str, write: Any) -> None:
    """A safety setting that was misspelled must not be off in silence."""
    reading = read(arguments=NOTHING, environ={variable: "x"})

    assert [finding.fix for finding in reading.findings] == [meant]


def test_unknown_names_in_files_and_arguments_are_findings_too(write: Any) -> None:
    """Every source is held to the same names."""
    write("doorward.toml", "[serving]\nprot = 1\n[nothing]\nx = 1\n")

    reading = read(arguments={"orgin": "x"}, environ={})

    assert len(reading.findings) == 3
    assert reading.findings[0].fix == "Did you mean origin?"


def test_every_problem_is_found_at_once_and_named(write: Any) -> None:
    """One start, one list; what could not be read keeps its default and is not judged again."""
    environ = {"DOORWARD_SERVING__PORT": "https", "DOORWARD_TOKENS__ACCESS_LIFETIME": "soon", "DOORWARD_NO": "x"}

    reading = read(arguments=NOTHING, environ=environ)

    assert len(reading.findings) == 3
    assert reading.unread == {"serving.port", "tokens.access_lifetime"}
    assert reading.settings.serving.port == 8443


def test_a_secret_is_the_text_itself(write: Any) -> None:
    """What is written in a variable and what is handed in by Python are the same secret."""
    reading = read(arguments=NOTHING, environ={"DOORWARD_SECRET": "old-secret,new-secret"})

    assert reading.settings.secret == (Secret("old-secret"), Secret("new-secret"))


def test_a_secret_can_be_in_a_file_of_its_own(write: Any) -> None:
    """Secret managers mount files."""
    path = write("secret", "old-secret\nnew-secret\n", 0o400)

    reading = read(arguments=NOTHING, environ={"DOORWARD_SECRET_FILE": str(path)})

    assert reading.settings.secret == (Secret("old-secret"), Secret("new-secret"))
    assert not reading.findings


def test_a_secrets_file_can_be_named_by_every_source(write: Any) -> None:
    """``secret_file`` stands in ``doorward.toml`` and among arguments as well."""
    first, second = write("first", "from-toml"), write("second", "from-argument")
    write("doorward.toml", f"secret_file = '{first}'")

    by_toml = read(arguments=NOTHING, environ={"DOORWARD_SECRET_FILE": ""})
    by_argument = read(arguments={"secret_file": second}, environ={})

    assert by_toml.settings.secret == (Secret("from-toml"),)
    assert by_argument.settings.secret == (Secret("from-argument"),)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_secret_file_that_others_may_read_is_a_finding(mode: int, write: Any) -> None:
    """The mode is told, and what mends it."""
    path = write("secret", "something", mode)

    reading = read(arguments=NOTHING, environ={"DOORWARD_SECRET_FILE": str(path)})

    assert [finding.fix for finding in reading.findings] == [f"Run: chmod 600 {path}"]
    assert f"(mode {mode:04o})" in reading.findings[0].what


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"\xff\xfe", "it is not UTF-8 text")])
def test_a_secret_file_that_cannot_be_read_is_a_finding(content: bytes | None, reason: str, write: Any) -> None:
    """A missing secret is not an empty one."""
    path = write("secret", content) if content else Path("missing")

    reading = read(arguments=NOTHING, environ={"DOORWARD_SECRET_FILE": str(path)})

    assert reason in reading.findings[0].what
    assert reading.unread == {"secret"}


def test_a_secret_given_twice_is_a_finding_that_does_not_show_it(write: Any) -> None:
    """Nobody can tell which one was meant."""
    path = write("secret", "in-the-file")
    environ = {"DOORWARD_SECRET": "in-the-variable", "DOORWARD_SECRET_FILE": str(path)}

    reading = read(arguments=NOTHING, environ=environ)

    assert "given twice" in reading.findings[0].what
    assert "in-the" not in str(reading.findings[0])


def test_an_env_file_that_others_may_read_is_a_finding(write: Any) -> None:
    """It holds the instance's secret."""
    env_file = write(".env", "DOORWARD_SERVICE_NAME=Acme", 0o644)

    reading = read(arguments=NOTHING, environ={}, env_file=env_file)

    assert "(mode 0644)" in whats(reading)[0]
    assert reading.settings.service_name == "Acme"


def test_an_env_file_that_is_named_must_exist(write: Any) -> None:
    """A misspelled path is told, not replaced by defaults in silence."""
    reading = read(arguments=NOTHING, environ={}, env_file=Path("missing.env"))

    assert whats(reading) == ["The settings file, missing.env, cannot be read: No such file or directory."]


def test_a_line_of_an_env_file_that_makes_no_sense_is_a_finding(write: Any) -> None:
    """The line is numbered, and not repeated: it may be half a secret."""
    env_file = write(".env", "DOORWARD_SERVICE_NAME='Acme'\n=a-secret\nDOORWARD_MOUNT_PATH\n")

    reading = read(arguments=NOTHING, environ={}, env_file=env_file)

    assert whats(reading) == [f"{env_file}, line 2, cannot be understood."]
    assert reading.settings.service_name == "Acme"


def test_variables_inside_an_env_file_are_not_expanded(write: Any) -> None:
    """A secret may contain a dollar sign."""
    env_file = write(".env", "DOORWARD_SERVICE_NAME=a${HOME}b")

    reading = read(arguments=NOTHING, environ={}, env_file=env_file)

    assert reading.settings.service_name == "a${HOME}b"


def test_a_toml_file_that_is_named_must_exist(write: Any) -> None:
    """Only the one in the working directory may be missing."""
    reading = read(arguments=NOTHING, environ={}, toml_file=Path("missing.toml"))

    assert whats(reading) == ["missing.toml cannot be read: No such file or directory."]


@pytest.mark.parametrize("content", [b"[serving", b"\xff"])
def test_a_toml_file_that_is_none_is_a_finding(content: bytes, write: Any) -> None:
    """The parser's own words name the line."""
    write("doorward.toml", content)

    reading = read(arguments=NOTHING, environ={})

    assert whats(reading)[0].startswith("doorward.toml is not valid TOML")


def test_a_toml_file_with_a_secret_must_be_private(write: Any) -> None:
    """Without a secret in it, its mode is nobody's concern."""
    write("doorward.toml", "secret = ['something']", 0o644)

    reading = read(arguments=NOTHING, environ={})

    assert whats(reading) == ["doorward.toml holds a secret and can be read or written by others (mode 0644)."]


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        ("database.url = 'postgresql://door:hunter2@db/name'", True),
        ("database.url = 'postgresql://db/name?password=hunter2'", True),
        ("mail.smtp_url = 'smtps://door:hunter2@mail'", True),
        ("database.url = 'postgresql://door@db:5432/name'", False),
    ],
)
def test_a_toml_file_with_a_password_in_a_url_must_be_private_too(text: str, is_secret: bool, write: Any) -> None:
    """Finding 9 of the review: only the settings that are secrets by their type were looked at."""
    write("doorward.toml", text, 0o644)

    reading = read(arguments=NOTHING, environ={})

    assert bool(whats(reading)) == is_secret
    assert "hunter2" not in str(reading.findings)
