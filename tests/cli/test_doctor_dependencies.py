"""``doorward doctor``: vulnerabilities and newer releases, and being clear about what was not looked up."""

import json
import sys
from importlib import metadata, util
from typing import Any

import pytest

from doorward.cli.doctor import dependencies as checks
from doorward.cli.doctor.dependencies import DependencyFacts, check_dependencies, closure, gather
from doorward.cli.doctor.programs import Answer
from doorward.cli.doctor.results import Level

CLEAN = Answer(0, json.dumps({"dependencies": [{"name": "click", "version": "8.1.8", "vulns": []}], "fixes": []}), "")
NEWEST = Answer(0, "[]", "")
KNOWN = {"id": "PYSEC-2026-1", "fix_versions": ["8.1.9", "8.2.1"]}


def facts(**changes: Any) -> DependencyFacts:
    """Both tools say that all is well."""
    members: dict[str, Any] = {"installed": {"click": "8.1.8"}, "audit_tool": True, "audit": CLEAN, "outdated": NEWEST}
    return DependencyFacts(**{**members, **changes})


def said(**changes: Any) -> list[tuple[Level, str]]:
    """Levels and words of both checks."""
    return [(each.level, each.what) for each in check_dependencies(facts(**changes))]


def audit(*packages: dict[str, Any]) -> Answer:
    """What pip-audit prints."""
    return Answer(1, json.dumps({"dependencies": list(packages), "fixes": []}), "")


def test_all_is_well() -> None:
    """Every package was looked up."""
    assert [level for level, _ in said()] == [Level.FINE, Level.FINE]


@pytest.mark.parametrize(
    ("found", "fix"),
    [
        (KNOWN, "Upgrade click to 8.1.9, 8.2.1."),
        (KNOWN | {"fix_versions": []}, "There is no fixed release yet; read the advisory."),
    ],
)
def test_a_known_vulnerability_must_be_fixed(found: dict[str, Any], fix: str) -> None:
    """With its name and the release that mends it."""
    answer = audit({"name": "click", "version": "8.1.8", "vulns": [found]})

    result = check_dependencies(facts(audit=answer))[0]

    assert (result.level, result.what, result.fix) == (Level.MUST_FIX, "click 8.1.8: PYSEC-2026-1.", fix)


def test_what_the_service_does_not_answer_for_is_not_clean() -> None:
    """pip-audit says "No known vulnerabilities found" then."""
    answer = audit({"name": "click", "skip_reason": "not found"}, {"name": "h11", "version": "1", "vulns": []})

    level, words = said(audit=answer)[0]

    assert (level, words) == (
        Level.UNKNOWN,
        "The vulnerability service did not answer for 1 of 2 packages.",
    )


@pytest.mark.parametrize("answer", [None, Answer(1, "", "ConnectionError"), Answer(0, "{}", ""), Answer(0, "7", "")])
def test_an_audit_that_came_to_no_end_is_not_clean(answer: Answer | None) -> None:
    """No network, no time, or another program of that name."""
    level, words = said(audit=answer)[0]

    assert level is Level.UNKNOWN
    assert "There may be no network." in words


def test_without_the_tool_it_is_said_how_to_get_it() -> None:
    """It is no dependency of ours."""
    result = check_dependencies(facts(audit_tool=False, audit=None))[0]

    assert result.level is Level.UNKNOWN
    assert "pip-audit" in result.fix


def test_newer_releases_are_advice() -> None:
    """Of what doorward needs, not of what else is installed."""
    listed = [
        {"name": "Click", "version": "8.1.8", "latest_version": "8.2.0"},
        {"name": "setuptools", "version": "65", "latest_version": "84"},
    ]

    level, words = said(outdated=Answer(0, json.dumps(listed), ""))[1]

    assert (level, words) == (Level.ADVICE, "There are newer releases: Click 8.1.8 → 8.2.0.")


@pytest.mark.parametrize(
    "answer", [None, Answer(1, "", "No module named pip"), Answer(0, "[]", "WARNING: Retrying (Retry(total=0))")]
)
def test_a_list_without_a_network_is_not_newest(answer: Answer | None) -> None:
    """pip lists nothing then, and ends well."""
    level, words = said(outdated=answer)[1]

    assert level is Level.UNKNOWN
    assert "pip gave no answer" in words


def test_offline_asks_nobody() -> None:
    """And says so."""
    (result,) = check_dependencies(None)

    assert result.level is Level.UNKNOWN
    assert "--offline" in result.what


def test_everything_that_is_needed_is_found() -> None:
    """Direct and indirect, with the versions in use; not doorward itself, and no extras."""
    found = closure("doorward")

    assert found["click"] == metadata.version("click")
    assert "cffi" in found
    assert not {"doorward", "pytest"} & found.keys()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Note what would be asked."""
    commands: list[list[str]] = []

    async def ask(command: list[str], *, seconds: float) -> Answer:
        commands.append(command)
        return CLEAN if "--requirement" in command else NEWEST

    monkeypatch.setattr(checks, "ask", ask)
    return commands


async def test_the_tools_are_asked_without_the_working_directory(asked: list[list[str]]) -> None:
    """A file pip.py that lies about must not be run."""
    found = await gather(seconds=5)

    assert found == DependencyFacts(closure("doorward"), audit_tool=True, audit=CLEAN, outdated=NEWEST)
    assert all(command[:3] == [sys.executable, "-P", "-m"] for command in asked)


async def test_a_tool_outside_of_the_environment_is_found(
    asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pipx installs it."""
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/{name}")

    await gather(seconds=5)

    assert asked[0][0] == "/opt/pip-audit"


async def test_without_a_tool_only_pip_is_asked(asked: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Vulnerabilities are then not looked up, and that is said."""
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)

    found = await gather(seconds=5)

    assert len(asked) == 1
    assert found is not None
    assert not found.audit_tool


async def test_without_a_time_out_nobody_is_asked(asked: list[list[str]]) -> None:
    """That is what offline means."""
    assert await gather(seconds=None) is None
    assert not asked
