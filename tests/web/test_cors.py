"""Which scripts of other origins may read answers: the list, and nothing near it."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from doorward.settings import Browser, Settings
from tests.support.house import PASSWORD, House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import JSON, Answer, bearer, call

APP = b"https://app.example.com"
LISTED = ("https://app.example.com", "https://other.example:8443")


@pytest.fixture
def engine() -> str:
    """One engine is enough: nothing here asks it anything particular."""
    return "sqlite"


@pytest.fixture
async def opened(settings: Settings) -> AsyncIterator[House]:
    """Lend a house with two origins on its list."""
    async with open_house(replace(settings, browser=Browser(allowed_origins=LISTED))) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        yield house


def said(answer: Answer) -> dict[bytes, bytes]:
    """What an answer says about who may read it."""
    fields = [(name, value) for name, value in answer.headers if name.startswith(b"access-control-") or name == b"vary"]
    assert len(dict(fields)) == len(fields)
    return dict(fields)


async def ask(house: House, method: str, path: str, *headers: tuple[bytes, bytes], body: bytes = b"") -> Answer:
    """Ask from the listed application."""
    return await call(house.auth, method, path, headers=[(b"origin", APP), *headers], body=body)


async def preflight(house: House, path: str, method: bytes = b"POST") -> Answer:
    """Ask as a browser does before it sends JSON."""
    asked = ((b"access-control-request-method", method), (b"access-control-request-headers", b"content-type"))
    return await ask(house, "OPTIONS", path, *asked)


async def test_a_listed_application_logs_in_and_calls_with_a_token(opened: House) -> None:
    """And reads the answers, the refusals among them; never with our cookie."""
    await opened.register()
    body = b'{"login": "ada@example.test", "password": "%s"}' % PASSWORD.encode()

    entered = await ask(opened, "POST", "/v1/login", JSON, body=body)
    me = await ask(opened, "GET", "/v1/me", bearer(entered.json["access_token"]))
    refused = await ask(opened, "GET", "/v1/me", bearer("x"))

    assert (entered.status, me.status, refused.status) == (200, 200, 401)
    for answer in (entered, me, refused):
        assert said(answer) == {
            b"access-control-allow-origin": APP,
            b"access-control-expose-headers": b"retry-after, www-authenticate, x-request-id",
            b"vary": b"Origin",
        }


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/login", b"POST"),
        ("/v1/me", b"DELETE, GET, HEAD, PATCH"),
        ("/v1/me/sessions/ses_x", b"DELETE"),
    ],
)
async def test_a_preflight_is_told_the_methods_of_the_path(opened: House, path: str, methods: bytes) -> None:
    """Two headers, ten minutes, and what the answer depends on."""
    answer = await preflight(opened, path)

    assert (answer.status, answer.body) == (204, b"")
    assert said(answer) == {
        b"access-control-allow-origin": APP,
        b"access-control-allow-methods": methods,
        b"access-control-allow-headers": b"authorization, content-type",
        b"access-control-max-age": b"600",
        b"vary": b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }
    assert answer.values(b"cache-control") == [b"no-store"]
    assert answer.values(b"strict-transport-security")
    assert answer.values(b"x-request-id")


@pytest.mark.parametrize("path", ["/v1/nowhere", "/docs", "/openapi.json", "/health/ready", "/", "/login"])
async def test_what_is_not_the_api_is_not_opened(opened: House, path: str) -> None:
    """Pages above all: their forms are for people on them."""
    asked = await preflight(opened, path)
    shown = await ask(opened, "GET", path)

    assert asked.status in (404, 405)
    if not path.startswith("/v1/"):
        assert said(asked) == said(shown) == {}


async def test_options_without_a_question_is_a_method_like_any_other(opened: House) -> None:
    """Only what a browser asks is answered."""
    answer = await ask(opened, "OPTIONS", "/v1/me")

    assert (answer.status, answer.code) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server"])
async def test_public_documents_are_for_every_origin(house: House, path: str) -> None:
    """The same for everybody, and read without cookies: a star is what browsers refuse to combine with them."""
    answers = [await call(house.auth, "GET", path), await call(house.auth, "GET", path, headers=[(b"origin", b"null")])]

    assert [said(answer) for answer in answers] == [{b"access-control-allow-origin": b"*"}] * 2


async def test_nothing_is_said_where_nobody_is_listed(house: House) -> None:
    """The default."""
    answers = [await ask(house, "GET", "/v1/me"), await preflight(house, "/v1/login")]

    assert [said(answer) for answer in answers] == [{}, {}]
    assert [answer.status for answer in answers] == [401, 405]


async def test_the_list_counts_below_a_mount_point(settings: Settings) -> None:
    """The path is the one that the instance sees."""
    changed = replace(settings, mount_path="/auth", browser=Browser(allowed_origins=LISTED))
    async with open_house(changed) as house:
        answer = await call(house.auth, "GET", "/auth/v1/me", headers=[(b"origin", APP)], root_path="/auth", body=b"")

    assert said(answer)[b"access-control-allow-origin"] == APP
