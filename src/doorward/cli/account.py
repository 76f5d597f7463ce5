"""``doorward account``: what operators do with accounts.

What ends sessions takes effect in running servers within a quarter of a second: the revocation is written in the same
transaction, and the database tells them. Everything is in the audit trail like the same act over HTTP.
"""

import json
from typing import TYPE_CHECKING, Any

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Output, json_option
from doorward.cli.sources import Sources
from doorward.cli.standard_input import read_password
from doorward.cli.times import moment

if TYPE_CHECKING:
    from doorward.accounts.flows import AccountPage
    from doorward.accounts.model import Account
    from doorward.app import Doorward
    from doorward.sessions.model import Session

_WHY = "ended by an operator"


@click.group()
def account() -> None:
    """Make, show and change accounts. EMAIL is the address in any letter case, or the id (acc_…)."""


@account.command()
@click.argument("email")
@click.option("--username", help="3 to 32 letters, digits, '.', '-' or '_'.")
@click.option("--role", "roles", multiple=True, help="A role to give; may be repeated.")
@json_option
@click.pass_obj
def create(sources: Sources, *, email: str, username: str | None, roles: tuple[str, ...], as_json: bool) -> None:
    """Make an account; the password is the first line of standard input, or is asked for on a terminal.

    The policy applies as it does to everybody, also where registration is closed. You vouch for the address: it counts
    as proved. 'invite' lets its owner prove it, and choose the password.
    """
    password = read_password()

    async def act(auth: "Doorward") -> "Account":
        return await auth.accounts.register(
            email=email, password=password, username=username, roles=roles, verified=True
        )

    made = with_instance(sources, act)
    Output(as_json=as_json).record(_members(made))


@account.command("list")
@click.option("--cursor", default="", help="Go on after the page that named this cursor.")
@json_option
@click.pass_obj
def list_(sources: Sources, *, cursor: str, as_json: bool) -> None:
    """List accounts, the oldest first: a page of 100 for people.

    With --json every account from the cursor on, one JSON object a line, read page by page.
    """
    if as_json:
        with_instance(sources, lambda auth: _print_lines(auth, cursor))
        return

    async def act(auth: "Doorward") -> "AccountPage":
        return await auth.accounts.page(cursor=cursor)

    page = with_instance(sources, act)
    rows = [_members(each) for each in page.accounts]
    Output(as_json=False).table(["email", "username", "roles", "disabled", "created_at", "id"], rows)
    if page.next:
        click.echo(f"More: doorward account list --cursor {page.next}")


@account.command()
@click.argument("email")
@json_option
@click.pass_obj
def show(sources: Sources, *, email: str, as_json: bool) -> None:
    """Show an account: roles, wrong passwords since the last right one, live sessions."""

    async def act(auth: "Doorward") -> "tuple[Account, int | None, list[Session]]":
        found = await _find(auth, email)
        return found, await auth.passwords.failures(found.id), await _live_sessions(auth, found.id)

    found, failures, live = with_instance(sources, act)
    output = Output(as_json=as_json)
    record = _members(found) | {"failed_log_ins": failures, "live_sessions": len(live)}
    sessions = [_session(each) for each in live]
    if as_json:
        output.record(record | {"sessions": sessions})
        return
    output.record(record | {"profile": json.dumps(found.profile)})
    if sessions:
        output.say("")
        output.table(["id", "transport", "created_at", "last_seen_at", "ip_prefix", "user_agent"], sessions)


@account.command()
@click.argument("email")
@json_option
@click.pass_obj
def disable(sources: Sources, *, email: str, as_json: bool) -> None:
    """Refuse log-ins of an account and end all its sessions; disabling twice is no error."""

    async def act(auth: "Doorward") -> "Account":
        return await auth.accounts.disable((await _find(auth, email)).id)

    _report(with_instance(sources, act), "is disabled and its sessions have ended", as_json=as_json)


@account.command()
@click.argument("email")
@json_option
@click.pass_obj
def enable(sources: Sources, *, email: str, as_json: bool) -> None:
    """Admit log-ins of an account again; the sessions that had ended stay ended."""

    async def act(auth: "Doorward") -> "Account":
        return await auth.accounts.enable((await _find(auth, email)).id)

    _report(with_instance(sources, act), "is enabled", as_json=as_json)


@account.command()
@click.argument("email")
@click.option("--username", help="3 to 32 letters, digits, '.', '-' or '_'.")
@click.option("--role", "roles", multiple=True, help="A role to give; may be repeated.")
@json_option
@click.pass_obj
def invite(sources: Sources, *, email: str, username: str | None, roles: tuple[str, ...], as_json: bool) -> None:
    """Make an account without a password, and mail its owner a link to choose one.

    A running server sends the mail within a second. Inviting again sends another mail, and the last link is dead;
    a username or roles that are named now take the place of the former ones.
    """

    async def act(auth: "Doorward") -> "Account":
        return await auth.life.recovery.invite(email, username=username, roles=roles)

    _report(with_instance(sources, act), "is invited; the mail is in the queue", as_json=as_json)


