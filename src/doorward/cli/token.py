"""``doorward token inspect``: what a token is, whether it is believed, and if not, why not. It changes nothing.

An access token is split into what was verified and what merely stands in it: the two never share a heading or a JSON
member, because the text of a forged token is the forger's. Refresh tokens and cookies are only judged, never spent or
touched; neither the token nor anything of which it was derived is printed.
"""

import json
from typing import TYPE_CHECKING, Any, Final

import click

from doorward.cli.instance import with_instance
from doorward.cli.output import Exit, Output, json_option
from doorward.cli.sources import Sources
from doorward.cli.standard_input import read_token
from doorward.cli.times import away
from doorward.core.clock import system_clock

if TYPE_CHECKING:
    from doorward.app import Doorward

_TIMES: Final = ("iat", "exp", "nbf", "auth_time")
_NOT_VERIFIED: Final = "*** NOT VERIFIED: anybody may have written what follows; it proves nothing ***"


@click.group()
def token() -> None:
    """Tell what a token is."""


@token.command()
@json_option
@click.pass_obj
def inspect(sources: Sources, *, as_json: bool) -> None:
    """Tell what the token on standard input is: an access token, a refresh token or the value of a session cookie.

    Ends with 1 if this instance does not believe it. Nothing is changed by looking, and no secret is printed.
    """
    text = read_token()
    report = with_instance(sources, lambda auth: _inspect(auth, text))
    if as_json:
        Output(as_json=True).record(report)
    else:
        _print(report)
    if not report["believed"]:
        raise click.exceptions.Exit(Exit.REFUSED)


async def _inspect(auth: "Doorward", text: str) -> dict[str, Any]:
    from doorward.cli.judging import judge_access_token, judge_cookie, judge_refresh_token
    from doorward.sessions.model import COOKIE_PREFIX
    from doorward.tokens.model import REFRESH_PREFIX

    now = system_clock()
    if text.startswith(REFRESH_PREFIX):
        return await judge_refresh_token(auth, text, now=now)
    if text.startswith(COOKIE_PREFIX):
        return await judge_cookie(auth, text, now=now)
    if text.count(".") == 2:
        return await judge_access_token(auth, text, now=now)
    return {"kind": "unknown", "believed": False, "why": "it has the form of none of this program's tokens"}


def _print(report: dict[str, Any]) -> None:
    output, now = Output(as_json=False), system_clock()
    names = {"access": "access token", "refresh": "refresh token", "cookie": "session cookie", "unknown": "unknown"}
    output.record(
        {
            "kind": names[report["kind"]],
            "believed": f"yes: {report['why']}" if report["believed"] else f"NO: {report['why']}",
        }
        | {name.replace("_", " "): value or "no" for name, value in report.get("facts", {}).items()}
    )
    for member, heading in (
        ("header", "Header, verified:"),
        ("claims", "Claims, verified:"),
        ("unverified_header", f"{_NOT_VERIFIED}\nHeader:"),
        ("unverified_claims", "Claims, NOT VERIFIED:"),
    ):
        if member in report:
            click.echo(f"\n{heading}")
            output.record({name: _said(name, value, now) for name, value in report[member].items()} or {"-": None})


def _said(name: str, value: object, now: int) -> str:
    """Write a claim: times in words, everything else as ASCII JSON, so that no claim can steer a terminal."""
    if name in _TIMES and type(value) is int and moment_is_writable(value):
        return f"{value} = {away(value, now=now)}"
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else json.dumps(value)


def moment_is_writable(seconds: int) -> bool:
    """Tell whether a number can be a date at all: up to the year 9999."""
    return 0 <= seconds < 253_402_300_800
