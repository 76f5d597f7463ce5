"""What commands print: aligned tables for people, JSON for programs, refusals on standard error, and the exit codes."""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeVar

import click

from doorward.errors import Finding, Misconfigured, NotFound, Problem, StorageUnavailable

Command = TypeVar("Command", bound=Callable[..., Any])


class Exit(IntEnum):
    """Why the process ended. Scripts may rely on the numbers."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    STORAGE_UNAVAILABLE = 4
    MISCONFIGURED = 5


def json_option(command: Command) -> Command:
    """Give a command the flag ``--json``; it arrives as the argument ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


class Output:
    """One command's way of printing. In JSON mode exactly one value is printed, and nothing for people."""

    def __init__(self, *, as_json: bool) -> None:
        """Choose between people and programs."""
        self.as_json = as_json

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Print rows: as aligned columns, or as a JSON array of objects that may have more members."""
        if self.as_json:
            self._json(list(rows))
            return
        lines = [
            [column.upper() for column in columns],
            *([_cell(row.get(column)) for column in columns] for row in rows),
        ]
        for line in _align(lines):
            click.echo(line)

    def record(self, record: Mapping[str, object]) -> None:
        """Print one thing: as aligned name and value, or as a JSON object."""
        if self.as_json:
            self._json(record)
            return
        for line in _align([[_cell(name), _cell(value)] for name, value in record.items()]):
            click.echo(line)

    def say(self, text: str) -> None:
        """Tell people something that programs do not need."""
        if not self.as_json:
            click.echo(text)

    def findings(self, findings: Sequence[Finding]) -> None:
        """Print findings with their fixes: to standard error for people, as an array for programs."""
        if self.as_json:
            self._json([{"what": finding.what, "fix": finding.fix} for finding in findings])
        else:
            _print_findings(findings)

    @staticmethod
    def _json(value: object) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        # JSON itself escapes only some of the characters that steer a terminal.
        click.echo("".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text))


def complain(problem: Exception) -> Exit | None:
    """Say on standard error what went wrong and return the exit code, or ``None`` for what is a defect of ours."""
    match problem:
        case Misconfigured():
            click.echo("doorward does not start like this:", err=True)
            _print_findings(problem.findings)
            return Exit.MISCONFIGURED
        case StorageUnavailable():
            click.echo(f"The database did not answer{f': {problem.why}' if problem.why else ''}.", err=True)
            return Exit.STORAGE_UNAVAILABLE
        case Problem():
            click.echo(f"{problem.title}: {problem.detail}", err=True)
            for error in problem.errors:
                click.echo(f"  {error.pointer}: {error.detail}", err=True)
            return Exit.NOT_FOUND if isinstance(problem, NotFound) else Exit.REFUSED
        case OSError():
            place = f"{problem.filename}: " if problem.filename else ""
            click.echo(f"{place}{problem.strerror or problem}.", err=True)
            return Exit.REFUSED
        case _:
            return None


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        click.echo(f"  ✗ {finding.what}\n    → {finding.fix}", err=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)
    # What people typed into a profile or forged into a token must not steer the operator's terminal (ASVS 1.2.1).
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _align(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))] if lines else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
