"""The Host header made links and decided paths: Zitadel CVE-2026-29067, starlette CVE-2026-48710 and -54282."""

import pytest

from tests.support.house import ORIGIN, PASSWORD, House
from tests.support.raw import JSON, bearer, call

pytestmark = pytest.mark.usefixtures("quick")

EVIL = b"evil.example"

HEADERS = [
    [(b"host", EVIL)],
    [(b"host", b"auth.example.test:1@evil.example")],
    [(b"host", b"auth.example.test/v1/me?")],
    [(b"host", b"evil.example/..")],
    [(b"host", b"")],
    [],
    [(b"host", b"auth.example.test"), (b"host", EVIL)],
    [(b"x-forwarded-host", EVIL), (b"x-forwarded-proto", b"http"), (b"x-forwarded-port", b"666")],
    [(b"x-forwarded-prefix", b"/evil.example"), (b"x-original-url", b"/v1/me")],
    [(b"forwarded", b"host=evil.example;proto=http")],
    [(b"x-host", EVIL), (b"x-forwarded-server", EVIL), (b"x-http-host-override", EVIL)],
]


@pytest.mark.parametrize("said", HEADERS)
async def test_no_answer_is_made_of_the_host_that_the_caller_says(
    house: House, said: list[tuple[bytes, bytes]]
) -> None:
    """Every GET of the contract, its page and its documents: the origin is the configured one, and evil is nowhere."""
    token = (await house.enter())["access_token"]
    paths = [operation.path for operation in house.auth.operations() if operation.method == "GET"]

    for path in [*paths, "/openapi.json", "/docs", "/nowhere"]:
        answer = await call(house.auth, "GET", path, headers=[*said, bearer(token)])

        assert b"evil" not in answer.everything, path
        assert answer.status == (404 if path == "/nowhere" else 200), path


@pytest.mark.parametrize("said", HEADERS)
async def test_the_issuer_of_a_token_is_the_configured_one(house: House, said: list[tuple[bytes, bytes]]) -> None:
    """Whatever host a log-in names, the token says who made it and for whom."""
    await house.register()
    body = b'{"login": "ada@example.test", "password": "%s"}' % PASSWORD.encode()

    answer = await call(house.auth, "POST", "/v1/login", headers=[JSON, *said], body=body)

    principal = house.auth.verifier.check(answer.json["access_token"])
    assert principal.subject == answer.json["account"]["id"]


async def test_the_metadata_names_the_configured_origin(house: House) -> None:
    """RFC 8414 §3.3: the issuer in the metadata is the one whose address was asked."""
    answer = await call(
        house.auth, "GET", "/.well-known/oauth-authorization-server", headers=[(b"host", EVIL)], server=("evil", 1)
    )

    assert answer.json["issuer"] == ORIGIN
    assert answer.json["jwks_uri"] == ORIGIN + "/.well-known/jwks.json"


@pytest.mark.parametrize(
    "host", [b"auth.example.test/v1/health?x=", b"x#", b"a b", b"auth.example.test\\@evil", b"[::1", b"\xff"]
)
async def test_no_host_changes_which_path_is_meant(house: House, host: bytes) -> None:
    """A protected path stays protected, since the decision is made on the scope's path."""
    shown = await call(house.auth, "GET", "/v1/me", headers=[(b"host", host)])
    lived = await call(house.auth, "GET", "/health/live", headers=[(b"host", host)])

    assert (shown.status, lived.status) == (401, 200)


@pytest.mark.parametrize("scheme", ["http", "https", "ws", "evil"])
async def test_no_scheme_changes_the_cookie_or_the_hsts(house: House, scheme: str) -> None:
    """Oathkeeper CVE-2026-33495: where a proxy ends TLS the scheme says http; the cookie is Secure all the same."""
    await house.register()
    body = b'{"login": "ada@example.test", "password": "%s", "transport": "cookie"}' % PASSWORD.encode()

    answer = await call(
        house.auth, "POST", "/v1/login", headers=[JSON, (b"x-forwarded-proto", b"http")], body=body, scheme=scheme
    )

    assert b"; Secure; HttpOnly" in answer.values(b"set-cookie")[0]
    assert answer.values(b"strict-transport-security")


async def test_the_callers_own_address_cannot_be_forged(house: House) -> None:
    """What is counted and remembered is the peer that the server saw, not what X-Forwarded-For says."""
    await house.register()
    for number in range(3):
        body = b'{"login": "ada@example.test", "password": "wrong"}'
        forged = [(b"x-forwarded-for", b"198.51.100.%d" % number), (b"x-real-ip", b"198.51.100.%d" % number)]
        await call(house.auth, "POST", "/v1/login", headers=[JSON, *forged], body=body)

    database = house.auth._database
    tries = await database.fetch_all("SELECT tries FROM allowance ORDER BY tries")
    prefixes = await database.fetch_all("SELECT DISTINCT ip_prefix FROM audit_event")
    # One registration; the login alone and from that network; the network, the wider one, the instance: no other.
    assert [row["tries"] for row in tries] == [1, 3, 3, 4, 4, 4]
    assert [row["ip_prefix"] for row in prefixes] == ["203.0.113.0/24"]
