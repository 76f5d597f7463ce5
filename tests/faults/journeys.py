"""Every request that writes, and some that only read: how to get there, and what it is like to try again."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.house import PASSWORD, House, bearer

OTHER_PASSWORD = "another correct horse battery staple"

_numbers = itertools.count()


@dataclass
class Person:
    """Somebody with an account and what they hold."""

    email: str
    account: dict[str, Any]
    pair: dict[str, Any]
    older: dict[str, Any]
    cookie: str

    @property
    def bearer(self) -> dict[str, str]:
        """The headers of a program."""
        return bearer(self.pair["access_token"])

    @property
    def page(self) -> dict[str, str]:
        """The headers of a page of this origin, with the cookie."""
        return {"Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"}


Act = Callable[[House, Person], Awaitable[httpx2.Response]]


@dataclass(frozen=True)
class Journey:
    """One request. ``again`` is what the same request may answer after the answer to the first was lost."""

    name: str
    act: Act
    status: int
    again: frozenset[int]
    ends: str = ""
    """Which of the person's credentials is dead when it has got through."""

    def __str__(self) -> str:
        return self.name


async def somebody(house: House) -> Person:
    """Make a person with two bearer sessions and a cookie session."""
    email = f"person{next(_numbers)}@example.test"
    account = await house.register(email)
    older, pair = await house.log_in(email), await house.log_in(email)
    entered = await house.client.post("/v1/login", json={"login": email, "password": PASSWORD, "transport": "cookie"})
    house.client.cookies.clear()
    return Person(email, account, pair, older, entered.headers["set-cookie"].split(";")[0])


def _post(path: str, *, headers: str = "", **body: Any) -> Act:
    return _send("POST", path, headers=headers, **body)


def _send(method: str, path: str, *, headers: str = "", **body: Any) -> Act:
    async def act(house: House, person: Person) -> httpx2.Response:
        filled = {
            name: value(person) if callable(value) else value for name, value in body.items()
        }  # what is only known later
        return await house.client.request(
            method,
            path.replace("OLDER", person.older["session_id"]),
            json=filled if method in ("POST", "PATCH") and not path.endswith("exchange") else None,
            headers=getattr(person, headers) if headers else {},
        )

    return act


async def _register(house: House, person: Person) -> httpx2.Response:
    body = {"email": "new-" + person.email, "password": PASSWORD, "username": "n" + person.email.partition("@")[0]}
    return await house.client.post("/v1/accounts", json=body)


def _email(person: Person) -> str:
    return person.email


def _refresh_token(person: Person) -> str:
    return str(person.pair["refresh_token"])


def _journey(name: str, act: Act, status: int, *again: int, ends: str = "") -> Journey:
    return Journey(name, act, status, frozenset(again or (status,)), ends)


JOURNEYS = [
    _journey("register", _register, 201, 201, 409),
    _journey("log in", _post("/v1/login", login=_email, password=PASSWORD), 200),
    _journey("log in with a cookie", _post("/v1/login", login=_email, password=PASSWORD, transport="cookie"), 200),
    _journey(
        "log in again with a cookie",
        _post("/v1/login", headers="page", login=_email, password=PASSWORD, transport="cookie"),
        200,
    ),
    _journey("log in with a wrong password", _post("/v1/login", login=_email, password="wrong password"), 401),
    _journey("log in as nobody", _post("/v1/login", login="nobody@example.test", password="wrong password"), 401),
    _journey("refresh", _post("/v1/token/refresh", refresh_token=_refresh_token), 200),
    _journey("log out", _post("/v1/logout", headers="bearer"), 204, ends="bearer"),
    _journey("log out everywhere", _post("/v1/logout", headers="bearer", everywhere=True), 204, ends="page"),
    _journey("log out by refresh token", _post("/v1/logout", refresh_token=_refresh_token), 204, ends="bearer"),
    _journey("log out with a cookie", _post("/v1/logout", headers="page"), 204, ends="page"),
    _journey("prove the password", _post("/v1/reauthenticate", headers="bearer", password=PASSWORD), 200, 200, 401),
    _journey(
        "prove the password with a cookie",
        _post("/v1/reauthenticate", headers="page", password=PASSWORD),
        200,
        200,
        401,
    ),
    _journey(
        "change the password",
        _post("/v1/me/password", headers="bearer", current_password=PASSWORD, new_password=OTHER_PASSWORD),
        204,
        204,
        401,
    ),
    _journey(
        "change the password with a cookie",
        _post("/v1/me/password", headers="page", current_password=PASSWORD, new_password=OTHER_PASSWORD),
        204,
        204,
        401,
    ),
    _journey("change the profile", _send("PATCH", "/v1/me", headers="bearer", profile={"name": "Ada"}), 200),
    _journey("end one session", _send("DELETE", "/v1/me/sessions/OLDER", headers="bearer"), 204, 204, 404),
    _journey("end the other sessions", _send("DELETE", "/v1/me/sessions?others=true", headers="bearer"), 200),
    _journey("exchange the cookie", _post("/v1/token/exchange", headers="page"), 200),
    _journey("list the sessions", _send("GET", "/v1/me/sessions", headers="page"), 200),
    _journey("show the account", _send("GET", "/v1/me", headers="bearer"), 200),
]
