"""A WebSocket in front of an embedded doorward: closed by the log-out itself, for tokens and for cookies."""

import asyncio
from typing import Any

import pytest

from doorward.verify import Guard
from tests.support.house import ORIGIN, PASSWORD, House, bearer
from tests.support.waiting import until
from tests.verify.parties import scope_of
from tests.verify.test_sockets import CLOSE, Wire, listening


def opened(house: House, headers: dict[str, str]) -> tuple[Wire, "asyncio.Task[Any]"]:
    """Open a socket of the host's own application."""
    wire = Wire()
    scope = scope_of(b"/socket", kind="websocket", headers=headers)
    return wire, asyncio.create_task(Guard(listening, house.auth)(scope, wire.receive, wire.send))


@pytest.mark.parametrize("transport", ["bearer", "cookie"])
async def test_a_log_out_closes_the_sockets_of_its_session(house: House, transport: str) -> None:
    """In the same process at once; and a stranger's page opens none with the cookie (cross-site hijacking)."""
    await house.register()
    if transport == "cookie":
        await house.browser.post(
            "/v1/login", json={"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
        )
        cookie = "; ".join(f"{name}={value}" for name, value in house.browser.cookies.items())
        headers = {"cookie": cookie, "origin": ORIGIN}
        foreign, refused = opened(house, {"cookie": cookie, "origin": "https://evil.example"})
        await refused
        assert [message["type"] for message in foreign.sent] == ["websocket.close"]
    else:
        headers = {name.lower(): value for name, value in bearer((await house.log_in())["access_token"]).items()}
    wire, socket = opened(house, headers)
    await until(lambda: {"type": "websocket.accept"} in wire.sent)

    client = house.browser if transport == "cookie" else house.client
    answer = await client.post("/v1/logout", json={}, headers=headers if transport == "bearer" else {})
    await socket

    assert answer.status_code == 204
    assert wire.sent[1:] == [CLOSE]


async def by_cookie(house: House) -> dict[str, str]:
    """Register and log in with a browser; return the headers of its handshake."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    await house.browser.post("/v1/login", json=login)
    return {
        "cookie": "; ".join(f"{name}={value}" for name, value in house.browser.cookies.items()),
        "origin": ORIGIN,
    }


async def test_a_socket_by_cookie_is_closed_at_the_end_of_its_session(house: House) -> None:
    """To the second, without the leeway of tokens; and not as a token, because there is none to refresh."""
    headers = await by_cookie(house)
    sessions = house.auth.settings.sessions
    end = house.clock() + sessions.lifetime
    while house.clock() < end - 1:
        house.clock.now = min(end - 1, house.clock() + sessions.idle_lifetime - 1)
        assert (await house.browser.get("/v1/me")).status_code == 200
    wire, socket = opened(house, headers)
    await until(lambda: {"type": "websocket.accept"} in wire.sent)

    house.clock.advance(1)
    await socket

    assert wire.sent[1:] == [CLOSE]


async def test_a_socket_by_cookie_outlasts_the_idle_time_out_and_no_log_out(house: House) -> None:
    """An open socket is neither a use of the session nor ended for want of one; what ends the account's sessions is."""
    headers = await by_cookie(house)
    wire, socket = opened(house, headers)
    await until(lambda: {"type": "websocket.accept"} in wire.sent)

    house.clock.advance(house.auth.settings.sessions.idle_lifetime)
    refused = await house.browser.get("/v1/me")
    another, handshake = opened(house, headers)
    await handshake
    before = list(wire.sent)
    token = (await house.log_in())["access_token"]
    await house.client.post("/v1/logout", json={"everywhere": True}, headers=bearer(token))
    await socket

    assert refused.status_code == 401
    assert [message["type"] for message in another.sent] == ["websocket.close"]
    assert before == [{"type": "websocket.accept"}]
    assert wire.sent[1:] == [CLOSE]
