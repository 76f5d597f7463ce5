"""Log-in CSRF: another site logs the victim's browser in as the attacker, who later reads what the victim did."""

import pytest

from tests.support.house import ORIGIN, PASSWORD, House
from tests.support.raw import JSON, call, post

pytestmark = pytest.mark.usefixtures("quick")

LOGIN = {"login": "eve@example.test", "password": PASSWORD, "transport": "cookie"}


@pytest.mark.parametrize(
    "said",
    [
        [(b"sec-fetch-site", b"cross-site")],
        [(b"sec-fetch-site", b"same-site")],
        [(b"origin", b"https://evil.example")],
        [(b"origin", b"null")],
        [(b"sec-fetch-site", b"cross-site"), (b"origin", ORIGIN.encode())],
    ],
)
async def test_another_site_cannot_set_the_cookie(house: House, said: list[tuple[bytes, bytes]]) -> None:
    """A right password does not help: the request does not come from our page."""
    await house.register("eve@example.test")

    answer = await post(house.auth, "/v1/login", LOGIN, *said)

    assert (answer.status, answer.code) == (403, "cross_site_request")
    assert answer.values(b"set-cookie") == []


@pytest.mark.parametrize("declared", [b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data"])
async def test_an_old_browsers_form_cannot_set_the_cookie(house: House, declared: bytes) -> None:
    """Without either header the content type is the guard: no form can say ``application/json``."""
    await house.register("eve@example.test")
    body = b'{"login": "eve@example.test", "password": "%s", "transport": "cookie", "x": "="}' % PASSWORD.encode()

    answer = await call(house.auth, "POST", "/v1/login", headers=[(b"content-type", declared)], body=body)

    assert answer.status == 415
    assert answer.values(b"set-cookie") == []


async def test_a_preflight_is_not_answered(house: House) -> None:
    """A script of another site must ask before it may send JSON, and nobody says yes."""
    answer = await call(
        house.auth,
        "OPTIONS",
        "/v1/login",
        headers=[
            (b"origin", b"https://evil.example"),
            (b"access-control-request-method", b"POST"),
            (b"access-control-request-headers", b"content-type"),
        ],
    )

    assert answer.status == 405
    assert not [name for name, _ in answer.headers if name.startswith(b"access-control-")]


async def test_somebody_who_is_logged_in_cannot_be_logged_in_as_another(house: House) -> None:
    """With a live cookie the check is strict also for the bearer transport, which would end the session."""
    await house.register()
    await house.register("eve@example.test")
    entered = await post(house.auth, "/v1/login", {**LOGIN, "login": "ada@example.test"})
    held = (b"cookie", entered.values(b"set-cookie")[0].partition(b";")[0])

    for transport in ("cookie", "bearer"):
        answer = await post(house.auth, "/v1/login", {**LOGIN, "transport": transport}, held)
        assert answer.status == 403

    assert (await call(house.auth, "GET", "/v1/me", headers=[held, JSON])).status == 200
