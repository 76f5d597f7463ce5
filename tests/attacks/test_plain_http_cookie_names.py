"""The cookie of plain HTTP development and the real one: whoever could pass one for the other needs no ``__Host-``."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from doorward.settings import Serving, Settings
from tests.support.house import PASSWORD, House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import JSON, Answer, Headers, call, cookie

pytestmark = pytest.mark.usefixtures("quick")

CLEAR = "http://localhost:8443"
HOST = (b"host", b"localhost:8443")
OURS = (b"sec-fetch-site", b"same-origin")
REAL, DEVELOPMENT = b"__Host-doorward", b"doorward-insecure-loopback"
LOGIN = b'{"login": "ada@example.test", "password": "%s", "transport": "cookie"}' % PASSWORD.encode()
HERE = ("127.0.0.1", 50000)


@pytest.fixture
def engine() -> str:
    """One engine is enough: nothing here asks it anything particular."""
    return "sqlite"


@pytest.fixture
async def clear(house: House, settings: Settings) -> AsyncIterator[House]:
    """Lend an instance that speaks plain HTTP, with the database and the secret of ``house``."""
    changed = replace(settings, origin=CLEAR, serving=Serving(insecure_loopback=True))
    async with open_house(changed) as opened:
        opened.auth.pool.hasher = QuickHasher(settings.passwords)
        yield opened


async def ask(house: House, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
    """Ask from this machine."""
    return await call(house.auth, method, path, headers=[HOST, OURS, *headers], body=body, client=HERE)


async def value_of(house: House) -> bytes:
    """Log in and return what the cookie holds."""
    answer = await ask(house, "POST", "/v1/login", [JSON], LOGIN)
    assert answer.status == 200
    return answer.values(b"set-cookie")[0].partition(b";")[0].partition(b"=")[2]


async def test_the_development_cookie_has_a_name_of_its_own(clear: House, house: House) -> None:
    """Without prefix and ``Secure``, which no browser takes over plain HTTP; the rest is as always."""
    await house.register()

    entered = await ask(clear, "POST", "/v1/login", [JSON], LOGIN)
    held = entered.values(b"set-cookie")[0]
    left = await ask(clear, "POST", "/v1/logout", [cookie(held.partition(b";")[0]), JSON], b"{}")

    assert held.startswith(DEVELOPMENT + b"=dws_")
    assert held.endswith(b"; Path=/; HttpOnly; SameSite=Lax")
    assert left.values(b"set-cookie") == [DEVELOPMENT + b"=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"]
    assert (
        clear.auth._face.reference.document["components"]["securitySchemes"]["cookie"]["name"] == DEVELOPMENT.decode()
    )


async def test_neither_name_is_known_to_the_other_kind_of_instance(clear: House, house: House) -> None:
    """The value is genuine, the database and the secret are the same: the name decides."""
    await house.register()
    real, development = await value_of(house), await value_of(clear)

    statuses = [
        (await ask(asked, "GET", "/v1/me", [cookie(name + b"=" + value)])).status
        for asked in (house, clear)
        for name in (REAL, DEVELOPMENT)
        for value in (real, development)
    ]

    assert statuses == [200, 200, 401, 401, 401, 401, 200, 200]


async def test_the_other_name_beside_ours_changes_nothing(clear: House, house: House) -> None:
    """It is some cookie: neither doubled, nor a second credential."""
    await house.register()
    value = await value_of(clear)

    both = await ask(clear, "GET", "/v1/me", [cookie(REAL + b"=x; " + DEVELOPMENT + b"=" + value)])
    doubled = await ask(clear, "GET", "/v1/me", [cookie(DEVELOPMENT + b"=x; " + DEVELOPMENT + b"=" + value)])

    assert (both.status, doubled.status) == (200, 401)
    assert doubled.values(b"set-cookie")[0].startswith(DEVELOPMENT + b"=;")


@pytest.mark.parametrize("client", [("192.168.1.7", 1), ("203.0.113.7", 1), ("::ffff:203.0.113.7", 1), ("", 0), None])
async def test_another_machine_is_refused(clear: House, client: tuple[str, int] | None) -> None:
    """Also where a host listens somewhere else than it should; nobody known is another machine."""
    answer = await call(clear.auth, "GET", "/v1/me", headers=[HOST], client=client)

    assert (answer.status, answer.code) == (400, "https_required")


@pytest.mark.parametrize("client", [HERE, ("::1", 1), ("127.9.9.9", 1)])
async def test_this_machine_is_answered_without_hsts(clear: House, client: tuple[str, int]) -> None:
    """RFC 6797 §7.2: it is not said over plain HTTP."""
    answer = await call(clear.auth, "GET", "/health/live", headers=[HOST], client=client)

    assert answer.status == 200
    assert answer.values(b"strict-transport-security") == []


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"evil.example:8443")],  # DNS rebinding
        [(b"host", b"127.0.0.1:8443")],
        [(b"host", b"localhost")],
        [HOST, HOST],
        [],
        [HOST, (b"x-forwarded-for", b"127.0.0.1")],
        [HOST, (b"x-forwarded-proto", b"https")],
        [HOST, (b"forwarded", b"for=127.0.0.1")],
    ],
)
async def test_another_host_and_what_came_through_a_proxy_are_refused(clear: House, headers: Headers) -> None:
    """The origin is one, and behind a proxy on this machine may be everybody."""
    answer = await call(clear.auth, "GET", "/v1/me", headers=headers, client=HERE)

    assert (answer.status, answer.code) == (400, "https_required")
