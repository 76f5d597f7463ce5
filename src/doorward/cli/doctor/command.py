"""The command: gather the facts, judge them, print, and end with 1 if something must be fixed."""

import asyncio
from pathlib import Path
from typing import Final

import click

from doorward.cli.doctor.results import Level, Result
from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources, judge

_MARKS: Final = {Level.FINE: "✓", Level.ADVICE: "•", Level.UNKNOWN: "?", Level.MUST_FIX: "✗"}


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask the network about dependencies.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=60,
    show_default=True,
    help="Seconds that a lookup of dependencies may take.",
)
@json_option
@click.pass_obj
def doctor(sources: Sources, *, offline: bool, timeout: float, as_json: bool) -> None:
    """Look for what is unsafe or about to fail, and say what mends it. Looking changes nothing.

    Ends with 0 when there is nothing but advice, and with 1 when something must be fixed.
    """
    results = asyncio.run(examine(sources, offline=offline, seconds=timeout))
    wrong = sum(each.level is Level.MUST_FIX for each in results)
    if as_json:
        listed = [{"check": e.check, "level": e.level.value, "what": e.what, "fix": e.fix} for e in results]
        Output(as_json=True).record({"must_fix": wrong, "results": listed})
    else:
        _print(results, wrong)
    if wrong:
        raise click.exceptions.Exit(Exit.REFUSED)


async def examine(sources: Sources, *, offline: bool, seconds: float) -> list[Result]:
    """Gather all facts and judge them, in the order in which they are shown."""
    import doorward
    from doorward.cli.doctor import certificate, database, dependencies, files, settings
    from doorward.core.clock import system_clock

    reading, now = sources.read(), system_clock()
    chosen, findings = reading.settings, judge(reading)
    env_file = sources.env_file or Path(".env")
    file_facts, database_facts, dependency_facts = await asyncio.gather(
        files.gather(chosen, env_file),
        database.gather(chosen, is_safe=not findings, now=now),
        dependencies.gather(seconds=None if offline else seconds),
    )
    return [
        *settings.check_rules([each for each in findings if each not in file_facts.exposed]),
        *files.check_modes(file_facts.exposed),
        *files.check_git(file_facts.in_git),
        *settings.check_origin(chosen),
        *certificate.check_certificate(certificate.gather(chosen, now=now), chosen, now=now),
        *settings.check_mail(chosen),
        *settings.check_proxies(chosen),
        *settings.check_database_link(chosen),
        *database.check_database(database_facts, now=now),
        *database.check_clock(database_facts, now=now, program_made_at=_made_at(doorward.__file__)),
        *database.check_keys(database_facts.keys, chosen.tokens, now=now),
        *settings.check_password_length(chosen),
        *dependencies.check_dependencies(dependency_facts),
    ]


def _made_at(file: str) -> int:
    """Tell when the program was installed, in seconds since 1970 UTC: no clock may be behind that."""
    return int(Path(file).stat().st_mtime)


def _print(results: list[Result], wrong: int) -> None:
    width = max(len(each.check) for each in results)
    for each in results:
        click.echo(f"{_MARKS[each.level]} {each.check.ljust(width)}  {each.what}")
        if each.fix:
            click.echo(f"  {' ' * width}  → {each.fix}")
    advised = sum(each.level is Level.ADVICE for each in results)
    unseen = sum(each.level is Level.UNKNOWN for each in results)
    click.echo(f"\nTo be fixed: {wrong} · advice: {advised} · not looked at: {unseen}")
