"""A token exchanged for a cookie that lives on when the session has ended, or is worth more than the cookie was."""

import pytest
from msgspec.structs import replace

from doorward.settings import Settings
from tests.support.cookies import LOGIN, OTHER_PASSWORD, enter
from tests.support.house import PASSWORD, House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import JSON, OURS, Answer, bearer, call, post

pytestmark = pytest.mark.usefixtures("quick")


async def exchange(house: House, *headers: tuple[bytes, bytes]) -> Answer:
    """Ask for a token."""
    return await call(house.auth, "POST", "/v1/token/exchange", headers=headers)


async def test_the_answer_is_a_short_access_token_and_nothing_else(house: House) -> None:
    """No refresh token: the cookie is what renews it, out of reach of scripts."""
    held = await enter(house)

    answer = await exchange(house, held, OURS)

    assert answer.status == 200
    assert set(answer.json) == {"token_type", "access_token", "expires_in"}
    assert answer.json["expires_in"] == house.auth.settings.tokens.access_lifetime
    assert answer.values(b"set-cookie") == []
    assert answer.values(b"cache-control") == [b"no-store"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/logout", {}),
        ("/v1/logout", {"everywhere": True}),
        ("/v1/login", LOGIN),
    ],
)
async def test_it_dies_with_the_session(house: House, path: str, body: dict[str, object]) -> None:
    """At once, in this process, and it never opened a way to another one."""
    held = await enter(house)
    token = (await exchange(house, held, OURS)).json["access_token"]
    before = (await house.me(token)).status_code

    await post(house.auth, path, body, held, OURS)

    assert (before, (await house.me(token)).status_code) == (200, 401)
    assert (await exchange(house, held, OURS)).status == 401


async def test_it_dies_when_another_session_changes_the_password(house: House) -> None:
    """The browser that somebody else sits at has nothing left."""
    held = await enter(house)
    token = (await exchange(house, held, OURS)).json["access_token"]
    mine = (await house.log_in())["access_token"]
    change = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}

    await post(house.auth, "/v1/me/password", change, bearer(mine))

    assert (await house.me(token)).status_code == 401
    assert (await house.me(mine)).status_code == 200


async def test_it_never_outlives_the_session(settings: Settings) -> None:
    """In the session's last minute a token has less than that."""
    sessions = replace(settings.sessions, lifetime=3600, idle_lifetime=3600)
    async with open_house(replace(settings, sessions=sessions)) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        held = await enter(house)
        house.clock.advance(3550)

        answer = await exchange(house, held, OURS)

    assert answer.json["expires_in"] == 50


@pytest.mark.parametrize(
    "said",
    [
        [],
        [(b"sec-fetch-site", b"cross-site")],
        [(b"sec-fetch-site", b"same-site")],
        [(b"origin", b"https://evil.example")],
        [(b"origin", b"null")],
    ],
)
async def test_another_site_gets_none(house: House, said: list[tuple[bytes, bytes]]) -> None:
    """It is a change like any other: from our own pages, by POST."""
    held = await enter(house)

    posted = await exchange(house, held, *said)
    fetched = await call(house.auth, "GET", "/v1/token/exchange", headers=[held, OURS])

    assert (posted.status, posted.code) == (403, "cross_site_request")
    assert fetched.status == 405


async def test_a_token_is_not_exchanged_for_another(house: House) -> None:
    """Otherwise a stolen one would never end; neither is one that came by exchange."""
    held = await enter(house)
    exchanged = (await exchange(house, held, OURS)).json["access_token"]
    issued = (await house.log_in())["access_token"]

    for token in (exchanged, issued):
        answer = await exchange(house, bearer(token), OURS, JSON)
        assert (answer.status, answer.code) == (400, "invalid_request")


async def test_it_is_as_old_as_the_log_in(house: House) -> None:
    """What asks for a fresh log-in is not opened by exchanging an old one."""
    held = await enter(house)
    entered_at = house.clock.now
    house.clock.advance(3600)

    token = (await exchange(house, held, OURS)).json["access_token"]

    assert house.auth.verifier.check(token).auth_time == entered_at
