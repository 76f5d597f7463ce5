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
