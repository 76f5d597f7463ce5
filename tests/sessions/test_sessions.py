"""Sessions: how long they live, who sees them, and how they end."""

from typing import Any

import pytest
from msgspec.structs import replace

from doorward.errors import NotFound, SessionEnded
from doorward.sessions import flows
from doorward.settings import HOUR, MINUTE, Sessions, Settings
from tests.support.house import PASSWORD, House, bearer, open_house


async def enter_with_cookie(house: House, **members: Any) -> str:
    """Log in with a cookie and return its value."""
    answer = await house.client.post(
        "/v1/login", json={"login": "ada@example.test", "password": PASSWORD, "transport": "cookie", **members}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.headers["set-cookie"].split(";")[0].partition("=")[2])


async def call(house: House, cookie: str) -> int:
    """Call a protected route with a cookie."""
    return (await house.client.get("/v1/me", headers={"Cookie": f"__Host-doorward={cookie}"})).status_code


async def test_a_cookie_session_ends_when_it_is_idle(house: House) -> None:
    """Use keeps it; the server's clock decides."""
    await house.register()
    cookie = await enter_with_cookie(house)

    house.clock.advance(2 * HOUR - 1)
    in_time = await call(house, cookie)
    house.clock.advance(2 * HOUR - 1)
    in_time_again = await call(house, cookie)
    house.clock.advance(2 * HOUR)

    assert (in_time, in_time_again, await call(house, cookie)) == (200, 200, 401)


async def test_a_cookie_session_ends_at_its_deadline_whatever_its_use(house: House) -> None:
    """Twelve hours, and not a second more."""
    await house.register()
    cookie = await enter_with_cookie(house)
    for _ in range(12):
        house.clock.advance(HOUR - 5)
        assert await call(house, cookie) == 200

    house.clock.advance(12 * 5)

    assert await call(house, cookie) == 401


async def test_a_remembered_session_has_a_cookie_that_stays(house: House) -> None:
    """The browser keeps it for thirty days."""
    await house.register()

    answer = await house.client.post(
        "/v1/login",
        json={"login": "ada@example.test", "password": PASSWORD, "transport": "cookie", "remember": True},
    )

    assert answer.headers.get_list("set-cookie")[0].endswith("; Max-Age=2592000")


async def test_a_session_shows_where_and_when(house: House) -> None:
    """Exactly the members of the contract."""
    pair = await house.enter()
    house.clock.advance(MINUTE)
    await enter_with_cookie(house)
    await house.refresh(pair["refresh_token"])

    answer = await house.client.get("/v1/me/sessions", headers=bearer(pair["access_token"]))

    cookie, bearer_session = answer.json()["sessions"]
    assert answer.json()["next"] is None
    assert (cookie["transport"], cookie["current"]) == ("cookie", False)
    assert bearer_session == {
        "id": pair["session_id"],
        "current": True,
        "created_at": "2027-01-15T08:00:00Z",
        "last_seen_at": "2027-01-15T08:01:00Z",
        "auth_time": "2027-01-15T08:00:00Z",
        "amr": ["pwd"],
        "user_agent": house.client.headers["user-agent"],
        "ip_prefix": "203.0.113.0/24",
        "transport": "bearer",
    }


async def test_a_session_that_is_not_remembered_has_a_cookie_that_goes(settings: Settings) -> None:
    """Whatever the lifetimes are set to."""
    sessions = Sessions(idle_lifetime=HOUR, remembered_idle_lifetime=HOUR)
    async with open_house(replace(settings, sessions=sessions)) as house:
        await house.register()
        login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
        answer = await house.client.post("/v1/login", json=login)

    assert "Max-Age" not in answer.headers.get_list("set-cookie")[0]


async def test_sessions_are_paged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every session once."""
    monkeypatch.setattr(flows, "PAGE_SIZE", 2)
    pair = await house.enter()
    for _ in range(4):
        await house.log_in()

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (
            await house.client.get("/v1/me/sessions", params={"cursor": cursor}, headers=bearer(pair["access_token"]))
        ).json()
        seen += [session["id"] for session in page["sessions"]]
        cursor = page["next"]

    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("cursor", ["nonsense", "1.ses_x", "²." + "ses_" + "a" * 26, "9" * 40 + ".ses_" + "a" * 26])
async def test_a_cursor_of_the_wrong_form_starts_anew(house: House, cursor: str) -> None:
    """It is nobody's business to guess."""
    pair = await house.enter()

    answer = await house.client.get("/v1/me/sessions", params={"cursor": cursor}, headers=bearer(pair["access_token"]))

    assert len(answer.json()["sessions"]) == 1


async def test_one_session_is_ended_by_its_owner(house: House) -> None:
    """Its tokens are dead at once; ending it again finds nothing."""
    mine, other = await house.enter(), await house.log_in()
    path = f"/v1/me/sessions/{other['session_id']}"

    ended = await house.client.delete(path, headers=bearer(mine["access_token"]))
    again = await house.client.delete(path, headers=bearer(mine["access_token"]))

    assert (ended.status_code, again.status_code) == (204, 404)
    assert (await house.me(other["access_token"])).status_code == 401
    assert (await house.refresh(other["refresh_token"])).status_code == 401
    assert (await house.me(mine["access_token"])).status_code == 200


