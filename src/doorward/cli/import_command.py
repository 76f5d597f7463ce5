"""``doorward import``: people of another system, with the passwords they have."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.importing.flows import Options, Summary, Told
    from doorward.importing.model import Convert

FORMATS: Final = ("csv", "jsonl", "django", "fastapi-users", "keycloak", "auth0", "supabase", "firebase")
_SHOWN: Final = 20


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="Which system the file is from.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option(
    "--on-conflict",
    type=click.Choice(["skip", "stop"]),
    default="skip",
    show_default=True,
    help="A login that is taken here.",
)
@click.option(
    "--with-roles", is_flag=True, help="Take over roles (superuser, staff, those of a realm); not without it."
)
@click.option("--without-bad-hashes", is_flag=True, help="Import without a password whoever's hash is not usable here.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append what was not imported, and notes, as JSON lines.",
)
@click.option(
    "--map", "mapping", type=click.Path(path_type=Path, dir_okay=False), help="Append former id and id here, as CSV."
)
@click.option(
    "--firebase-parameters",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File (mode 0600) with the project's hash_config block.",
)
@json_option
@click.pass_obj
def import_(
    sources: Sources,
    *,
    file: Path,
    form: str,
    dry_run: bool,
    on_conflict: str,
    with_roles: bool,
    without_bad_hashes: bool,
    report: Path | None,
    mapping: Path | None,
    firebase_parameters: Path | None,
    as_json: bool,
) -> None:
    """Import accounts from a file: CSV, JSON lines, or one JSON document, read by its name and first character.

    Running the same file again goes on where it stopped, and does nothing when it had come to its end. People log in
    with the password they have; its hash is renewed then. Ends with 1 if anybody was refused.
    """
    from doorward.importing.flows import Options

    convert = _convert(form, firebase_parameters)
    options = Options(
        dry_run=dry_run,
        stop_on_conflict=on_conflict == "stop",
        with_roles=with_roles,
        without_bad_hashes=without_bad_hashes,
    )
    with ExitStack() as stack:
        tellers: list[Callable[[Told], None]] = [_Shown(as_json=as_json)]
        if report is not None:
            tellers.append(stack.enter_context(_reporting(report)))
        if mapping is not None and not dry_run:
            tellers.append(stack.enter_context(_mapping(mapping)))
        summary = _run(sources, file, form, convert, options, tellers, as_json=as_json)
    _conclude(summary, dry_run=dry_run, as_json=as_json)


def _run(
    sources: Sources,
    file: Path,
    form: str,
    convert: "Convert",
    options: "Options",
    tellers: "list[Callable[[Told], None]]",
    *,
    as_json: bool,
) -> "Summary":
    from doorward.importing.flows import source

    size = file.stat().st_size
    bar = click.progressbar(length=size, label="importing", file=sys.stderr, hidden=as_json)

    async def act(auth: "Doorward") -> "Summary":
        def progress(offset: int) -> None:
            bar.update(offset - bar.pos)

        def tell(told: "Told") -> None:
            for teller in tellers:
                teller(told)

        digest, records = source(file)
        return await auth.imports.run(
            records, convert, digest=digest, form=form, options=options, tell=tell, progress=progress
        )

    with bar:
        return with_instance(sources, act)


class _Shown:
    """Shows the first few refusals."""

    def __init__(self, *, as_json: bool) -> None:
        self._left = 0 if as_json else _SHOWN

    def __call__(self, told: "Told") -> None:
        if told.outcome == "refused" and self._left:
            self._left -= 1
            click.echo(f"\nline {told.number}: {told.words}", err=True)


@contextmanager
def _private(path: Path) -> Iterator[IO[str]]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as opened:
        yield opened


@contextmanager
def _reporting(path: Path) -> "Iterator[Callable[[Told], None]]":
    with _private(path) as opened:

        def write(told: "Told") -> None:
            if told.outcome != "imported":
                opened.write(json.dumps({"line": told.number, "outcome": told.outcome, "why": told.words}) + "\n")

        yield write


@contextmanager
def _mapping(path: Path) -> "Iterator[Callable[[Told], None]]":
    with _private(path) as opened:
        writer = csv.writer(opened)

        def write(told: "Told") -> None:
            if told.outcome == "imported":
                writer.writerow([told.former_id, told.account_id])

        yield write


def _convert(form: str, firebase_parameters: Path | None) -> "Convert":
    from doorward.configuration.reading import read_private_file
    from doorward.errors import Misconfigured
    from doorward.importing.flows import converter
    from doorward.importing.model import NotImportable

    if form != "firebase":
        return converter(form)
    if firebase_parameters is None:
        raise click.UsageError("--format firebase needs --firebase-parameters, a file with the block of the console.")
    text, findings = read_private_file(firebase_parameters, "The file of the parameters")
    if findings:
        raise Misconfigured(*findings)
    try:
        return converter(form, firebase_parameters=text or "")
    except NotImportable as wrong:
        raise click.UsageError(f"{firebase_parameters}: {wrong}.") from wrong


def _conclude(summary: "Summary", *, dry_run: bool, as_json: bool) -> None:
    output = Output(as_json=as_json)
    record = {
        "imported": summary.imported,
        "skipped": summary.skipped,
        "refused": summary.refused,
        "done_before": summary.resumed_at,
        "dry_run": dry_run,
    }
    if summary.was_finished and not dry_run:
        output.say("This file was imported before; nothing was done.")
    output.record(record)
    if summary.refused:
        raise click.exceptions.Exit(Exit.REFUSED)
