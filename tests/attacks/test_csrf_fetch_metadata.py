"""Cross-site request forgery: another site's page sends the browser's cookie along (OWASP, Fetch Metadata first)."""

import itertools

import pytest

from tests.support.house import ORIGIN, PASSWORD, House
from tests.support.raw import JSON, call, cookie, post

pytestmark = pytest.mark.usefixtures("quick")

LOGIN = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}

SITES = [None, b"same-origin", b"none", b"same-site", b"cross-site", b"", b"Same-Origin", b"same-origin ", b"\xff"]
ORIGINS = [
    None,
    ORIGIN.encode(),
    b"null",
    b"https://evil.example",
    b"https://sub.auth.example.test",
    b"https://example.test",
    b"http://auth.example.test",
    ORIGIN.encode() + b":443",
    ORIGIN.encode() + b".evil.example",
    ORIGIN.encode() + b"/",
    ORIGIN.upper().encode(),
    b"",
]
GOOD_SITES = (b"same-origin", b"none")


def _may(site: bytes | None, origin: bytes | None) -> bool:
    """The rule in one line: Fetch Metadata decides where it is sent, else the Origin must be ours, else no."""
    return site in GOOD_SITES if site is not None else origin == ORIGIN.encode()


def _said(site: bytes | None, origin: bytes | None) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in ((b"sec-fetch-site", site), (b"origin", origin)) if value is not None]


async def test_the_whole_matrix_of_where_a_request_comes_from(house: House) -> None:
    """Every Sec-Fetch-Site with every Origin: only a page of our own origin changes anything with a cookie."""
    await house.register()
    held = cookie((await post(house.auth, "/v1/login", LOGIN)).values(b"set-cookie")[0].partition(b";")[0])

    for site, origin in itertools.product(SITES, ORIGINS):
        headers = [JSON, held, *_said(site, origin)]

        answer = await call(house.auth, "PATCH", "/v1/me", headers=headers, body=b'{"profile": {}}')

        assert answer.status == (200 if _may(site, origin) else 403), (site, origin)
        if answer.status == 403:
            assert answer.code == "cross_site_request"


@pytest.mark.parametrize("said", [_said(b"cross-site", None), _said(None, b"https://evil.example"), _said(None, None)])
async def test_no_unsafe_operation_can_be_reached_from_another_site(
    house: House, said: list[tuple[bytes, bytes]]
) -> None:
    """All operations that need a caller, generated from the contract: 403, and nothing has changed."""
    account = await house.register()
    entered = await post(house.auth, "/v1/login", LOGIN)
    held = cookie(entered.values(b"set-cookie")[0].partition(b";")[0])

    for operation in house.auth.operations():
        if not operation.needs_caller or operation.method == "GET":
            continue
        path = operation.path.replace("{id}", entered.json["session_id"])
        answer = await call(house.auth, operation.method, path, headers=[JSON, held, *said], body=b"{}")
        assert (answer.status, answer.code) == (403, "cross_site_request"), operation.path

    shown = await call(house.auth, "GET", "/v1/me", headers=[held])
    assert shown.json["account"] == account


@pytest.mark.parametrize("said", [_said(b"cross-site", None), _said(None, b"https://evil.example"), _said(None, None)])
async def test_another_site_cannot_log_anybody_out(house: House, said: list[tuple[bytes, bytes]]) -> None:
    """Also where the body is missing, which is what a bare form or a ``no-cors`` fetch can send."""
    await house.register()
    held = cookie((await post(house.auth, "/v1/login", LOGIN)).values(b"set-cookie")[0].partition(b";")[0])

    for headers, body in (([JSON], b"{}"), ([], b""), ([(b"content-length", b"0")], b"")):
        answer = await call(house.auth, "POST", "/v1/logout", headers=[held, *headers, *said], body=body)
        assert answer.status == 403

    assert (await call(house.auth, "GET", "/v1/me", headers=[held])).status == 200


@pytest.mark.parametrize("site", [b"cross-site", b"same-site"])
async def test_a_header_said_twice_is_judged_by_the_worst(house: House, site: bytes) -> None:
    """A proxy that adds its own must not hide what the browser said."""
    await house.register()
    held = cookie((await post(house.auth, "/v1/login", LOGIN)).values(b"set-cookie")[0].partition(b";")[0])
    both = [(b"sec-fetch-site", site), (b"sec-fetch-site", b"same-origin")]
    origins = [(b"origin", b"https://evil.example"), (b"origin", ORIGIN.encode())]

    for said in (both, both[::-1], origins, origins[::-1]):
        answer = await call(house.auth, "PATCH", "/v1/me", headers=[JSON, held, *said], body=b'{"profile": {}}')

        assert answer.status == 403


async def test_a_program_without_cookies_is_not_asked_where_it_comes_from(house: House) -> None:
    """A bearer token is never sent along by a browser by itself."""
    pair = await house.enter()

    answer = await house.client.patch(
        "/v1/me", json={"profile": {}}, headers={"Authorization": f"Bearer {pair['access_token']}"}
    )

    assert answer.status_code == 200


async def test_reading_across_sites_changes_nothing_and_allows_no_reading(house: House) -> None:
    """A cross-site GET is answered, and no header lets the other site's script read it."""
    await house.register()
    held = cookie((await post(house.auth, "/v1/login", LOGIN)).values(b"set-cookie")[0].partition(b";")[0])

    answer = await call(
        house.auth,
        "GET",
        "/v1/me",
        headers=[held, (b"sec-fetch-site", b"cross-site"), (b"origin", b"https://evil.example")],
    )
    asked = await call(
        house.auth,
        "OPTIONS",
        "/v1/me",
        headers=[(b"origin", b"https://evil.example"), (b"access-control-request-method", b"PATCH")],
    )

    assert not [name for name, _ in answer.headers + asked.headers if name.startswith(b"access-control-")]
    assert answer.values(b"cross-origin-resource-policy") == [b"same-origin"]
    assert asked.status == 405
