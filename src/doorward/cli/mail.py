"""``doorward mail``: where mail goes, what waits, what was set aside and why.

What a mail says is never shown here: the secrets in it are derived when it is sent. Only ``last`` shows mails, those of
the file mailer, which is for development.
"""

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any, Final, cast

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources
from doorward.cli.times import moment

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.mail.flows import KeepsMail, Queued
    from doorward.mail.model import Message, Outcome

_CODE: Final = re.compile(r"^ {4}(\d{4}) (\d{4})$", re.MULTILINE)
_PATIENCE: Final = 5.0
"""Seconds that ``last`` waits for the first mail: the queue is looked at once a second."""


@click.group()
def mail() -> None:
    """Try the way mail goes, and look at what waits."""


@mail.command()
@click.argument("address")
@json_option
@click.pass_obj
def test(sources: Sources, *, address: str, as_json: bool) -> None:
    """Send a test mail to ADDRESS now, and tell what the mail server says. Ends with 1 if it was not taken."""

    async def act(auth: "Doorward") -> "Outcome":
        return await auth.life.delivery.test(address)

    outcome = with_instance(sources, act)
    why = getattr(outcome, "why", "")
    output = Output(as_json=as_json)
    if as_json:
        output.record({"accepted": not why, "why": why})
    output.say(f"Not accepted: {why}" if why else f"Accepted: a test mail to {address} is on its way.")
    if why:
        raise click.exceptions.Exit(Exit.REFUSED)


@mail.command("list")
@click.option("--set-aside", "state", flag_value="set_aside", help="Those that will not be tried again.")
@click.option("--sent", "state", flag_value="sent", help="Those of the last seven days that were taken.")
@json_option
@click.pass_obj
def list_(sources: Sources, *, state: str | None, as_json: bool) -> None:
    """List the newest mails that wait: to whom, since when, and why they were not taken."""

    async def act(auth: "Doorward") -> "list[Queued]":
        return await auth.mail.page(state or "waiting")

    rows = [_members(each) for each in with_instance(sources, act)]
    output = Output(as_json=as_json)
    output.table(["id", "letter", "recipient", "tries", "queued_at", "due_at", "why"], rows)
    if not rows:
        output.say("There are none.")


@mail.command()
@click.argument("mail_id", metavar="ID", type=int)
@click.pass_obj
def retry(sources: Sources, *, mail_id: int) -> None:
    """Put a mail back into the queue; a running server tries it within a second."""

    async def act(auth: "Doorward") -> None:
        await auth.mail.retry(mail_id)

    with_instance(sources, act)
    click.echo(f"Mail {mail_id} is in the queue again.")


@mail.command()
@click.option("--code", "only_code", is_flag=True, help="Print nothing but the code in it.")
@click.pass_obj
def last(sources: Sources, *, only_code: bool) -> None:
    """Show the last mail that the file mailer wrote, for development; waits a moment for the first one."""

    async def act(auth: "Doorward") -> "Message | None":
        keeper = auth.mail.mailer
        if auth.settings.mail.delivery != "file" or keeper is None:
            raise click.UsageError("only mails of the file mailer can be shown: DOORWARD_MAIL__DELIVERY=file")
        return await _wait_for_one(cast("KeepsMail", keeper))

    message = with_instance(sources, act)
    if message is None:
        click.echo("There is no mail yet.", err=True)
        raise click.exceptions.Exit(Exit.NOT_FOUND)
    code = _CODE.search(message.text)
    if only_code and code is None:
        click.echo("There is no code in it.", err=True)
        raise click.exceptions.Exit(Exit.NOT_FOUND)
    if only_code and code is not None:
        click.echo(code[1] + code[2])
        return
    click.echo(f"To: {message.recipient}\nSubject: {message.subject}\n\n{message.text.rstrip()}")


async def _wait_for_one(mailer: "KeepsMail") -> "Message | None":
    deadline = time.monotonic() + _PATIENCE
    while not (found := mailer.recent()):
        if time.monotonic() > deadline:
            return None
        await asyncio.sleep(0.05)
    return found[0]


def _members(one: "Queued") -> dict[str, Any]:
    return {
        "id": one.id,
        "letter": one.letter,
        "recipient": one.recipient,
        "state": one.state,
        "tries": one.tries,
        "queued_at": moment(one.queued_at),
        "due_at": moment(one.due_at),
        "done_at": moment(one.done_at),
        "why": one.why,
    }
