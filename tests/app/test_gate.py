"""Who is calling: bearer token or cookie, never both, and where a cookie may come from."""

from typing import Any

import pytest

from doorward.errors import CrossSiteRequest, InvalidRequest, SessionEnded
from tests.support.house import ORIGIN, PASSWORD, House, bearer


async def cookie_of(house: House) -> str:
    """Register and log in with a cookie."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    return str((await house.client.post("/v1/login", json=login)).headers["set-cookie"].split(";")[0])


def scope(kind: str, **headers: str) -> dict[str, Any]:
    """Make an ASGI scope."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    made: dict[str, Any] = {"type": kind, "path": "/", "headers": raw}
    return made | ({"method": "GET"} if kind == "http" else {})


async def test_two_credentials_are_one_too_many(house: House) -> None:
    """Whoever sends both is not guessed at."""
    cookie = await cookie_of(house)
    token = (await house.log_in())["access_token"]

    answer = await house.client.get("/v1/me", headers=bearer(token) | {"Cookie": cookie})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    with pytest.raises(InvalidRequest):
        await house.auth.authenticate(scope("http", authorization=f"Bearer {token}", cookie=cookie))


async def test_two_cookies_of_the_name_are_nobody(house: House) -> None:
    """A sibling domain has tossed one in; both are cleared."""
    cookie = await cookie_of(house)

    answer = await house.client.get("/v1/me", headers={"Cookie": f"{cookie}; {cookie}"})

    assert answer.json()["code"] == "session_ended"
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_an_unsafe_method_with_a_cookie_comes_from_this_origin(house: House) -> None:
    """Neither header at all is refused as well."""
    cookie = await cookie_of(house)
    change = {"profile": {"x": 1}}

    foreign = await house.client.patch("/v1/me", json=change, headers={"Cookie": cookie, "Origin": "https://evil.test"})
    silent = await house.client.patch("/v1/me", json=change, headers={"Cookie": cookie})
    own = await house.client.patch("/v1/me", json=change, headers={"Cookie": cookie, "Origin": ORIGIN})

    assert (foreign.json()["code"], silent.json()["code"]) == ("cross_site_request", "cross_site_request")
    assert own.status_code == 200


async def test_a_web_socket_with_a_cookie_comes_from_this_origin(house: House) -> None:
    """A handshake is a GET that CORS does not hold back (cross-site WebSocket hijacking)."""
    cookie = await cookie_of(house)

    for origin in ({"origin": "https://evil.test"}, {}):
        with pytest.raises(CrossSiteRequest):
            await house.auth.authenticate(scope("websocket", cookie=cookie, **origin))
    assert await house.auth.authenticate(scope("websocket", cookie=cookie, origin=ORIGIN)) is not None


async def test_a_dead_cookie_is_said_to_be_dead(house: House) -> None:
    """A guard may treat it like none; an API says so."""
    with pytest.raises(SessionEnded):
        await house.auth.authenticate(scope("http", cookie="__Host-doorward=nonsense"))


async def test_logging_in_with_a_cookie_from_another_site_is_refused(house: House) -> None:
    """Log-in CSRF: nobody is logged in to somebody else's account."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}

    answer = await house.client.post("/v1/login", json=login, headers={"Origin": "https://evil.test"})

    assert answer.json()["code"] == "cross_site_request"


async def test_an_account_that_is_disabled_has_no_cookie_session(house: House) -> None:
    """Whatever the session's own row says."""
    cookie = await cookie_of(house)
    account = await house.auth.accounts.find_by_email("ada@example.test")
    await house.auth.accounts.disable(account.id)

    assert (await house.client.get("/v1/me", headers={"Cookie": cookie})).status_code == 401
