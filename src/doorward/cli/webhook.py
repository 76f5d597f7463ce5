"""``doorward webhook``: who is told of events, and what came of telling them."""

from typing import TYPE_CHECKING, Any

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources
from doorward.cli.times import moment

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.webhooks.flows import DeliveryPage
    from doorward.webhooks.model import Answer, Endpoint


@click.group()
def webhook() -> None:
    """Tell other programs what has happened. ID is an endpoint's (whk_…), as 'webhook list' shows it."""


@webhook.command()
@click.argument("url")
@click.option(
    "--event", "events", multiple=True, help="An event's name, 'name.*' or '*'; may be repeated.", required=True
)
@json_option
@click.pass_obj
def add(sources: Sources, *, url: str, events: tuple[str, ...], as_json: bool) -> None:
    """Make an endpoint that is told of events from now on, and print the secret that signs its messages.

    The secret is derived from the instance's and stored nowhere; 'rotate-secret' makes another.
    """

    async def act(auth: "Doorward") -> "tuple[Endpoint, str]":
        return await auth.webhooks.add(url, events)

    made, secret = with_instance(sources, act)
    Output(as_json=as_json).record({**_members(made), "secret": secret})


@webhook.command("list")
@json_option
@click.pass_obj
def list_(sources: Sources, *, as_json: bool) -> None:
    """List the endpoints, the oldest first."""

    async def act(auth: "Doorward") -> "list[Endpoint]":
        return await auth.webhooks.endpoints()

    rows = [_members(each) for each in with_instance(sources, act)]
    Output(as_json=as_json).table(["id", "url", "events", "state", "failing_since"], rows)


@webhook.command()
@click.argument("endpoint", metavar="ID")
@json_option
@click.pass_obj
def remove(sources: Sources, *, endpoint: str, as_json: bool) -> None:
    """Remove an endpoint; what it was still to be told is not sent."""
    with_instance(sources, lambda auth: auth.webhooks.remove(endpoint))
    _say(as_json, {"id": endpoint, "removed": True}, f"{endpoint} is removed.")


@webhook.command()
@click.argument("endpoint", metavar="ID")
@json_option
@click.pass_obj
def test(sources: Sources, *, endpoint: str, as_json: bool) -> None:
    """Send a message of the type webhook.test now; ends with 1 unless the endpoint took it."""
    answer: Answer = with_instance(sources, lambda auth: auth.webhooks.test(endpoint))
    _say(as_json, {"id": endpoint, "answer": str(answer)}, f"{endpoint}: {answer}")
    if not 200 <= answer.status < 300:
        raise click.exceptions.Exit(Exit.REFUSED)


@webhook.command()
@click.argument("endpoint", metavar="ID")
@click.option("--cursor", default="", help="Go on after the page that named this cursor.")
@json_option
@click.pass_obj
def deliveries(sources: Sources, *, endpoint: str, cursor: str, as_json: bool) -> None:
    """List an endpoint's messages of the last two weeks and those that wait, the newest first, a page of 50."""

    async def act(auth: "Doorward") -> "DeliveryPage":
        return await auth.webhooks.page(endpoint, cursor=cursor)

    page = with_instance(sources, act)
    rows = [
        {
            "message_id": each.message_id,
            "event": each.event,
            "state": each.state,
            "attempts": each.attempts,
            "answer": each.answer or None,
            "due_at": moment(each.due_at) if each.state == "pending" else None,
            "created_at": moment(each.created_at),
        }
        for each in page.deliveries
    ]
    Output(as_json=as_json).table(["created_at", "event", "state", "attempts", "answer", "due_at", "message_id"], rows)
    if page.next and not as_json:
        click.echo(f"More: doorward webhook deliveries {endpoint} --cursor {page.next}")


@webhook.command()
@click.argument("endpoint", metavar="ID")
@json_option
@click.pass_obj
def retry(sources: Sources, *, endpoint: str, as_json: bool) -> None:
    """Have what an endpoint did not take sent again now, and take it up again if it was given up."""
    count = with_instance(sources, lambda auth: auth.webhooks.retry(endpoint))
    _say(as_json, {"id": endpoint, "due": count}, f"{endpoint}: {count} messages are due now.")


@webhook.command("rotate-secret")
@click.argument("endpoint", metavar="ID")
@json_option
@click.pass_obj
def rotate_secret(sources: Sources, *, endpoint: str, as_json: bool) -> None:
    """Make and print the next secret of an endpoint; for a day messages are signed with both."""
    secret = with_instance(sources, lambda auth: auth.webhooks.rotate_secret(endpoint))
    Output(as_json=as_json).record({"id": endpoint, "secret": secret})


def _members(endpoint: "Endpoint") -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "state": "active" if endpoint.disabled_at is None else "given up",
        "created_at": moment(endpoint.created_at),
        "failing_since": moment(endpoint.failing_since),
    }


def _say(as_json: bool, record: dict[str, Any], words: str) -> None:
    if as_json:
        Output(as_json=True).record(record)
    else:
        click.echo(words)
