"""``doorward keys``: the signing keys, whose private halves are never shown."""

from typing import TYPE_CHECKING, Any

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources
from doorward.cli.times import moment, rough
from doorward.core.clock import system_clock

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.tokens.model import SurveyedKey


@click.group()
def keys() -> None:
    """List the signing keys and rotate them. By age they rotate by themselves."""


@keys.command("list")
@json_option
@click.pass_obj
def list_(sources: Sources, *, as_json: bool) -> None:
    """List every signing key, the oldest first; changes nothing."""

    async def act(auth: "Doorward") -> "list[SurveyedKey]":
        return await auth.keys.survey()

    now = system_clock()
    rows = [_members(each, now=now) for each in with_instance(sources, act)]
    output = Output(as_json=as_json)
    output.table(["kid", "algorithm", "state", "age", "verify_until"], rows)
    if not rows:
        output.say("There are no keys yet; the first start of a server makes them.")
    if any(row["readable"] is False for row in rows):
        output.say("Not every key can be opened with the secrets that are set: run 'doorward doctor'.")


@keys.command()
@click.option("--revoke", is_flag=True, help="Believe nothing any more that was signed before, expired or not.")
@json_option
@click.pass_obj
def rotate(sources: Sources, *, revoke: bool, as_json: bool) -> None:
    """Let the staged key sign and stage another; running servers follow within a quarter of a second.

    Tokens of the former key are believed until they expire. With --revoke they die at once, the staged key is replaced
    too, and clients get new ones with their refresh tokens: for when a key or the database may have leaked.
    """
    kid = with_instance(sources, lambda auth: _rotate(auth, revoke=revoke))
    if as_json:
        Output(as_json=True).record({"active": kid, "revoked": revoke})
        return
    click.echo(f"{kid} signs now.")
    click.echo(
        "Everything signed before is refused." if revoke else "What was signed before is believed until it expires."
    )


async def _rotate(auth: "Doorward", *, revoke: bool) -> str:
    from doorward.errors import Finding, Misconfigured, TooManyAttempts
    from doorward.tokens.model import KeyState

    used = [each for each in await auth.keys.survey() if each.record.state is not KeyState.RETIRED]
    lost = [each.record.kid for each in used if each.public is None]
    if lost and not revoke:
        # Loading would retire them, and with them end what they signed: from here, that may only be the wrong .env.
        raise Misconfigured(
            Finding(
                f"Key {', '.join(lost)} was sealed with a secret that is not set here.",
                "Put the older secret in front of the newer one in DOORWARD_SECRET, separated by a comma; "
                "or run 'doorward keys rotate --revoke' if the old secret is gone for good.",
            )
        )
    try:
        return await auth.keys.rotate(revoke=revoke)
    except TooManyAttempts as problem:
        click.echo(f"{len(used)} keys are still believed; wait until what they signed has expired.", err=True)
        raise click.exceptions.Exit(Exit.REFUSED) from problem


def _members(surveyed: "SurveyedKey", *, now: int) -> dict[str, Any]:
    from doorward.tokens.model import KeyState

    record = surveyed.record
    retired = record.state is KeyState.RETIRED
    age = now - record.created_at
    return {
        "kid": record.kid,
        "algorithm": record.algorithm,
        "state": record.state.value,
        "age": rough(age),
        "age_seconds": age,
        "created_at": moment(record.created_at),
        "activated_at": moment(record.activated_at),
        "verify_until": moment(record.verify_until),
        "readable": None if retired else surveyed.public is not None,
    }