async def test_somebody_elses_session_is_not_found(house: House) -> None:
    """The same answer as for one that never was."""
    mine, theirs = await house.enter(), await house.enter("eve@example.test")

    for session_id in (theirs["session_id"], "ses_" + "a" * 26, "nonsense"):
        answer = await house.client.delete(f"/v1/me/sessions/{session_id}", headers=bearer(mine["access_token"]))
        assert answer.status_code == 404
    assert (await house.me(theirs["access_token"])).status_code == 200


async def test_all_other_sessions_are_ended(house: House) -> None:
    """And counted; the one that asks goes on."""
    mine = await house.enter()
    others = [await house.log_in() for _ in range(2)]
    cookie = await enter_with_cookie(house)

    refused = await house.client.delete("/v1/me/sessions", headers=bearer(mine["access_token"]))
    answer = await house.client.delete(
        "/v1/me/sessions", params={"others": "true"}, headers=bearer(mine["access_token"])
    )

    assert refused.status_code == 422
    assert answer.json() == {"ended": 3}
    assert [(await house.me(other["access_token"])).status_code for other in others] == [401, 401]
    assert await call(house, cookie) == 401
    assert (await house.me(mine["access_token"])).status_code == 200


async def test_log_out_everywhere_ends_all(house: House) -> None:
    """Including the session that asks."""
    mine, other = await house.enter(), await house.log_in()

    answer = await house.client.post("/v1/logout", json={"everywhere": True}, headers=bearer(mine["access_token"]))

    assert answer.status_code == 204
    assert (await house.me(mine["access_token"])).status_code == 401
    assert (await house.me(other["access_token"])).status_code == 401


async def test_log_out_by_refresh_token(house: House) -> None:
    """An access token that has expired is not needed; a spent refresh token of the family does as well."""
    pair = await house.enter()
    await house.refresh(pair["refresh_token"])

    answer = await house.client.post("/v1/logout", json={"refresh_token": pair["refresh_token"]})

    assert answer.status_code == 204
    assert (await house.me(pair["access_token"])).status_code == 401


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({}, {}),
        ({"refresh_token": "dwr_nonsense"}, {}),
        ({}, {"Authorization": "Bearer nonsense"}),
        ({}, {"Cookie": "__Host-doorward=nonsense", "Sec-Fetch-Site": "same-origin"}),
    ],
)
async def test_log_out_of_nobody_is_no_error(house: House, body: dict[str, str], headers: dict[str, str]) -> None:
    """Dead, unknown or none: the caller is logged out, which is what was asked."""
    answer = await house.client.post("/v1/logout", json=body, headers=headers)

    assert answer.status_code == 204
    assert answer.headers["set-cookie"].startswith("__Host-doorward=; ")


async def test_log_out_twice_is_no_error(house: House) -> None:
    """Also with an access token that this very moment was ended by somebody else, and without a body."""
    pair = await house.enter()

    first = await house.client.post("/v1/logout", headers=bearer(pair["access_token"]))
    by_refresh_token = await house.client.post("/v1/logout", json={"refresh_token": pair["refresh_token"]})

    assert (first.status_code, by_refresh_token.status_code) == (204, 204)
    assert (await house.me(pair["access_token"])).status_code == 401


async def test_a_log_in_replaces_the_cookie_session_that_comes_with_it(house: House) -> None:
    """The former session ends, and its cookie is worth nothing."""
    await house.register()
    before = await enter_with_cookie(house)

    answer = await house.browser.post(
        "/v1/login",
        json={"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"},
        headers={"Cookie": f"__Host-doorward={before}"},
    )

    assert answer.status_code == 200
    assert await call(house, before) == 401


async def test_a_session_replaced_meanwhile_does_not_disturb_a_log_in(house: House) -> None:
    """Two log-ins with the same old cookie both succeed."""
    await house.register()
    cookie = await enter_with_cookie(house)
    resumed = await house.auth.sessions.resume(cookie)
    assert resumed is not None
    await house.auth.sessions.end_all(resumed.session.account_id, why="test")

    log_in = await house.auth.passwords.log_in(login="ada@example.test", password=PASSWORD, replaces=resumed.session)

    assert log_in.tokens is not None


async def test_the_oldest_session_gives_way(settings: Settings) -> None:
    """An account has a bounded number of sessions."""
    async with open_house(replace(settings, sessions=Sessions(max_per_account=2))) as house:
        pairs = []
        await house.register()
        for _ in range(3):
            pairs.append(await house.log_in())
            house.clock.advance(1)

        states = [(await house.me(pair["access_token"])).status_code for pair in pairs]

    assert states == [401, 200, 200]


async def test_a_cookie_whose_session_was_a_bearers_is_refused(house: House) -> None:
    """The handle of a bearer session makes no cookie."""
    pair = await house.enter()
    session = await house.auth.sessions.find(pair["session_id"])
    assert session is not None

    assert await house.auth.sessions.resume(house.auth.sessions.cookie(session)) is None


async def test_in_process_an_unknown_session_raises(house: House) -> None:
    """The refusals of HTTP, as exceptions."""
    with pytest.raises(NotFound):
        await house.auth.sessions.end("ses_" + "a" * 26, account_id="acc_" + "a" * 26, why="test")
    with pytest.raises(SessionEnded):
        await house.auth.passwords.reauthenticate(session_id="ses_" + "a" * 26, password=PASSWORD)
