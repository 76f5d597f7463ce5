"""``doorward service``: the keys of services that ask about tokens. A key is printed once, when it is made."""

from typing import TYPE_CHECKING, Any

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Output, json_option
from doorward.cli.sources import Sources
from doorward.cli.times import moment
from doorward.core.clock import system_clock

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.services.model import Permission, Service

_KEPT = "It is not shown again; only a digest of it is kept."


@click.group()
def service() -> None:
    """Make, rotate and list the keys of services that ask about tokens."""


@service.command()
@click.argument("name")
@click.option("--audience", default="", help="The 'aud' of the tokens it is shown.  [default: that of the instance]")
@click.option(
    "--may",
    multiple=True,
    type=click.Choice(["introspect", "introspect-refresh", "revoke"]),
    default=["introspect", "revoke"],
    show_default=True,
    help="What it may do; say it again for more.",
)
@json_option
@click.pass_obj
def create(sources: Sources, name: str, *, audience: str, may: "tuple[Permission, ...]", as_json: bool) -> None:
    """Make a service and print its key, once."""

    async def act(auth: "Doorward") -> "tuple[Service, str]":
        return await auth.services.create(name, audience=audience, may=may)

    made, key = with_instance(sources, act)
    output = Output(as_json=as_json)
    shown = {"client_id": name, "secret": key, **_members(made, now=made.created_at)}
    output.record(shown if as_json else {"name": name, "key": key})
    output.say(_KEPT)


@service.command()
@click.argument("name")
@click.option("--now", is_flag=True, help="Believe the former key no more: for when it may have leaked.")
@json_option
@click.pass_obj
def rotate(sources: Sources, name: str, *, now: bool, as_json: bool) -> None:
    """Give a service another key and print it, once.

    The former key is believed for seven more days, or until the key is rotated again.
    """

    async def act(auth: "Doorward") -> tuple[int, str]:
        return await auth.services.rotate(name, now=now)

    until, key = with_instance(sources, act)
    output = Output(as_json=as_json)
    if as_json:
        output.record({"name": name, "client_id": name, "secret": key, "former_until": None if now else moment(until)})
        return
    output.record({"name": name, "key": key})
    output.say(_KEPT)
    output.say("The former key is refused now." if now else f"The former key is believed until {moment(until)}.")


@service.command("list")
@json_option
@click.pass_obj
def list_(sources: Sources, *, as_json: bool) -> None:
    """List the services by name; keys are not shown."""
    now = system_clock()
    rows = [_members(each, now=now) for each in with_instance(sources, _all)]
    output = Output(as_json=as_json)
    output.table(["name", "audience", "may", "created_at", "rotated_at", "former_until"], rows)
    if not rows:
        output.say("There are no services; 'doorward service create NAME' makes one.")


@service.command()
@click.argument("name")
@json_option
@click.pass_obj
def delete(sources: Sources, name: str, *, as_json: bool) -> None:
    """Remove a service; its keys are refused from now on, by every process."""

    async def act(auth: "Doorward") -> None:
        await auth.services.delete(name)

    with_instance(sources, act)
    output = Output(as_json=as_json)
    if as_json:
        output.record({"deleted": name})
    output.say(f"{name} is deleted; its keys are refused.")


async def _all(auth: "Doorward") -> "list[Service]":
    services: list[Service] = []
    after: str | None = ""
    while after is not None:
        page = await auth.services.page(after=after)
        services += page.services
        after = page.next
    return services


def _members(each: "Service", *, now: int) -> dict[str, Any]:
    in_overlap = each.former_until is not None and now < each.former_until
    return {
        "name": each.name,
        "audience": each.audience,
        "may": list(each.may),
        "created_at": moment(each.created_at),
        "rotated_at": moment(each.rotated_at),
        "former_until": moment(each.former_until) if in_overlap else None,
    }
