"""Cookie sessions that are hot in several processes end in all of them. The moment is printed; the aim is 0.25 s."""

import sys
from typing import Any

import pytest

from tests.races.crew import Crew, Place
from tests.support.house import PASSWORD

LOGIN = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
OTHER_PASSWORD = "another correct horse battery staple"


async def _cookies(place: Place, count: int) -> list[str]:
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
        answers = [await client.post("/v1/login", json=LOGIN) for _ in range(count)]
    return [answer.headers["set-cookie"].partition(";")[0].partition("=")[2] for answer in answers]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/logout", {}),
        ("/v1/reauthenticate", {"password": PASSWORD}),
        ("/v1/me/password", {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}),
    ],
)
async def test_a_hot_cookie_is_refused_in_every_process(
    crew: Crew, place: Place, engine: str, capsys: pytest.CaptureFixture[str], path: str, body: dict[str, Any]
) -> None:
    """Log-out, step-up and a new password: the old value is dead where it was done, and elsewhere a moment later."""
    (cookie,) = await _cookies(place, 1)

    _, *seconds = await crew.run("watch_cookie", place, cookie=cookie, path=path, body=body)

    with capsys.disabled():
        sys.stdout.write(f"\n{path} on {engine}: the cookie refused elsewhere after {max(seconds) * 1000:.0f} ms\n")
    assert len(seconds) == crew.size - 1


async def test_no_session_survives_in_memory_that_was_resumed_while_it_ended(crew: Crew, place: Place) -> None:
    """Many log-outs in one process while the others ask with the same cookies: what they were told last counts."""
    cookies = await _cookies(place, 20)

    left, *others = await crew.run("resume_or_leave", place, cookies=cookies)

    assert left == [[204]] * 20
    assert others == [[[401] * 20]] * (crew.size - 1)
