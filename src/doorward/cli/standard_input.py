"""Reading what must never be an argument: arguments are seen by every user of the machine and kept in histories.

On a terminal a password is asked for twice without echo; otherwise it is one line. What is read is bounded, and only
UTF-8 is text.
"""

import sys
from typing import Final

import click

MAX_LINE_BYTES: Final = 4096
"""Above any password that the policy accepts: 256 code points of four bytes."""

MAX_TOKEN_BYTES: Final = 16384
"""Above any token that is looked at."""


def is_terminal() -> bool:
    """Tell whether a person sits at standard input."""
    return sys.stdin.isatty()


def read_password(prompt: str = "Password") -> str:
    """Ask for a new password twice without echo, or take one line. Raises ``click.ClickException`` for none."""
    if is_terminal():
        return str(click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))
    line = sys.stdin.buffer.readline(MAX_LINE_BYTES)
    password = _decode(line).removesuffix("\n").removesuffix("\r")
    if not password:
        raise click.ClickException("Standard input holds no password; its first line is the password.")
    return password


def read_token() -> str:
    """Take everything on standard input, without the blanks around. Raises ``click.ClickException`` for nothing."""
    if is_terminal():
        click.echo("Paste the token, then press Enter and Ctrl-D:", err=True)
    token = _decode(sys.stdin.buffer.read(MAX_TOKEN_BYTES)).strip()
    if not token:
        raise click.ClickException("Standard input holds no token.")
    return token


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise click.ClickException("Standard input is not UTF-8 text.") from None
