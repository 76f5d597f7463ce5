"""``doorward audit``: reading the trail, holding it against its chain, taking it elsewhere, forgetting what is old."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.audit.flows import TrailPage, Verdict
    from doorward.audit.model import Checkpoint


@click.group()
def audit() -> None:
    """Read the trail of security events, and prove that nothing was removed from it or changed."""


@audit.command("list")
@click.option("--account", "email", help="Only of this account: its address or its id (acc_…).")
@click.option("--cursor", default="", help="Go on after the page that named this cursor.")
@json_option
@click.pass_obj
def list_(sources: Sources, *, email: str | None, cursor: str, as_json: bool) -> None:
    """List events, the newest first, a page of 50."""
    from doorward.audit.model import exported_line

    async def act(auth: "Doorward") -> "TrailPage":
        account_id = None if email is None else (await _account_id(auth, email))
        return await auth.audit.page(account_id, cursor=cursor)

    page = with_instance(sources, act)
    rows: list[dict[str, Any]] = [{"id": line.id, **exported_line(line)} for line in page.lines]
    if not as_json:  # people see at once what owners did themselves
        rows = [{**row, "actor": "owner" if row["actor"] == row["account_id"] else row["actor"]} for row in rows]
    Output(as_json=as_json).table(["at", "event", "account_id", "actor", "ip_prefix", "detail"], rows)
    if page.next and not as_json:
        click.echo(f"More: doorward audit list --cursor {page.next}")


@audit.command()
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of checkpoints that 'audit checkpoint' has printed, one a line, kept where the database is not.",
)
@json_option
@click.pass_obj
def verify(sources: Sources, *, checkpoints: Path | None, as_json: bool) -> None:
    """Read the whole trail and say whether it is what was written; ends with 1 if it is not.

    Without --checkpoints an end that was cut off cleanly, together with what the database knows of it, is not seen.
    """
    expected = [] if checkpoints is None else _read_checkpoints(checkpoints)
    verdict: Verdict = with_instance(sources, lambda auth: auth.audit.verify(expected))
    faults = [{"position": fault.position, "what": fault.what} for fault in verdict.faults]
    summary: dict[str, Any] = {
        "intact": not faults,
        "lines": verdict.lines,
        "first_position": verdict.begins_after + 1,
        "last_position": verdict.ends_at,
        "erased": verdict.erased,
        "unsealed": verdict.unsealed,
        "held_against": len(expected),
    }
    output = Output(as_json=as_json)
    output.record(summary | {"faults": faults} if as_json else summary)
    for fault in verdict.faults:
        output.say(f"  ✗ position {fault.position}: {fault.what}")
    if faults:
        raise click.exceptions.Exit(Exit.REFUSED)


@audit.command()
@click.option("--after", default=0, show_default=True, help="Only what comes after this position.")
@click.pass_obj
def export(sources: Sources, *, after: int) -> None:
    """Print sealed events as JSON, one a line, the oldest first; go on later with --after the last position."""
    from doorward.audit.model import exported_line

    async def act(auth: "Doorward") -> None:
        async for line in auth.audit.sealed(after=after):
            click.echo(json.dumps(exported_line(line), separators=(",", ":")))

    with_instance(sources, act)


@audit.command()
@click.pass_obj
def checkpoint(sources: Sources) -> None:
    """Print where the chain stands, as one line of JSON; append it to a file on another machine.

    It tells nothing of the trail's content. 'audit verify --checkpoints' holds the trail against the file.
    """
    from doorward.audit.model import exported

    async def act(auth: "Doorward") -> "tuple[Checkpoint | None, str]":
        return await auth.audit.head(), auth.settings.issuer

    head, issuer = with_instance(sources, act)
    if head is None:
        click.echo("Nothing is sealed yet.", err=True)
        raise click.exceptions.Exit(Exit.NOT_FOUND)
    click.echo(json.dumps(exported(head, issuer=issuer), separators=(",", ":")))


@audit.command()
@json_option
@click.pass_obj
def prune(sources: Sources, *, as_json: bool) -> None:
    """Forget what is older than audit.retention, as running servers do by themselves."""

    async def act(auth: "Doorward") -> int:
        from doorward.core.clock import system_clock

        return await auth.audit.prune(before=system_clock() - auth.settings.audit.retention)

    through = with_instance(sources, act)
    output = Output(as_json=as_json)
    if as_json:
        output.record({"first_position": through + 1})
    else:
        output.say(f"The trail begins with position {through + 1}.")


async def _account_id(auth: "Doorward", email: str) -> str:
    from doorward.core.identifiers import is_identifier

    # What was deleted is found by its pseudonym or its former id, so an id need not be an account's.
    if is_identifier(email[:3], email):
        return email
    return (await auth.accounts.find_by_email(email)).id


def _read_checkpoints(path: Path) -> list[tuple[int, str]]:
    from doorward.audit.model import read_exported

    expected = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = read_exported(text)
        if found is None:
            raise click.ClickException(f"{path}, line {number}, is no checkpoint.")
        expected.append(found)
    return expected
