"""CORS that reflects, or that matches too much: a page of somebody else reads what the API says to a person."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from doorward.settings import Browser, Settings
from tests.support.house import ORIGIN, PASSWORD, House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import JSON, OURS, call, cookie, post

APP = b"https://app.example.com"
LOGIN = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}

NOT_LISTED = [
    b"https://evil.example",
    b"null",
    b"",
    b"*",
    b"https://app.example.com.evil.example",  # ends
    b"https://evilapp.example.com",  # begins
    b"https://evil.app.example.com",  # subdomain
    b"https://example.com",  # parent
    b"https://app.example.com:443",
    b"https://app.example.com:8443",
    b"https://app.example.com/",
    b"https://app.example.com/.",
    b"https://app.example.com.",
    b"https://APP.example.com",
    b"HTTPS://app.example.com",
    b"http://app.example.com",
    b"app.example.com",
    b"https://app.example.com@evil.example",
    b"https://evil.example#https://app.example.com",
    b"https://app-example.com",  # a dot of a pattern
    b"https://appXexample.com",
    b" https://app.example.com",
    b"https://app.example.com ",
    b"https://app.example.com\x00",
    b"https://app.example.com\xff",
    b"https://app.example.com https://evil.example",
    b"https://app.example.com,https://evil.example",
    b"https://evil.example, https://app.example.com",
]


@pytest.fixture
def engine() -> str:
    """One engine is enough: nothing here asks it anything particular."""
    return "sqlite"


@pytest.fixture
async def opened(settings: Settings) -> AsyncIterator[House]:
    """Lend a house with one origin on its list."""
    async with open_house(replace(settings, browser=Browser(allowed_origins=(APP.decode(),)))) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        yield house


def allowed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What an answer allows."""
    return [(name, value) for name, value in headers if name.startswith(b"access-control-")]


@pytest.mark.parametrize("origin", NOT_LISTED)
async def test_an_origin_that_is_not_on_the_list_is_told_nothing(opened: House, origin: bytes) -> None:
    """Neither before nor with its request; and what it is told is marked as depending on the origin."""
    asked = await call(
        opened.auth,
        "OPTIONS",
        "/v1/me",
        headers=[(b"origin", origin), (b"access-control-request-method", b"GET")],
    )
    answer = await call(opened.auth, "GET", "/v1/me", headers=[(b"origin", origin)])

    assert (asked.status, answer.status) == (405, 401)
    assert allowed(asked.headers) == allowed(answer.headers) == []
    assert asked.values(b"vary") == answer.values(b"vary") == [b"Origin"]


@pytest.mark.parametrize("second", [APP, b"https://evil.example", b"null"])
async def test_two_origins_are_none(opened: House, second: bytes) -> None:
    """What a proxy joins and what we compare must not differ."""
    for headers in ([(b"origin", APP), (b"origin", second)], [(b"origin", second), (b"origin", APP)]):
        answer = await call(opened.auth, "GET", "/v1/me", headers=headers)

        assert allowed(answer.headers) == []


async def test_no_origin_is_an_answer_that_still_depends_on_it(opened: House) -> None:
    """A cache must not give the answer for nobody to the application, or the other way round."""
    answer = await call(opened.auth, "GET", "/v1/me")

    assert allowed(answer.headers) == []
    assert answer.values(b"vary") == [b"Origin"]


async def test_a_listed_origin_gets_nothing_by_our_cookie(opened: House) -> None:
    """No credentials are ever allowed, and a change with the cookie is refused before CORS could matter."""
    await opened.register()
    held = cookie((await post(opened.auth, "/v1/login", LOGIN)).values(b"set-cookie")[0].partition(b";")[0])
    cross = [(b"origin", APP), (b"sec-fetch-site", b"cross-site")]

    for site in (cross, [(b"origin", APP)], [(b"origin", APP), (b"sec-fetch-site", b"same-site")]):
        changed = await call(opened.auth, "PATCH", "/v1/me", headers=[JSON, held, *site], body=b'{"profile": {}}')
        exchanged = await call(opened.auth, "POST", "/v1/token/exchange", headers=[held, *site])
        assert (changed.status, exchanged.status) == (403, 403)
    read = await call(opened.auth, "GET", "/v1/me", headers=[held, *cross])
    assert read.values(b"access-control-allow-credentials") == []


async def test_a_listed_origin_cannot_log_a_browser_in(opened: House) -> None:
    """Log-in CSRF: it may have tokens of whoever types a password there, but it sets no cookie of ours."""
    await opened.register()

    answer = await post(opened.auth, "/v1/login", LOGIN, (b"origin", APP), (b"sec-fetch-site", b"cross-site"))

    assert (answer.status, answer.code) == (403, "cross_site_request")
    assert answer.values(b"set-cookie") == []


async def test_our_own_pages_need_no_permission(opened: House) -> None:
    """The origin itself is never on the list and never told anything."""
    answer = await call(opened.auth, "GET", "/v1/me", headers=[(b"origin", ORIGIN.encode()), OURS])

    assert allowed(answer.headers) == []


async def test_no_operation_allows_credentials_or_reflects(opened: House) -> None:
    """Every operation there is, also one that is added tomorrow."""
    for operation in opened.auth.operations():
        path = operation.path.replace("{id}", "ses_x")
        for origin in (APP, b"https://evil.example"):
            answer = await call(
                opened.auth, operation.method, path, headers=[(b"origin", origin), JSON, OURS], body=b"{}"
            )

            assert answer.values(b"access-control-allow-credentials") == [], path
            assert answer.values(b"access-control-allow-origin") in ([], [b"*"], [APP]), path
            if origin != APP:
                assert answer.values(b"access-control-allow-origin") in ([], [b"*"]), path
            if answer.values(b"access-control-allow-origin") == [b"*"]:
                assert answer.values(b"set-cookie") == [], path
