"""Hono CVE-2026-44457: a personal answer was kept by a cache and shown to the next person."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.raw import JSON, OURS, bearer, call, post

pytestmark = pytest.mark.usefixtures("quick")

PUBLIC = {"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/v1/doorward.js"}


async def test_nothing_personal_may_be_kept(house: House) -> None:
    """Every operation, with and without a caller, success and refusal: ``no-store``, but for three public documents."""
    pair = await house.enter()

    for operation in house.auth.operations():
        for headers in ([JSON, bearer(pair["access_token"])], [JSON], []):
            path = operation.path.replace("{id}", "ses_x")
            if path == "/v1/logout":
                continue
            answer = await call(house.auth, operation.method, path, headers=headers, body=b"{}")

            (policy,) = answer.values(b"cache-control")
            if path in PUBLIC:
                assert policy.startswith(b"public, max-age=")
                assert answer.values(b"set-cookie") == []
            else:
                assert policy == b"no-store", path


async def test_what_varies_by_cookie_is_never_kept(house: House) -> None:
    """With the session's cookie, a dead one and a doubled one: no answer may be stored, whatever its status."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    held = (await post(house.auth, "/v1/login", login)).values(b"set-cookie")[0].partition(b";")[0]
    dead = b"__Host-doorward=dead"

    for operation in house.auth.operations():
        path = operation.path.replace("{id}", "ses_x")
        if path == "/v1/logout" or path in PUBLIC:
            continue
        for sent in (held, dead, held + b"; " + dead):
            answer = await call(house.auth, operation.method, path, headers=[JSON, OURS, (b"cookie", sent)], body=b"{}")

            assert answer.values(b"cache-control") == [b"no-store"], path
            assert answer.values(b"etag") == answer.values(b"last-modified") == [], path


async def test_what_is_public_is_the_same_with_a_cookie(house: House) -> None:
    """Only that may be kept: byte for byte what somebody without a session gets."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    held = (await post(house.auth, "/v1/login", login)).values(b"set-cookie")[0].partition(b";")[0]

    for path in PUBLIC:
        anybody = await call(house.auth, "GET", path)
        ada = await call(house.auth, "GET", path, headers=[(b"cookie", held)])

        assert (anybody.status, anybody.body) == (ada.status, ada.body)
        assert ada.values(b"set-cookie") == []


@pytest.mark.parametrize("path", ["/v1/me", "/nowhere", "/health/live", "/v1/login", "/docs", "/.well-known/jwks.json"])
async def test_every_answer_has_the_headers_of_every_answer(house: House, path: str) -> None:
    """Also a refusal: nosniff, HSTS, a policy that allows nothing, no referrer, a request id; each once."""
    answer = await call(house.auth, "GET", path)
    names = [name for name, _ in answer.headers]

    assert len(names) == len(set(names))
    assert answer.values(b"x-content-type-options") == [b"nosniff"]
    assert answer.values(b"strict-transport-security")[0].startswith(b"max-age=31536000")
    assert answer.values(b"content-security-policy")[0].startswith(b"default-src 'none'")
    assert b"frame-ancestors 'none'" in answer.values(b"content-security-policy")[0]
    assert answer.values(b"referrer-policy") == [b"no-referrer"]
    assert answer.values(b"x-request-id")[0]
    assert answer.values(b"server") == answer.values(b"x-powered-by") == []


async def test_a_conditional_request_tells_nothing_of_others(house: House) -> None:
    """Only the key set has a validator, and it is the same for everybody."""
    etag = (await call(house.auth, "GET", "/.well-known/jwks.json")).values(b"etag")[0]
    token = (await house.enter())["access_token"]

    unchanged = await call(house.auth, "GET", "/.well-known/jwks.json", headers=[(b"if-none-match", etag)])
    personal = await call(house.auth, "GET", "/v1/me", headers=[bearer(token), (b"if-none-match", b"*")])

    assert (unchanged.status, unchanged.body) == (304, b"")
    assert personal.status == 200
    assert personal.values(b"etag") == []


async def test_a_log_out_empties_the_browser(house: House) -> None:
    """What pages have stored goes as well (ASVS 14.3.1), whoever asks and however dead the session is."""
    for body in (b"{}", b'{"refresh_token": "x"}', b'{"everywhere": true}'):
        answer = await call(house.auth, "POST", "/v1/logout", headers=[JSON], body=body)

        assert answer.status == 204
        assert answer.values(b"clear-site-data") == [b'"cache", "cookies", "storage"']