@account.command("send-reset")
@click.argument("email")
@json_option
@click.pass_obj
def send_reset(sources: Sources, *, email: str, as_json: bool) -> None:
    """Mail an owner a link to set another password. Nobody but the owner chooses it (ASVS 6.4.6)."""

    async def act(auth: "Doorward") -> "Account":
        found = await _find(auth, email)
        await auth.life.recovery.start(found.id)
        return found

    _report(with_instance(sources, act), "gets a mail; it is in the queue", as_json=as_json)


@account.command()
@click.argument("email")
@click.confirmation_option(prompt="The account and everything that belongs to it will be gone for good. Go on?")
@json_option
@click.pass_obj
def delete(sources: Sources, *, email: str, as_json: bool) -> None:
    """Delete an account and all that names its owner; the audit trail keeps a pseudonym."""

    async def act(auth: "Doorward") -> "Account":
        found = await _find(auth, email)
        await auth.life.leaving.delete(found.id)
        return found

    _report(with_instance(sources, act), "is deleted", as_json=as_json)


@account.command("end-sessions")
@click.argument("email")
@json_option
@click.pass_obj
def end_sessions(sources: Sources, *, email: str, as_json: bool) -> None:
    """End all sessions of an account; its owner may log in again."""

    async def act(auth: "Doorward") -> "tuple[Account, int]":
        found = await _find(auth, email)
        return found, await auth.sessions.end_all(found.id, why=_WHY)

    found, ended = with_instance(sources, act)
    if as_json:
        Output(as_json=True).record({"id": found.id, "email": found.email, "ended": ended})
    else:
        click.echo(f"{found.email}: {ended} {'session has' if ended == 1 else 'sessions have'} ended.")


@account.command("set-role")
@click.argument("email")
@click.argument("roles", metavar="ROLE...", nargs=-1)
@click.option("--none", "remove_all", is_flag=True, help="Remove all roles.")
@json_option
@click.pass_obj
def set_role(sources: Sources, *, email: str, roles: tuple[str, ...], remove_all: bool, as_json: bool) -> None:
    """Give an account exactly these roles.

    Tokens issued before keep the old ones until they are refreshed or expire; 'end-sessions' ends them at once.
    """
    if bool(roles) == remove_all:
        raise click.UsageError("Name the roles, or give --none to remove all of them.")

    async def act(auth: "Doorward") -> "Account":
        return await auth.accounts.set_roles((await _find(auth, email)).id, tuple(dict.fromkeys(roles)))

    changed = with_instance(sources, act)
    _report(changed, f"has the roles {', '.join(changed.roles)}" if roles else "has no roles", as_json=as_json)


async def _find(auth: "Doorward", name: str) -> "Account":
    """Find by id or by address. An address has an ``@``, an id has none."""
    from doorward.errors import NotFound

    try:
        return await (auth.accounts.find_by_email(name) if "@" in name else auth.accounts.find(name))
    except NotFound:
        raise NotFound(detail="No account has this e-mail address or id.") from None


async def _live_sessions(auth: "Doorward", account_id: str) -> "list[Session]":
    """Read them all; an account has at most ``sessions.max_per_account``."""
    page = await auth.sessions.page(account_id)
    sessions = list(page.sessions)
    while page.next:
        page = await auth.sessions.page(account_id, cursor=page.next)
        sessions += page.sessions
    return sessions


async def _print_lines(auth: "Doorward", cursor: str) -> None:
    page = await auth.accounts.page(cursor=cursor)
    while True:
        for each in page.accounts:
            click.echo(json.dumps(_members(each)))
        if not page.next:
            return
        page = await auth.accounts.page(cursor=page.next)


def _report(changed: "Account", what: str, *, as_json: bool) -> None:
    if as_json:
        Output(as_json=True).record(_members(changed))
    else:
        click.echo(f"{changed.email} {what}.")


def _members(one: "Account") -> dict[str, Any]:
    """List the members of the HTTP contract's ``account``, and what only operators see."""
    return {
        "id": one.id,
        "email": one.email,
        "email_verified": one.email_verified,
        "username": one.username,
        "profile": one.profile,
        "roles": list(one.roles),
        "disabled": one.disabled_at is not None,
        "disabled_at": moment(one.disabled_at),
        "created_at": moment(one.created_at),
        "last_login_at": moment(one.last_login_at),
    }


def _session(one: "Session") -> dict[str, Any]:
    return {
        "id": one.id,
        "transport": one.transport,
        "amr": list(one.amr),
        "created_at": moment(one.created_at),
        "last_seen_at": moment(one.last_seen_at),
        "auth_time": moment(one.auth_time),
        "expires_at": moment(one.expires_at),
        "ip_prefix": one.ip_prefix,
        "user_agent": one.user_agent,
    }
