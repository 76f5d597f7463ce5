"""The table of questions that anybody may ask about a login, and the kinds of account that must answer alike.

Add a line to ``QUESTIONS`` for a new operation that takes an address or a username from somebody who is not signed in;
``test_enumeration_everywhere.py`` fails until it is there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from doorward.db import statement
from tests.support.house import PASSWORD, House

KINDS: Final = {
    "unknown": "nobody@example.test",
    "known": "ada@example.test",
    "disabled": "disabled@example.test",
    "passwordless": "passwordless@example.test",
    "suspended": "suspended@example.test",
}
"""Kinds of account, each with its login."""


@dataclass(frozen=True)
class Question:
    """One operation, asked with a body made from a login."""

    name: str
    path: str
    body: Callable[[str], dict[str, Any]]
    hashes: int
    """Password hashes that every answer costs."""
    tells: str = ""
    """Why the answer may differ, where the contract says that it does; the number of hashes never may."""


QUESTIONS: Final = (
    Question("log in", "/v1/login", lambda login: {"login": login, "password": "wrong password"}, 1),
    Question(
        "log in with a cookie",
        "/v1/login",
        lambda login: {"login": login, "password": "wrong password", "transport": "cookie"},
        1,
    ),
    Question(
        "register",
        "/v1/accounts",
        lambda login: {"email": login, "password": PASSWORD},
        1,
        tells="without verification of addresses a known one is 409 login_taken",
    ),
    Question("check a password", "/v1/password/check", lambda login: {"password": PASSWORD, "email": login}, 0),
)


async def settle(house: House) -> None:
    """Make an account of every kind that has one."""
    database = house.auth._database
    await house.register(KINDS["known"])
    disabled = await house.register(KINDS["disabled"])
    await house.auth.accounts.disable(disabled["id"])
    passwordless = await house.register(KINDS["passwordless"])
    await database.write(statement("DELETE FROM password WHERE account_id = :id", id=passwordless["id"]))
    suspended = await house.register(KINDS["suspended"])
    await database.write(statement("UPDATE password SET failures = 100 WHERE account_id = :id", id=suspended["id"]))
