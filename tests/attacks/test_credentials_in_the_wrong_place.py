"""A credential of one kind where another belongs, two at once, or a dead one that still speaks."""

import pytest

from doorward.settings import DAY
from tests.support.house import ORIGIN, PASSWORD, House, bearer

LOGIN = {"login": "ada@example.test", "password": PASSWORD}


async def _cookie(house: House) -> str:
    answer = await house.client.post("/v1/login", json=LOGIN | {"transport": "cookie"})
    return str(answer.headers["set-cookie"].split(";")[0])


async def test_an_access_token_is_no_refresh_token(house: House) -> None:
    """One answer for every token that is not current, whatever it is (``invalid_grant``); at log-out it is nobody's."""
    pair = await house.enter()

    refused = await house.refresh(pair["access_token"])
    left = await house.client.post("/v1/logout", json={"refresh_token": pair["access_token"]})

    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_grant")
    assert left.status_code == 204
    assert (await house.me(pair["access_token"])).status_code == 200


@pytest.mark.parametrize("later", [0, 29 * DAY])
async def test_a_dead_refresh_token_ends_nothing(house: House, later: int) -> None:
    """Whoever once saw a token of a session that is over cannot log its owner out of the next one."""
    dead = (await house.enter())["refresh_token"]
    await house.client.post("/v1/logout", json={"refresh_token": dead})
    house.clock.advance(later)
    live = await house.log_in()

    left = await house.client.post("/v1/logout", json={"refresh_token": dead, "everywhere": True})

    assert left.status_code == 204
    assert (await house.me(live["access_token"])).status_code == 200


async def test_a_spent_refresh_token_ends_its_own_session_only(house: House) -> None:
    """Its use would do as much; it does not speak for the account."""
    first, other = await house.enter(), await house.log_in()
    await house.refresh(first["refresh_token"])
    house.clock.advance(31)

    await house.client.post("/v1/logout", json={"refresh_token": first["refresh_token"], "everywhere": True})

    assert (await house.me(first["access_token"])).status_code == 401
    assert (await house.me(other["access_token"])).status_code == 200


async def test_a_refresh_token_logs_out_everywhere(house: House) -> None:
    """The current one does, and so does one spent a moment ago by a racer."""
    first, other = await house.enter(), await house.log_in()
    await house.refresh(first["refresh_token"])

    await house.client.post("/v1/logout", json={"refresh_token": first["refresh_token"], "everywhere": True})

    assert (await house.me(other["access_token"])).status_code == 401


async def test_a_log_out_with_two_credentials_of_different_kinds_ends_both(house: House) -> None:
    """The cookie is cleared, so its session must not live on."""
    pair = await house.enter()
    cookie = await _cookie(house)

    await house.client.post(
        "/v1/logout", json={"refresh_token": pair["refresh_token"]}, headers={"Cookie": cookie, "Origin": ORIGIN}
    )

    assert (await house.me(pair["access_token"])).status_code == 401
    assert (await house.client.get("/v1/me", headers={"Cookie": cookie})).status_code == 401


@pytest.mark.parametrize("path", ["/v1/login", "/v1/logout", "/v1/token/refresh", "/v1/password/check", "/health/live"])
async def test_two_credentials_are_refused_on_every_route(house: House, path: str) -> None:
    """Also where none is needed (``http-api.md``)."""
    token = (await house.enter())["access_token"]
    both = bearer(token) | {"Cookie": await _cookie(house), "Origin": ORIGIN}
    method = "GET" if path.startswith("/health") else "POST"

    answer = await house.client.request(method, path, json=None if method == "GET" else {}, headers=both)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_bearer_log_in_clears_the_cookie_it_replaces(house: House) -> None:
    """Beside the new token the dead cookie would be a second credential for ever."""
    await house.register()
    headers = {"Cookie": await _cookie(house), "Origin": ORIGIN}

    answer = await house.client.post("/v1/login", json=LOGIN, headers=headers)

    assert answer.headers["set-cookie"].startswith("__Host-doorward=; ")
    assert answer.headers["set-cookie"].endswith("Max-Age=0")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/reauthenticate", {"password": PASSWORD}),
        ("/v1/me/password", {"current_password": PASSWORD, "new_password": "another horse, another staple"}),
    ],
)
async def test_an_exchanged_token_is_never_traded_for_the_cookie(house: House, path: str, body: dict[str, str]) -> None:
    """Whoever has the short token of a browser application does not get the session of the browser."""
    await house.register()
    cookie = {"Cookie": await _cookie(house), "Origin": ORIGIN}
    exchanged = (await house.client.post("/v1/token/exchange", headers=cookie)).json()["access_token"]

    answer = await house.client.post(path, json=body, headers=bearer(exchanged))

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "set-cookie" not in answer.headers
    assert (await house.client.get("/v1/me", headers=cookie)).status_code == 200


async def test_a_body_without_its_type_is_not_overlooked(house: House) -> None:
    """Somebody who asks to be logged out everywhere must not be told that it was done."""
    pair, other = await house.enter(), await house.log_in()

    async def chunks() -> object:
        yield b'{"everywhere": true}'

    answer = await house.client.post("/v1/logout", content=chunks(), headers=bearer(pair["access_token"]))

    assert answer.status_code == 415
    assert (await house.me(other["access_token"])).status_code == 200
