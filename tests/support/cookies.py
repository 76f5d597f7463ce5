"""Cookie sessions as bytes: logging in, what a browser sends afterwards, and asking who one is."""

from typing import Any

from tests.support.house import PASSWORD, House
from tests.support.raw import Answer, call, cookie, post

LOGIN = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
OTHER_PASSWORD = "another correct horse battery staple"

Held = tuple[bytes, bytes]
"""A Cookie header."""


def held_after(answer: Answer) -> Held:
    """Return the Cookie header that a browser sends after an answer that has set one."""
    return cookie(answer.values(b"set-cookie")[0].partition(b";")[0])


async def enter(house: House, email: str = "ada@example.test", **members: Any) -> Held:
    """Register and log in by cookie."""
    await house.register(email)
    return held_after(await post(house.auth, "/v1/login", {**LOGIN, "login": email, **members}))


async def status(house: House, held: Held) -> int:
    """Ask who one is."""
    return (await call(house.auth, "GET", "/v1/me", headers=[held])).status
