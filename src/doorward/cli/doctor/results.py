"""What a check has to say. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from doorward.errors import Finding


class Level(StrEnum):
    """How much a result matters. Only ``must fix`` makes the command end with 1."""

    FINE = "fine"
    ADVICE = "advice"
    UNKNOWN = "unknown"
    """It could not be looked at, which is neither good nor bad."""
    MUST_FIX = "must fix"


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that a check found; ``fix`` is empty where nothing needs to be done."""

    check: str
    level: Level
    what: str
    fix: str = ""


def fine(check: str, what: str) -> Result:
    """Say that something is as it should be."""
    return Result(check, Level.FINE, what)


def advice(check: str, what: str, fix: str) -> Result:
    """Say what would be better otherwise."""
    return Result(check, Level.ADVICE, what, fix)


def unknown(check: str, what: str, fix: str) -> Result:
    """Say what could not be looked at, and what would make it possible."""
    return Result(check, Level.UNKNOWN, what, fix)


def must_fix(check: str, what: str, fix: str) -> Result:
    """Say what is unsafe, or about to fail."""
    return Result(check, Level.MUST_FIX, what, fix)


def must_fix_all(check: str, findings: Iterable[Finding]) -> list[Result]:
    """Take over the findings of somebody else."""
    return [must_fix(check, finding.what, finding.fix) for finding in findings]
