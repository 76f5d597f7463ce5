"""Known vulnerabilities and newer releases of what doorward is built on, asked of kept tools: pip-audit and pip.

Both need the network, and both are quiet about not having had it: pip-audit leaves out what its service does not
answer for and reports that nothing was found, pip gives up and lists nothing. Here that is said in words.
"""

import asyncio
import contextlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any, Final

from doorward.cli.doctor.programs import Answer, ask
from doorward.cli.doctor.results import Result, advice, fine, must_fix, unknown

_CHECK: Final = "dependencies"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_SERVER_EXTRA: Final = re.compile(r"extra == ['\"]server['\"]")
_NO_NETWORK: Final = "Run it where there is a network, or look the versions up elsewhere."


@dataclass(frozen=True, slots=True)
class DependencyFacts:
    """The versions in use, and what the two tools said; an answer is ``None`` where a tool did not come to an end."""

    installed: Mapping[str, str]
    audit_tool: bool
    audit: Answer | None
    outdated: Answer | None


async def gather(*, seconds: float | None) -> DependencyFacts | None:
    """Ask both tools at the same time, each for so long at most; ``None``: ask nobody."""
    if seconds is None:
        return None
    installed = closure("doorward")
    command = _audit_command()
    # -P: nothing in the working directory may pose as a module.
    listing = [sys.executable, "-P", "-m", "pip", "list", "--outdated", "--format", "json", "--retries", "1"]
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "installed.txt"
        pinned.write_text("".join(f"{name}=={version}\n" for name, version in installed.items()), encoding="utf-8")
        options = ["--progress-spinner", "off", "--disable-pip", "--no-deps", "--format", "json"]
        audit, outdated = await asyncio.gather(
            ask([*command, *options, "--requirement", str(pinned)], seconds=seconds) if command else _nothing(),
            ask(listing, seconds=seconds),
        )
    return DependencyFacts(installed, command is not None, audit, outdated)


def closure(name: str) -> dict[str, str]:
    """Return the installed versions of all that a distribution needs, itself left out, its extra ``server`` included.

    The extras of the others are left out: what of them is needed here is asked for by ourselves.
    """
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        asking = waiting.pop()
        for requirement in metadata.requires(asking) or ():
            match = _NAME.match(requirement)
            wanted = "extra ==" not in requirement or (asking == name and _SERVER_EXTRA.search(requirement))
            needed = re.sub(r"[-_.]+", "-", match[0]).lower() if match and wanted else ""
            if needed and needed not in found:
                # What is not installed was asked for on another platform only.
                with contextlib.suppress(metadata.PackageNotFoundError):
                    found[needed] = metadata.version(needed)
                    waiting.append(needed)
    return dict(sorted(found.items()))


def check_dependencies(facts: DependencyFacts | None) -> list[Result]:
    """Judge what both tools said; ``None``: nobody was asked."""
    if facts is None:
        what = "Vulnerabilities and newer releases were not looked up, as --offline says."
        return [unknown(_CHECK, what, "Run it without --offline now and then.")]
    return [*check_vulnerabilities(facts), *check_outdated(facts)]


def check_vulnerabilities(facts: DependencyFacts) -> list[Result]:
    """Report known vulnerabilities, and what could not be looked up, which is not the same as clean."""
    if not facts.audit_tool:
        fix = "Install it, best outside of this environment: pipx install pip-audit"
        return [unknown(_CHECK, "Known vulnerabilities were not looked up: pip-audit is not installed.", fix)]
    packages = _read(facts.audit, "dependencies")
    if packages is None:
        what = "Known vulnerabilities were not looked up: pip-audit came to no end. There may be no network."
        return [unknown(_CHECK, what, _NO_NETWORK)]
    results = [
        must_fix(_CHECK, f"{package['name']} {package['version']}: {found['id']}.", _upgrade(package["name"], found))
        for package in packages
        for found in package.get("vulns", ())
    ]
    silent = [package["name"] for package in packages if "skip_reason" in package]
    if silent:
        what = f"The vulnerability service did not answer for {len(silent)} of {len(packages)} packages."
        results.append(unknown(_CHECK, what, _NO_NETWORK))
    return results or [fine(_CHECK, f"{len(packages)} packages, no known vulnerability.")]


def check_outdated(facts: DependencyFacts) -> list[Result]:
    """Report newer releases; being behind is no fault by itself."""
    listed = _read(facts.outdated, None)
    if listed is None or (not listed and facts.outdated is not None and "Retrying" in facts.outdated.errors):
        what = "Newer releases were not looked up: pip gave no answer. There may be no network."
        return [unknown(_CHECK, what, _NO_NETWORK)]
    newer = [
        f"{each['name']} {each['version']} → {each['latest_version']}"
        for each in listed
        if each["name"].lower() in facts.installed
    ]
    if newer:
        return [advice(_CHECK, f"There are newer releases: {', '.join(newer)}.", "Upgrade, and run your tests.")]
    return [fine(_CHECK, "Everything that doorward needs is the newest release.")]


async def _nothing() -> None:
    return None


def _audit_command() -> list[str] | None:
    if util.find_spec("pip_audit") is not None:
        return [sys.executable, "-P", "-m", "pip_audit"]
    found = shutil.which("pip-audit")
    return [found] if found else None


def _read(answer: Answer | None, member: str | None) -> Any:
    """Read what a tool printed; ``None`` for anything but the JSON it should be."""
    if answer is None:
        return None
    try:
        document = json.loads(answer.output)
        return document if member is None else document[member]
    except (ValueError, KeyError, TypeError):
        return None


def _upgrade(name: str, found: Mapping[str, Any]) -> str:
    fixed = ", ".join(found.get("fix_versions", ()))
    return f"Upgrade {name} to {fixed}." if fixed else "There is no fixed release yet; read the advisory."
